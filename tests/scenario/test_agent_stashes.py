"""Attempts that are put aside, and agents that work side by side, played from a script."""

from collections.abc import Callable
from pathlib import Path

from engine.core.commands import DropStash, RestoreStash, Stash
from engine.core.ids import IterationNumber, StashId
from tests.coding import SCORE, Steps, Toy, aside, value
from tests.driving import wait_for
from tests.workspaces import git, tree_files

Make = Callable[..., Toy]

S1 = StashId("s-001")


def test_an_attempt_is_put_aside_and_gone_on_with(toy: Make) -> None:
    """What is restored is carried over to the champion of then, all of it."""
    half: Steps = [
        aside(-3),
        {"commit": "half of it"},
        {"write": {"file": "notes/plan.md", "text": "the other half\n"}},
        {"say": "half way"},
        {"hang": "child"},
    ]
    climb = toy({2: half, 3: [value(8)], 4: [{"write": {"file": "done.txt", "text": "done\n"}}]})
    engine = climb.start("--iterations", "4")
    climb.wait_said("half way", 2)
    put = climb.send(Stash(reason="look later"), by="ada")
    assert climb.answered(put)["type"] == "CommandAccepted"
    stashed = climb.wait_event("AttemptStashed")
    again = climb.send(RestoreStash(stash=S1))
    assert climb.answered(again)["type"] == "CommandAccepted"
    assert engine.wait() == 0

    assert (stashed["stash"], stashed["reason"], stashed["by"]) == (S1, "look later", "ada")
    assert climb.verdict(2)["verdict"] == "inconclusive"
    assert climb.kept()["stash/s-001"] == stashed["commit"]
    assert climb.shown(stashed["commit"], "aside.py") == "ASIDE = -3"
    assert climb.shown(stashed["commit"], "notes/plan.md") == "the other half"
    restored = _restored(climb)
    (proposed,) = climb.of_iteration(restored, "CandidateProposed")
    assert (proposed["base"], proposed["parents"]) == (stashed["commit"], ["c-0002"])
    assert "half way" in climb.transcript(2)


def test_what_was_restored_stands_whole_on_the_champion_of_then(toy: Make) -> None:
    half: Steps = [aside(-3), {"write": {"file": "plan.md", "text": "half\n"}}, {"hang": True}]
    climb = toy({2: half, 3: [value(8)], 4: [{"write": {"file": "done.txt", "text": "done\n"}}]})
    engine = climb.start("--iterations", "3")
    climb.wait_said("plan.md", 2)
    climb.send(Stash())
    assert engine.wait() == 0
    climb.send(RestoreStash(stash=S1))
    climb.run(4)
    assert climb.verdicts() == {1: "promoted", 2: "inconclusive", 3: "promoted", 4: "promoted"}
    assert climb.verdict(4)["value"] == 5
    tip = climb.branch()
    assert (climb.shown(tip), climb.shown(tip, "aside.py")) == ("VALUE = 8", "ASIDE = -3")
    assert {"plan.md", "done.txt"} <= tree_files(climb.repo, tip).keys()
    (carried,) = climb.of_iteration(4, "ChangeCarriedOver")
    assert carried["base"] == climb.of_iteration(3, "ChangeCollected")[0]["commit"]


def test_a_stash_is_dropped_with_its_ref(toy: Make) -> None:
    climb = toy({2: [value(9), {"say": "changed"}, {"hang": True}], 3: [], 4: []})
    engine = climb.start("--iterations", "2")
    climb.wait_said("changed", 2)
    climb.send(Stash())
    assert engine.wait() == 0
    assert "stash/s-001" in climb.kept()
    dropped, gone = climb.send(DropStash(stash=S1)), climb.send(RestoreStash(stash=S1))
    climb.run(3)
    assert climb.answered(dropped)["type"] == "CommandAccepted"
    assert climb.answered(gone)["type"] == "CommandRefused"
    assert "stash/s-001" not in climb.kept()


def test_a_candidate_that_is_being_checked_is_put_aside_as_it_is(toy: Make, tmp_path: Path) -> None:
    slow = {
        "name": "slow",
        "run": "grep -q 'VALUE = 9' work.py || exit 0; echo litter > litter.txt; sleep 600",
        "shell": True,
    }
    climb = toy({2: [value(9)], 3: []}, checks=[SCORE, slow])
    engine = climb.start("--iterations", "3")
    climb.wait_event("CheckStarted", iteration=2, check="slow")
    wait_for((climb.paths.trees / "00" / "litter.txt").exists)
    climb.send(Stash(iteration=IterationNumber(2)))
    assert engine.wait() == 0
    (change,) = climb.of_iteration(2, "ChangeCollected")
    (stashed,) = climb.events("AttemptStashed")
    assert stashed["commit"] == climb.kept()["stash/s-001"] == change["commit"]
    assert climb.verdict(2)["value"] == 9


