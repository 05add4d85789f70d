"""Killed at every named failpoint that an agent's iteration reaches, and started again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.core.commands import Stash
from tests.coding import Steps, Toy, aside, check_climb, spend, value
from tests.driving import wait_for

Make = Callable[..., Toy]

TURNS: dict[int | str, Steps] = {
    2: [
        value(9),
        {"commit": "nine"},
        spend(100, 0.1),
        {"write": {"file": "notes.md", "text": "left\n"}},
        {"say": "done"},
    ],
}
LAST = 2
BEFORE_THE_AGENT = {"iteration.recorded": 2, "agent.recorded": 1}
WHILE_IT_WORKS = {"check.spawned": 2}
AFTER_IT = {"agent.ended": 1, "agent.outcome": 1, "change.collected": 1, "change.recorded": 1}
IN_ITS_CHECK = {"check.recorded": 2, "check.ended": 2, "outcome.recorded": 2}
AT_ITS_VERDICT = {"verdict.recorded": 2, "accepted.recorded": 2, "accepted.moved": 2}
AT_THE_END = {"snapshot.written": 1, "finish.recorded": 1, "engine.stopped": 1}
ANYWHERE = {"journal.appended": 9, "journal.committed": 10}
HITS = (
    BEFORE_THE_AGENT
    | WHILE_IT_WORKS
    | AFTER_IT
    | IN_ITS_CHECK
    | AT_ITS_VERDICT
    | AT_THE_END
    | ANYWHERE
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """The run that was never killed."""
    climb = Toy(tmp_path_factory.mktemp("reference"), TURNS)
    climb.run(LAST)
    assert climb.verdicts() == {1: "promoted", 2: "promoted"}
    yield climb
    climb.end()


@pytest.mark.parametrize("name", HITS)
def test_an_iteration_survives_being_killed(name: str, toy: Make, reference: Toy) -> None:
    climb = toy(TURNS)
    climb.killed_at(name, HITS[name], LAST)
    climb.run(LAST)
    check_climb(climb, reference)
    assert climb.branch() == climb.champion_commit()
    again = [e["attempt"] for e in climb.of_iteration(2, "AgentStarted")]
    assert again == ([1, 2] if name in ("agent.recorded", "agent.ended", "check.spawned") else [1])


@pytest.mark.parametrize("name", ["recovery.killed", "recovery.recorded"])
def test_its_recovery_survives_being_killed(name: str, toy: Make, reference: Toy) -> None:
    climb = toy(TURNS)
    climb.killed_at("check.spawned", WHILE_IT_WORKS["check.spawned"], LAST)
    climb.killed_at(name, iterations=LAST)
    climb.run(LAST)
    check_climb(climb, reference)
    assert climb.branch() == climb.champion_commit()
    assert len(climb.of_iteration(2, "AgentInterrupted")) == 1


def test_a_change_that_is_carried_over_survives_being_killed(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    climb = toy({2: [value(4), {"wait_for": str(gate)}], 3: [aside(-3)]}, agent={"slots": 2})
    armed = {"CONTROLROOM_FAILPOINT": "change.carried:1"}
    engine = climb.start("--iterations", "3", **armed)
    climb.wait_event("VerdictReached", iteration=3)
    gate.touch()
    assert engine.wait() == -9
    climb.run(3)
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "promoted"}
    assert climb.verdict(2)["value"] == 1
    assert climb.branch() == climb.champion_commit()
    assert len(climb.of_iteration(2, "ChangeCarriedOver")) == 1


def test_a_stash_survives_being_killed(toy: Make) -> None:
    climb = toy({2: [value(9), {"say": "half way"}, {"hang": "child"}], 3: [value(8)]})
    engine = climb.start("--iterations", "3", CONTROLROOM_FAILPOINT="stash.kept:1")
    climb.wait_said("half way", 2)
    climb.send(Stash(reason="later"))
    assert engine.wait() == -9
    assert climb.verdicts() == {1: "promoted"}
    climb.run(3)
    (stashed,) = climb.events("AttemptStashed")
    assert [name for name in climb.kept() if name.startswith("stash/")] == ["stash/s-001"]
    assert climb.shown(climb.kept()[stashed["ref"]]) == "VALUE = 9"
    assert climb.verdicts() == {1: "promoted", 2: "inconclusive", 3: "promoted"}
    assert climb.processes() == []


def test_all_directives_of_the_campaign_are_recorded_though_it_was_killed_between(
    toy: Make,
) -> None:
    texts = [{"text": f"Directive {n}."} for n in range(3)]
    climb = toy({}, agent={"directives": texts})
    climb.killed_at("journal.committed", hit=2)
    assert len(climb.events("DirectiveAdded")) == 2
    climb.run(1)
    assert [e["directive"] for e in climb.events("DirectiveAdded")] == ["d-001", "d-002", "d-003"]


def test_a_killed_attempt_is_kept_as_it_was(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    orphan = {"run": "setsid sleep 600 >/dev/null 2>&1 &"}
    first: Steps = [value(9), {"commit": "nine"}, aside(1), orphan, {"say": "half way"}]
    climb = toy({"2/1": [*first, {"wait_for": str(gate)}], "2/2": [value(8)]})
    engine = climb.start("--iterations", "2")
    climb.wait_said("half way", 2)
    engine.kill()
    engine.wait()
    wait_for(lambda: not climb.processes())  # its sandbox does not outlive the engine
    climb.run(2)
    assert climb.processes() == []
    kept = climb.kept()["attempts/00002-1"]
    assert (climb.shown(kept), climb.shown(kept, "aside.py")) == ("VALUE = 9", "ASIDE = 1")
    assert climb.parents(climb.parents(kept)[0]) == [climb.base]
    assert climb.shown(climb.branch()) == "VALUE = 8"
