"""When failures halt a run: the same again and again, or too many of one class."""

from typing import Any

import pytest

from engine.core import events as e
from engine.core.agent_turn import invalid, no_change
from engine.core.breaker import Breaker, why_open
from engine.core.campaign.load import campaign_from_document
from engine.core.plan import OnFail, Plan
from engine.core.state import RunState
from engine.core.verdict import FAILURES, Verdict
from engine.core.verdicts import verdict_of
from engine.loop.planning import breaker_of
from tests.agent_events import at_work, worked
from tests.agent_runs import state_of
from tests.recorded import began, created, judged, proposed

INFRA = Breaker(caps={"infra": 3})


def after(*verdicts: Verdict, resumed: bool = False) -> RunState:
    """A run whose iterations came to these verdicts."""
    story: list[e.AnyEvent] = [created()]
    for number, verdict in enumerate(verdicts, start=1):
        story += [began(number), proposed(number), judged(number, None, verdict)]
    return state_of([*story, *([e.RunResumed(by="ada")] if resumed else [])])


def test_so_many_of_a_class_and_nothing_judged_in_between() -> None:
    assert why_open(after("infra", "infra"), INFRA) is None
    reason = why_open(after("infra", "timeout", "infra", "infra"), INFRA)
    assert reason == (
        "infra 3 times and nothing that could be judged in between; policy.caps.infra is 3"
    )


@pytest.mark.parametrize("judged_as", ["promoted", "rejected", "inconclusive", "infeasible"])
def test_a_run_that_gets_on_is_not_halted(judged_as: Verdict) -> None:
    assert why_open(after("infra", "infra", judged_as, "infra", "infra"), INFRA) is None


def test_each_class_has_a_cap_of_its_own() -> None:
    breaker = Breaker(caps={"infra": 3, "incorrect": 2, "invalid": 4})
    assert why_open(after("infra", "incorrect", "infra"), breaker) is None
    reason = why_open(after("infra", "incorrect", "incorrect"), breaker)
    assert reason is not None
    assert "policy.caps.incorrect is 2" in reason
    assert why_open(after(*["invalid"] * 4), breaker) is not None


def test_without_a_cap_nothing_halts_and_a_person_who_looked_begins_anew() -> None:
    assert why_open(after(*["infra"] * 50), Breaker(caps={"infra": 0})) is None
    assert why_open(after(*["infra"] * 50), Breaker()) is None
    assert why_open(after(*["infra"] * 50, resumed=True), INFRA) is None


def ended(make: str, times: int, **policy: OnFail) -> RunState:
    """A run in which so many agents changed nothing, or broke the same rule."""
    plan = Plan(checks=(), **policy)  # type: ignore[arg-type]
    story: list[e.AnyEvent] = [created()]
    for number in range(1, times + 1):
        story += [*at_work(number), worked(number)]
        state = state_of(story)
        turn = state.open[number]
        if make == "no_change":
            story.append(no_change(state, turn, plan, 0))
        else:
            story.append(invalid(state, turn, plan, f"its answer has {number} ideas of 9"))
    return state_of(story)


@pytest.mark.parametrize("make", ["no_change", "invalid"])
def test_an_agent_that_does_nothing_of_use_all_night_halts(make: str) -> None:
    breaker = Breaker(same_failure=3)
    assert why_open(ended(make, 2), breaker) is None
    reason = why_open(ended(make, 3), breaker)
    assert reason is not None
    assert reason.startswith(f"the same failure 3 times in a row: {make}: ")


def test_but_not_where_it_may_change_nothing() -> None:
    state = ended("no_change", 50, no_commit="continue")
    assert why_open(state, Breaker(same_failure=3, caps={"no_change": 3})) is None


@pytest.mark.parametrize(
    ("on_fail", "consequence"),
    [("count-failure", "none"), ("continue", "none"), ("fail", "fatal")],
)
def test_the_machines_failures_are_not_counted_as_the_ideas(
    on_fail: OnFail, consequence: str
) -> None:
    state = state_of([created(), *at_work(1)])
    turn = state.open[1]
    found = verdict_of(state, turn, "infra", "disk", on_fail=on_fail)
    assert found.consequence == consequence
    assert verdict_of(state, turn, "timeout", "x", on_fail="count-failure").consequence == "counted"


def breaker(**more: Any) -> Breaker:
    """That of the smallest campaign with these sections."""
    document: dict[str, Any] = {
        "campaign": "made",
        "metric": {"name": "ms", "direction": "min"},
        "checks": [{"name": "bench", "run": "true", "reports": ["ms"]}],
    }
    return breaker_of(campaign_from_document(document | more))


def test_a_campaign_says_how_many_are_too_many() -> None:
    code = {"workspace": {}, "proposers": [{"kind": "agent", "agent": "codex"}]}
    space = {"space": {"x": {"choices": [1, 2]}}, "baseline": {"x": 1}}
    assert (breaker(**code).same_failure, breaker(**code).caps["infra"]) == (3, 10)
    assert {most for name, most in breaker(**code).caps.items() if name != "infra"} == {0}
    own = breaker(**code, policy={"same_failure": 5, "caps": {"infra": 0, "incorrect": 6}})
    assert (own.same_failure, own.caps["infra"], own.caps["incorrect"]) == (5, 0, 6)
    assert set(own.caps) == FAILURES | {"invalid"}
    assert (breaker(**space).same_failure, breaker(**space).caps["infra"]) == (0, 10)
