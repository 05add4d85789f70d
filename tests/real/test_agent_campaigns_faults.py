"""Campaigns in which the real programs' services fail: what it is called, and what goes on."""

import signal
import threading
import time
from datetime import datetime
from typing import Final

import pytest

from tests.coding import Toy, answer
from tests.models.script import (
    Answer,
    Conversation,
    Cut,
    Fault,
    Garbage,
    Say,
    Shell,
    Stall,
    Turn,
    UsageLimit,
    rate_limited,
    server_error,
    unauthorized,
)
from tests.models.server import refusing_url
from tests.models.usage import Outcome, Usage
from tests.real_agents import (
    CLAUDE,
    CODEX,
    KEY,
    SUBSCRIBER,
    Hiring,
    Program,
    Story,
    by_iteration,
    campaign_of,
    edits,
    wait_state,
)

DONE: Final = Turn((Answer(answer()["answer"]),))
CHANGE: Final = [*edits(10, 9), DONE]
ONE_MB: Final = "x" * 1_000_000
FAULTS: Final[Story] = {
    2: [rate_limited(times=None)],
    3: [server_error(times=None)],
    4: [Cut(times=None)],
    5: [Garbage(line_bytes=1_000_000, times=None)],
    6: [Stall(in_stream=False, times=None)],
    7: [Turn((Say(ONE_MB), Shell("printf '%01000000d' 7"))), *CHANGE],
}
"""Five services that are out of order, and one that talks much."""


def lasted_s(toy: Toy, iteration: int) -> float:
    """How long an iteration took."""
    begun, *_, judged = toy.of_iteration(iteration)
    ended, started = (datetime.fromisoformat(each["time"]) for each in (judged, begun))
    return (ended - started).total_seconds()


@pytest.mark.parametrize("program", [pytest.param(CODEX, marks=pytest.mark.long), CLAUDE], ids=str)
def test_a_service_that_fails_costs_an_iteration_and_no_more(
    hiring: Hiring, program: Program
) -> None:
    toy, server = hiring(program, by_iteration(FAULTS), agent={"idle": "10s"})
    toy.run(7, status=0, **hiring.person)
    assert toy.verdicts() == {
        1: "promoted",
        **dict.fromkeys(range(2, 6), "infra"),
        6: "timeout" if program is CODEX else "infra",
        7: "promoted",
    }
    for number in range(2, 7):
        (ended,) = toy.of_iteration(number, "AgentFinished")
        assert ended["outcome"] == (
            "timeout" if toy.verdicts()[number] == "timeout" else "unreachable"
        )
        assert lasted_s(toy, number) < 40
    assert "429" in toy.verdict(2)["reason"]
    assert ONE_MB in toy.transcript(7)
    assert toy.shown(toy.branch()) == "VALUE = 9"
    # Of a call that was cut claude guesses the output; what went in it was told.
    told = sum(event["tokens"]["input"] for event in toy.events("AgentFinished"))
    assert told == server.ledger.told.input
    assert toy.processes() == []


@pytest.mark.parametrize("program", [CODEX, pytest.param(CLAUDE, marks=pytest.mark.long)], ids=str)
def test_a_service_that_nobody_reaches_is_gone_on_without(hiring: Hiring, program: Program) -> None:
    with refusing_url() as url:
        toy = hiring.at(program, url, agent={"retries": 1})
        toy.run(2, status=0, **hiring.person)
    ended = toy.of_iteration(2, "AgentFinished")
    assert [each["outcome"] for each in ended] == ["unreachable"] * 2
    assert toy.verdict(2)["verdict"] == "infra"
    assert lasted_s(toy, 2) < 40
    with program.serve(by_iteration({3: CHANGE})) as server:
        with toy.person_at_work():
            toy.write_campaign(**campaign_of(program, server.url))
        toy.run(3, "--accept-changes", status=0, **hiring.person)
    assert toy.verdict(3)["verdict"] == "promoted"