def test_what_was_not_begun_takes_nothing_of_others_along(toy: Make, tmp_path: Path) -> None:
    """Iteration 4 waits for the provider in a slot whose tree has what iteration 3 left."""
    one, two = tmp_path / "gates" / "one", tmp_path / "gates" / "two"
    turns: dict[int | str, Steps] = {
        2: [{"wait_for": str(one)}, {"limit": "1h"}],
        3: [value(30), {"wait_for": str(two)}],
    }
    climb = toy(turns, agent={"slots": 2})
    engine = climb.start("--iterations", "4")
    wait_for(lambda: len(climb.events("AgentStarted")) == 2)
    one.touch()
    climb.wait_event("AgentFinished", outcome="limited")
    two.touch()
    climb.wait_event("VerdictReached", iteration=3)
    climb.wait_event("IterationStarted", iteration=4)
    for number in (4, 2):
        climb.answered(climb.send(Stash(iteration=IterationNumber(number))))
    assert engine.wait() == 0
    assert len(climb.events("AgentStarted")) == 2, "somebody asked before the limit was over"
    assert {each["commit"] for each in climb.events("AttemptStashed")} == {climb.base}
    assert [name for name in climb.kept() if name.startswith("stash/")] == []


def test_two_are_put_aside_at_once(toy: Make) -> None:
    turns: dict[int | str, Steps] = {
        n: [value(n), {"say": "changed"}, {"hang": True}] for n in (2, 3)
    }
    climb = toy(turns, agent={"slots": 2})
    engine = climb.start("--iterations", "3")
    for number in (2, 3):
        climb.wait_said("changed", number)
    for number in (2, 3):
        climb.send(Stash(iteration=IterationNumber(number)))
    assert engine.wait() == 0
    kept = {e["iteration"]: climb.kept()[e["ref"]] for e in climb.events("AttemptStashed")}
    assert {n: climb.shown(commit) for n, commit in kept.items()} == {
        2: "VALUE = 2",
        3: "VALUE = 3",
    }


def test_a_change_of_an_older_champion_is_carried_over_and_checked_again(
    toy: Make, tmp_path: Path
) -> None:
    gate = tmp_path / "gates" / "gate"
    climb = toy(
        {2: [value(4), {"commit": "four"}, {"wait_for": str(gate)}], 3: [aside(-3)]},
        agent={"slots": 2},
    )
    _after_the_other(climb, gate)
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "promoted"}
    assert [c["metrics"] for c in climb.of_iteration(2, "CheckFinished")] == [
        {"score": 4},
        {"score": 1},
    ]
    (carried,) = climb.of_iteration(2, "ChangeCarriedOver")
    assert climb.branch() == climb.kept()["candidates/00002"] == carried["commit"]
    assert climb.parents(climb.branch()) == [climb.of_iteration(3, "ChangeCollected")[0]["commit"]]
    assert git(climb.repo, "log", "-1", "--format=%an: %s", climb.branch()) == (
        "scripted agent: four"
    )


def test_what_is_no_better_on_the_new_champion_is_not_taken(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    together = {
        "name": "together",
        "run": "! { grep -q 'VALUE = 4' work.py && grep -q 'ASIDE = -3' aside.py; }",
        "shell": True,
    }
    climb = toy(
        {2: [value(4), {"wait_for": str(gate)}], 3: [aside(-3)]},
        agent={"slots": 2},
        checks=[SCORE, together],
    )
    _after_the_other(climb, gate)
    assert climb.verdicts() == {1: "promoted", 2: "incorrect", 3: "promoted"}
    assert climb.branch() == climb.of_iteration(3, "ChangeCollected")[0]["commit"]


def test_a_conflict_with_the_new_champion_is_inconclusive(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    climb = toy({2: [value(4), {"wait_for": str(gate)}], 3: [value(7)]}, agent={"slots": 2})
    _after_the_other(climb, gate)
    assert climb.verdicts() == {1: "promoted", 2: "inconclusive", 3: "promoted"}
    assert climb.verdict(2)["reason"] == (
        "better, but in conflict with c-0003, promoted meanwhile: work.py"
    )
    assert climb.shown(climb.branch()) == "VALUE = 7"
    assert climb.shown(climb.kept()["candidates/00002"]) == "VALUE = 4"


def test_slots_do_not_work_in_one_tree_after_a_restart(toy: Make, tmp_path: Path) -> None:
    """Only the second slot was at work when the engine was killed."""
    gate = tmp_path / "gates" / "gate"
    late: Steps = [value(7), {"wait_for": str(gate)}, {"run": "cat work.py"}]
    climb = toy(
        {2: [value(9)], 3: late, 4: [value(30), {"wait_for": str(gate)}]}, agent={"slots": 2}
    )
    engine = climb.start("--iterations", "3")
    climb.wait_event("VerdictReached", iteration=2)
    climb.wait_said("work.py", 3)
    engine.kill()
    engine.wait()
    engine = climb.start("--iterations", "4")
    climb.wait_said("work.py", 3, 2)
    climb.wait_said("work.py", 4)
    gate.touch()
    assert engine.wait() == 0
    slots = {e["iteration"]: e["slot"] for e in climb.events("IterationStarted")}
    assert slots[3] != slots[4]
    assert "VALUE = 7" in climb.transcript(3, 2)
    assert climb.verdict(3)["value"] == 7
    assert climb.verdict(4)["value"] == 30


def _after_the_other(climb: Toy, gate: Path) -> None:
    """Run two agents, of which the first ends after the other's change was promoted."""
    engine = climb.start("--iterations", "3")
    climb.wait_event("VerdictReached", iteration=3)
    gate.touch()
    assert engine.wait() == 0, engine.output


def _restored(climb: Toy) -> int:
    (proposed,) = (e for e in climb.events("CandidateProposed") if e["restores"] == S1)
    return proposed["iteration"]
