"""The rules that end a run by themselves."""

from typing import Any

import msgspec
import pytest

from engine.core.events import Limits, RunFinished
from engine.core.metric import Metric
from engine.core.parts import Tokens
from engine.core.state import RunState
from engine.core.stopping import budget_spent, ending
from tests.agent_events import at_work, worked
from tests.agent_runs import METRIC, Turn, run_of, state_of
from tests.recorded import created

WON = Turn(verdict="promoted", value=1.0)
LOST = Turn(verdict="rejected", value=3.0)
WRONG = Turn(verdict="incorrect")


def end(*turns: Turn, alive_s: float = 0.0, metric: Metric = METRIC, **limits: Any) -> str | None:
    """How the run would end: reason and status; None when it goes on."""
    found = ending(run_of(turns, limits=Limits(**limits), metric=metric), alive_s)
    return None if found is None else f"{found.reason} {found.exit_status}"


def test_without_rules_a_run_goes_on() -> None:
    assert end(WON, LOST, WRONG, WRONG, alive_s=1e9) is None


def test_a_target_ends_it_where_that_is_asked() -> None:
    assert end(WON, stop_at_target=True) is None
    there = Turn(verdict="promoted", value=0.35)
    assert end(there, stop_at_target=True) == "target 0"
    assert end(there) is None
    assert end(Turn(verdict="rejected", value=0.1), stop_at_target=True) is None
    bare = msgspec.structs.replace(METRIC, target=None)
    assert end(there, stop_at_target=True, metric=bare) is None


def test_a_target_of_a_metric_to_be_raised() -> None:
    up = Metric(name="est_ms", direction="max", target=5.0)
    assert end(Turn(verdict="promoted", value=4.9), stop_at_target=True, metric=up) is None
    assert end(Turn(verdict="promoted", value=5.0), stop_at_target=True, metric=up) == "target 0"


def test_a_plateau_ends_it() -> None:
    assert end(LOST, WRONG, plateau=3) is None
    assert end(LOST, WRONG, LOST, plateau=3) == "plateau 0"
    assert end(LOST, LOST, WON, LOST, plateau=3) is None


@pytest.mark.parametrize(("alive_s", "expected"), [(7199.9, None), (7200.0, "time 0")])
def test_time_ends_it(alive_s: float, expected: str | None) -> None:
    assert end(WON, alive_s=alive_s, for_s=7200.0) == expected


def test_iterations_end_it_the_baseline_included() -> None:
    assert end(LOST, iterations=3) is None
    assert end(LOST, LOST, iterations=3) == "iterations 0"


def test_failures_in_a_row_end_it_with_3() -> None:
    assert end(WRONG, WON, WRONG, failures=2) is None
    assert end(WRONG, WRONG, failures=2) == "failures 3"


def test_a_baseline_that_fails_ends_it_with_4() -> None:
    broken = run_of([], baseline=Turn(verdict="incorrect", reason="wrong by 3"))
    assert ending(broken, 0.0) == RunFinished(
        reason="baseline", detail="the baseline is incorrect: wrong by 3", exit_status=4
    )


def test_money_and_tokens_end_it_with_3() -> None:
    assert end(LOST, usd=0.26) is None
    assert end(LOST, usd=0.25) == "budget 3"
    assert end(LOST, tokens=1_001) is None
    assert end(LOST, LOST, tokens=2_000) == "budget 3"


def silent(**changes: Any) -> RunState:
    """A run whose agent told nothing of what it used."""
    told_nothing = worked(1, cost_usd=None, tokens=Tokens(), **changes)
    return state_of([created(), *at_work(1), told_nothing])


def test_a_cost_that_nobody_tells_is_not_nothing() -> None:
    state = silent()
    assert (state.spend.usd, state.spend.untold) == (0.0, 1)
    assert budget_spent(state) is None, "there is no budget"
    state.limits = Limits(usd=40)
    assert (
        budget_spent(state)
        == "what an attempt cost is not known, nothing was told of it; go on without budget.usd"
    )
    state.limits = Limits(tokens=1_000)
    assert budget_spent(state) is None


@pytest.mark.parametrize("outcome", ["unreachable", "limited", "login", "crashed"])
def test_an_agent_that_did_not_get_to_work_ends_no_run_for_its_cost(outcome: str) -> None:
    state = silent(outcome=outcome)
    state.limits = Limits(usd=40)
    assert state.spend.untold == 1
    assert budget_spent(state) is None