@pytest.mark.parametrize("program", [CODEX, pytest.param(CLAUDE, marks=pytest.mark.long)], ids=str)
def test_a_key_that_is_refused_halts_the_run_and_says_how_to_log_in(
    hiring: Hiring, program: Program
) -> None:
    accepted = threading.Event()

    def choose(conversation: Conversation) -> Turn | Fault | None:
        turns = CHANGE if accepted.is_set() else [unauthorized(times=None)]
        return turns[conversation.turns] if conversation.turns < len(turns) else None

    toy, _ = hiring(program, choose)
    engine = toy.start("--iterations", "2", **hiring.person)
    halted = wait_state(toy, "halted")
    assert f"`controlroom login {program.name}`" in halted["reason"]
    assert f"`controlroom login {program.name}`" in toy.paths.pause.read_text()
    assert [e["outcome"] for e in toy.events("AgentFinished")] == ["login"]
    assert engine.poll() is None
    accepted.set()
    assert toy.call("resume").wait() == 0
    assert engine.wait() == 0
    assert toy.verdicts() == {1: "promoted", 2: "promoted"}
    assert KEY not in engine.output


@pytest.mark.parametrize("program", [CODEX, CLAUDE], ids=str)
def test_a_budget_is_kept_to_within_one_call(hiring: Hiring, program: Program) -> None:
    dear = Turn((Shell("true"),), Usage(fresh=100_000, output=1), pace_s=0.5)
    call_usd = program.prices.cost_usd(dear.usage)
    budget_usd = 2.5 * call_usd
    asked: list[Conversation] = []

    def choose(conversation: Conversation) -> Turn:
        asked.append(conversation)
        return dear

    toy, server = hiring(program, choose, budget={"usd": budget_usd})
    toy.run(5, status=3, **hiring.person)
    spend = toy.status()["spend"]
    assert budget_usd <= spend["usd"] <= budget_usd + call_usd
    answered = len(server.ledger.of(Outcome.ANSWERED))
    assert answered * call_usd <= budget_usd + call_usd
    assert len(asked) <= answered + 1
    assert toy.verdicts() == {1: "promoted", 2: "timeout"}
    (ended,) = toy.events("AgentFinished")
    assert ended["outcome"] == "ceiling"
    assert "the budget of the run is spent" in ended["detail"]
    asked.clear()
    toy.run(5, status=3, **hiring.person)
    assert not asked
    assert toy.processes() == []


@pytest.mark.parametrize(
    ("program", "again"),
    [
        pytest.param(CODEX, False, marks=pytest.mark.long),
        (CODEX, True),
        pytest.param(SUBSCRIBER, True, marks=pytest.mark.long),
    ],
    ids=["codex", "codex and another engine", "claude and another engine"],
)
def test_a_usage_limit_is_waited_out(hiring: Hiring, program: Program, *, again: bool) -> None:
    resets_at_s: list[int] = []

    def choose(conversation: Conversation) -> Turn | Fault | None:
        if not resets_at_s:
            # Far enough that a busy machine is seen to wait.
            resets_at_s.append(int(time.time()) + 15)
            return UsageLimit(resets_at_s=resets_at_s[0])
        return CHANGE[conversation.turns] if conversation.turns < len(CHANGE) else None

    toy, server = hiring(program, choose)
    engine = toy.start("--iterations", "2", **hiring.person)
    waiting = wait_state(toy, "waiting")
    assert datetime.fromisoformat(waiting["until"]).timestamp() == resets_at_s[0]
    if again:
        engine.kill(signal.SIGTERM)
        assert engine.wait() == 130
        engine = toy.start("--iterations", "2", **hiring.person)
    assert engine.wait() == 0
    assert [e["outcome"] for e in toy.events("AgentFinished")] == ["limited", "answered"]
    first, second, *_ = server.ledger.calls
    assert first.at_s < resets_at_s[0] <= second.at_s
    assert toy.verdicts() == {1: "promoted", 2: "promoted"}
    spend = toy.status()["spend"]
    assert spend["tokens"] == server.ledger.billed.input + server.ledger.billed.output
