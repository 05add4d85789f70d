"""A person's word on who is champion goes above the referee's, and is kept with its reason."""

from collections.abc import Callable

from engine.client import Stop
from engine.core.commands import AcceptChampion, RejectChampion
from engine.core.ids import CandidateId
from tests.coding import Toy, constant, value
from tests.driving import wait_for

Make = Callable[..., Toy]


def c(iteration: int) -> CandidateId:
    return CandidateId(f"c-{iteration:04d}")


def test_a_person_accepts_and_rejects(toy: Make) -> None:
    climb = toy({2: [value(8)], 3: [value(9)], 4: [value(7)], 5: [value(20)], 6: [value(3)]})
    climb.run(3)
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "rejected"}
    told = climb.call("champion", "accept", "3", "--reason", "it reads better")
    assert told.wait() == 0
    assert "no engine runs" in told.output
    climb.run(4)
    (accepted,) = climb.events("ChampionAccepted")
    assert (accepted["candidate"], accepted["before"]) == (c(3), c(2))
    assert accepted["reason"] == "it reads better"
    assert climb.verdict(4)["reason"].endswith(f"better than {c(3)} (9)")

    told = climb.call("champion", "reject", "--reason", "it is a hack")
    assert told.wait() == 0
    climb.run(5)
    (rejected,) = climb.events("ChampionRejected")
    assert (rejected["candidate"], rejected["champion"]) == (c(4), c(3))
    assert climb.shown(climb.branch()) == "VALUE = 9"
    assert climb.verdict(5)["reason"].startswith(f"not better than {c(3)}")
    board = climb.call("leaderboard")
    assert board.wait() == 0
    assert "promoted, rejected by " in board.output
    assert "rejected, accepted by " in board.output


def test_what_cannot_be_is_refused_with_its_reason(toy: Make) -> None:
    climb = toy({2: [value(-5)], 3: [constant(9)]})
    engine = climb.start("--iterations", "9")
    wait_for(lambda: climb.verdicts().get(3))
    for command, why in (
        (AcceptChampion(candidate=c(2), reason="x"), "c-0002 has not passed its checks: incorrect"),
        (AcceptChampion(candidate=c(99), reason="x"), "there is no candidate c-0099"),
        (AcceptChampion(candidate=c(3), reason="x"), "c-0003 is the champion"),
        (AcceptChampion(candidate=c(1), reason=" "), "it needs a reason"),
        (RejectChampion(candidate=c(2), reason="x"), "c-0002 never was champion"),
        (RejectChampion(candidate=c(1), reason="x"), "c-0001 is the baseline"),
    ):
        answer = climb.answered(climb.send(command))
        assert answer["type"] == "CommandRefused"
        assert why in answer["reason"]
    climb.send(Stop())
    engine.wait()


def test_a_run_goes_on_from_the_candidate_that_is_named(toy: Make) -> None:
    climb = toy({2: [value(8)], 3: [value(9)], 4: [constant(5)]})
    climb.run(3)
    refused = climb.run(4, "--from", "c-0099", status=2)
    assert "there is no candidate c-0099" in refused
    climb.run(4, "--from", "3", "--reason", "a cleaner start")
    assert climb.events("ChampionAccepted")[0]["reason"] == "a cleaner start"
    proposed = [e for e in climb.events("CandidateProposed") if e["iteration"] == 4]
    assert proposed[0]["parents"] == [c(3)]


def test_rejecting_all_that_was_accepted_brings_back_the_baseline(toy: Make) -> None:
    climb = toy({2: [value(8)], 3: [value(20)]})
    climb.run(2)
    assert climb.shown(climb.branch()) == "VALUE = 8"
    assert climb.call("champion", "reject", "2", "--reason", "no").wait() == 0
    climb.run(3)
    assert climb.status()["champion"]["candidate"] == c(1)
    assert climb.shown(climb.branch()) == "VALUE = 10"
