"""Campaigns in which the real programs hang, or whose engine is killed while they work."""

import random
import threading
import time
from typing import Final

import pytest

from tests.coding import answer
from tests.driving import wait_for
from tests.models.script import Answer, Conversation, Shell, Turn
from tests.real_agents import (
    CLAUDE,
    CODEX,
    Hiring,
    Program,
    by_iteration,
    campaign_of,
    edits,
    named_by,
    unique_s,
    words_on_command_lines,
)

DONE: Final = Turn((Answer(answer()["answer"]),))


class Lasting:
    """A model that has its agent run a command for ever, until it is released.

    The command leaves two processes that do not end, one of them in a session of its own.
    """

    def __init__(self) -> None:
        self.seconds = unique_s()
        self.begun = threading.Event()
        self.released = threading.Event()
        # Codex keeps the folder .git from its tools, so that only claude's commit succeeds.
        commit = "git -c user.name=me -c user.email=me@example.org commit -qam five"
        sleeps = f"{commit}; setsid sleep {self.seconds} & sleep {self.seconds}"
        self._first = [*edits(10, 5), Turn((Shell(sleeps, wait_s=600),))]

    def __call__(self, conversation: Conversation) -> Turn | None:
        """What comes next: in its first attempts a change for the better, and the command."""
        turns = [*edits(10, 9), DONE] if self.released.is_set() else self._first
        return turns[conversation.turns] if conversation.turns < len(turns) else None

    def alive(self) -> int:
        """How many processes of the command there are."""
        return sum(self.seconds in words for words in words_on_command_lines())


@pytest.fixture
def lasting() -> Lasting:
    """A model that waits for ever."""
    return Lasting()


@pytest.mark.parametrize("program", [CODEX, pytest.param(CLAUDE, marks=pytest.mark.long)], ids=str)
def test_s2_an_agent_that_hangs_is_ended_with_all_its_processes(
    hiring: Hiring, lasting: Lasting, program: Program
) -> None:
    story = {2: lasting, 3: [*edits(10, 9), DONE]}
    toy, server = hiring(program, by_iteration(story), agent={"deadline": "15s"})
    engine = toy.start("--iterations", "2", **hiring.person)
    wait_for(lambda: lasting.alive() >= 2)
    second = toy.wait_event("AgentFinished", iteration=2)
    wait_for(lambda: lasting.alive() == 0)
    assert engine.wait() == 0
    assert second["outcome"] == "timeout"
    assert 15 <= second["duration_s"] < 40
    assert second["kept"] == "attempts/00002-1"
    assert toy.shown(toy.kept()["attempts/00002-1"]) == "VALUE = 5"
    assert lasting.seconds in toy.transcript(2)
    assert toy.branch() == ""
    # What comes next is not to be hurried, on a machine that is busy.
    with toy.person_at_work():
        toy.write_campaign(**campaign_of(program, server.url))
    toy.run(3, "--accept-changes", status=0, **hiring.person)
    assert toy.verdicts() == {1: "promoted", 2: "timeout", 3: "promoted"}
    assert toy.shown(toy.branch()) == "VALUE = 9"
    assert toy.parents(toy.branch()) == [toy.base]
    assert toy.status()["spend"]["tokens"] == server.ledger.told.input + server.ledger.told.output
    assert named_by(str(toy.run_dir)) == []


@pytest.mark.parametrize("program", [CODEX, pytest.param(CLAUDE, marks=pytest.mark.long)], ids=str)
def test_s9_an_engine_that_is_killed_leaves_no_agent_and_goes_on(
    hiring: Hiring, lasting: Lasting, program: Program
) -> None:
    story = {2: lasting, 3: [*edits(9, 8), DONE]}
    toy, server = hiring(program, by_iteration(story))
    engine = toy.start("--iterations", "3", **hiring.person)
    wait_for(lambda: lasting.alive() >= 2)
    events = toy.paths.attempt(2, 1) / "events.jsonl"
    wait_for(lambda: events.read_text().count('"spent"') == len(server.ledger.calls))
    toy.wait_said(lasting.seconds, 2)
    engine.kill()
    engine.wait()
    assert toy.harm() == {}
    wait_for(lambda: lasting.alive() == 0)  # its sandbox does not outlive the engine
    lasting.released.set()
    toy.run(3, status=0, **hiring.person)
    assert lasting.alive() == 0
    assert named_by(str(toy.run_dir)) == []
    first, second = toy.of_iteration(2, "AgentStarted")
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert len(toy.of_iteration(2, "AgentInterrupted")) == 1
    assert toy.shown(toy.kept()["attempts/00002-1"]) == "VALUE = 5"
    assert lasting.seconds in toy.transcript(2, 1)
    assert toy.verdicts() == {1: "promoted", 2: "promoted", 3: "promoted"}
    assert toy.shown(toy.branch()) == "VALUE = 8"
    spend = toy.status()["spend"]
    assert spend["tokens"] == server.ledger.billed.input + server.ledger.billed.output
    assert spend["usd"] == pytest.approx(server.ledger.cost_usd(program.prices), abs=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("program", [CODEX, CLAUDE], ids=str)
def test_an_engine_that_is_killed_at_any_moment_goes_on(hiring: Hiring, program: Program) -> None:
    chance = random.Random(20)
    story = {number: [*edits(12 - number, 11 - number), DONE] for number in range(2, 6)}
    toy, server = hiring(program, by_iteration(story))
    for _ in range(12):
        engine = toy.start("--iterations", "5", **hiring.person)
        end_s = time.monotonic() + chance.uniform(0.5, 5)
        wait_for(lambda engine=engine, end_s=end_s: engine.poll() or time.monotonic() > end_s)
        engine.kill()
        engine.wait()
        assert toy.harm() == {}
    toy.run(5, status=0, **hiring.person)
    assert named_by(str(toy.run_dir)) == []
    assert toy.verdicts() == dict.fromkeys(range(1, 6), "promoted")
    assert toy.shown(toy.branch()) == "VALUE = 6"
    for started in toy.events("AgentStarted"):
        assert (toy.run_dir / started["folder"] / "prompt.md").exists()
    finished = toy.events("AgentFinished")
    assert [event["tokens"]["input"] for event in finished] == [3000] * len(finished)
    assert toy.status()["spend"]["tokens"] <= server.ledger.told.input + server.ledger.told.output
