"""What comes next for an agent whose attempts failed: pauses, tries, and an end to them."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from engine.core import events as e
from engine.core.agent_turn import agent_step
from engine.core.ids import IterationNumber, candidate_id
from engine.core.plan import Plan, PlannedAgent
from engine.core.state import RunState
from engine.core.steps import RunAgent, Wait
from tests.agent_events import at_work, worked, working
from tests.agent_runs import state_of
from tests.recorded import NOON, created

PLAN = Plan(checks=(), agent=PlannedAgent(retries=2, backoff_s=20))
ENDED_S = datetime.fromisoformat(NOON).timestamp()
DISK = "the files of the attempt cannot be written: [Errno 5] Input/output error"


def let_down(attempt: int = 1, **changes: Any) -> e.AgentInterrupted:
    """The machine did not do its part."""
    event = e.AgentInterrupted(
        iteration=IterationNumber(1),
        candidate=candidate_id(IterationNumber(1)),
        attempt=attempt,
        reason=DISK,
        signature="interrupted: errno",
    )
    return msgspec.structs.replace(event, **changes)


def after(*attempts: e.AgentFinished | e.AgentInterrupted) -> RunState:
    """The first iteration, whose agent's attempts came to this, one after the other."""
    story: list[e.AnyEvent] = [created(), *at_work(1)]
    for number, event in enumerate(attempts, start=1):
        if number > 1:
            story.append(working(1, number))
        story.append(msgspec.structs.replace(event, attempt=number))
    return state_of(story)


def step(state: RunState, later_s: float = 0.0, plan: Plan = PLAN) -> Any:
    return agent_step(state, state.open[1], plan, ENDED_S + later_s)


def failed(outcome: str, **changes: Any) -> e.AgentFinished:
    return worked(1, outcome=outcome, detail="no luck", signature="alike", **changes)


def test_what_the_machine_let_down_is_made_again_after_a_pause_that_grows() -> None:
    once = after(let_down())
    assert step(once) == Wait(until_s=ENDED_S + 20, reason=DISK)
    assert step(once, 20) == RunAgent()
    twice = after(let_down(), let_down())
    assert step(twice, 39) == Wait(until_s=ENDED_S + 40, reason=DISK)
    assert step(twice, 40) == RunAgent()


def test_and_is_a_failure_of_the_machine_after_so_many_tries() -> None:
    verdict = step(after(let_down(), let_down(), let_down()), 9999)
    assert (verdict.verdict, verdict.signature) == ("infra", "interrupted: errno")
    assert verdict.reason == f"codex: {DISK}"
    mixed = step(after(failed("unreachable"), let_down(), failed("crashed")), 9999)
    assert (mixed.verdict, mixed.signature) == ("infra", "alike")


def test_what_a_person_or_the_end_of_an_engine_cut_off_begins_anew_at_once() -> None:
    cut_off = let_down(reason="pause --now", signature="")
    assert step(after(*[cut_off] * 9)) == RunAgent()
    assert step(after(let_down(), cut_off)) == RunAgent()


@pytest.mark.parametrize("retry_at", ["2026-11-21T11:59:00Z", NOON, None])
def test_a_limit_that_is_said_to_be_over_is_paused_for_all_the_same(retry_at: str | None) -> None:
    once = after(failed("limited", retry_at=retry_at))
    assert step(once, 19) == Wait(until_s=ENDED_S + 20, reason="no luck")
    assert step(once, 20) == RunAgent()
    often = after(*[failed("limited", retry_at=retry_at)] * 5)
    assert step(often, 319) == Wait(until_s=ENDED_S + 320, reason="no luck")
    assert step(often, 320) == RunAgent()


def test_a_limit_is_waited_out_until_the_time_that_the_provider_named() -> None:
    state = after(failed("limited", retry_at="2026-11-21T12:30:00Z"))
    assert step(state) == Wait(until_s=ENDED_S + 1800, reason="usage limit")
    assert step(state, 1799) == Wait(until_s=ENDED_S + 1800, reason="usage limit")
    assert step(state, 1800) == RunAgent()


def test_the_minutes_of_an_iteration_are_those_of_all_its_attempts() -> None:
    plan = msgspec.structs.replace(
        PLAN, agent=msgspec.structs.replace(PLAN.agent, most_s=45 * 60.0)
    )
    long, short = failed("crashed", duration_s=40 * 60.0), failed("limited", duration_s=5 * 60.0)
    assert step(after(long), 9999, plan) == RunAgent()
    over = step(after(long, short), 9999, plan)
    assert over.verdict == "timeout"
    assert over.reason == "codex: the 45 minutes of the iteration are used up"
    assert over.signature
    assert step(after(long, short), 9999) == RunAgent()
