"""When a more radical change is demanded: exactly what is compared."""

import pytest

from engine.core.metric import Metric
from engine.knowledge.escalation import escalation
from tests.agent_runs import Turn, run_of, spots

INVERSE, STATE = spots(inverse=0.6, state=0.3), spots(inverse=0.3, state=0.6)
FIRST = Turn(verdict="promoted", value=2.0, hotspots=INVERSE)


def stands(*turns: Turn, baseline: Turn = FIRST, below: float = 0.03) -> bool:
    return escalation(run_of(turns, baseline=baseline), below).stands


def test_nothing_measured_by_an_agent_is_no_reason() -> None:
    assert not stands()
    assert not stands(Turn(verdict="no_change"), Turn(verdict="incorrect"), Turn(verdict=None))
    assert escalation(run_of([]), 0.03).why == "no agent's candidate has been measured yet"


def test_a_small_gain_with_the_same_hotspot_sets_it() -> None:
    found = escalation(run_of([Turn(value=1.98, hotspots=INVERSE)], baseline=FIRST), 0.03)
    assert found.stands
    assert (found.candidate, found.hotspot, found.hotspot_before) == (
        "c-0002",
        "inverse",
        "inverse",
    )
    assert found.gain == pytest.approx(0.01)
    assert found.why == (
        "c-0002 gained +1 %, less than 3 %, and most of the time still goes to inverse"
    )


def test_a_small_promoted_gain_and_a_loss_set_it_too() -> None:
    assert stands(Turn(verdict="promoted", value=1.98, hotspots=INVERSE))
    assert stands(Turn(value=2.5, hotspots=INVERSE))


def test_a_gain_at_the_threshold_lifts_it() -> None:
    small = Turn(value=2.0, hotspots=INVERSE)
    assert not stands(small, Turn(verdict="promoted", value=1.75, hotspots=INVERSE), below=0.125)
    assert stands(small, Turn(verdict="promoted", value=1.7501, hotspots=INVERSE), below=0.125)


def test_another_dominant_hotspot_lifts_it() -> None:
    assert not stands(Turn(value=2.0, hotspots=INVERSE), Turn(value=1.99, hotspots=STATE))


def test_what_was_not_measured_changes_nothing() -> None:
    small = Turn(value=1.98, hotspots=INVERSE)
    for verdict in ("no_change", "incorrect", "infra", "timeout", "invalid", "compile"):
        assert stands(small, Turn(verdict=verdict))  # type: ignore[arg-type]
    assert stands(small, Turn(verdict=None))
    big = Turn(verdict="promoted", value=1.0, hotspots=INVERSE)
    assert not stands(big, Turn(verdict="incorrect"))


def test_the_champion_of_its_time_is_the_one_that_it_stands_on() -> None:
    won = Turn(verdict="promoted", value=1.0, hotspots=INVERSE)
    late = Turn(value=0.99, hotspots=INVERSE, base=1)
    found = escalation(run_of([won, late], baseline=FIRST), 0.03)
    assert found.gain == pytest.approx(0.505)
    assert not found.stands


def test_a_change_that_was_carried_over_is_compared_with_where_it_stands_now() -> None:
    won = Turn(verdict="promoted", value=1.0, hotspots=INVERSE)
    late = Turn(value=0.99, hotspots=INVERSE, base=1, carried=2)
    found = escalation(run_of([won, late], baseline=FIRST), 0.03)
    assert found.gain == pytest.approx(0.01)
    assert found.stands


def test_only_what_an_agent_made_counts() -> None:
    merged = Turn(verdict="promoted", value=2.0, hotspots=INVERSE, by_agent=False)
    assert not stands(merged)
    assert stands(Turn(value=1.99, hotspots=INVERSE), merged)


def test_a_value_of_a_candidate_that_broke_the_rules_does_not_count() -> None:
    assert not stands(Turn(verdict="invalid", value=1.99, hotspots=INVERSE))


def test_without_hotspots_the_gain_decides() -> None:
    bare = Turn(verdict="promoted", value=2.0)
    assert stands(Turn(value=1.98), baseline=bare)
    assert not stands(Turn(value=1.5), baseline=bare)
    assert not stands(Turn(value=1.98, hotspots=INVERSE), baseline=bare)
    assert not stands(Turn(value=1.98), baseline=FIRST)


def test_equal_shares_have_one_dominant_name() -> None:
    tie, other = spots(b=0.5, a=0.5), spots(a=0.5, b=0.5)
    first = Turn(verdict="promoted", value=2.0, hotspots=tie)
    assert stands(Turn(value=2.0, hotspots=other), baseline=first)


def test_more_is_better_for_a_metric_to_be_raised() -> None:
    up = Metric(name="est_ms", direction="max")
    first = Turn(verdict="promoted", value=100.0)
    assert escalation(run_of([Turn(value=102.0)], baseline=first, metric=up), 0.03).stands
    assert not escalation(run_of([Turn(value=104.0)], baseline=first, metric=up), 0.03).stands


def test_a_champion_of_zero_has_no_share_to_gain() -> None:
    zero = Turn(verdict="promoted", value=0.0)
    assert not stands(Turn(value=0.0), baseline=zero)
