"""What a candidate says better of itself than it is, and what the baseline does as well."""

import msgspec

from engine.core.events import AnyEvent, CheckFinished
from engine.core.ids import CandidateId, IterationNumber
from engine.core.state import RunState
from engine.core.verdicts import verdict_of
from tests.recorded import began, checked, checking, created, judged, proposed, started, state_of

OUTPUT = "its output"


def said(number: int, value: float, **by_place: float) -> CheckFinished:
    """The check passed, and the candidate says something else of itself."""
    told = {name.replace("_", " "): each for name, each in by_place.items()}
    return msgspec.structs.replace(checked(number, value), said=told)


def state(baseline: CheckFinished, candidate: CheckFinished) -> RunState:
    """The run when the second candidate's check has passed, before its verdict."""
    first: list[AnyEvent] = [began(1), proposed(1), checking(1), baseline]
    first.append(judged(1, baseline.metrics["est_ms"], "promoted"))
    second: list[AnyEvent] = [began(2), proposed(2), checking(2), candidate]
    return state_of(created(), started(), *first, *second)


def noticed(baseline: CheckFinished, candidate: CheckFinished) -> list[str]:
    """What is noticed of the second candidate."""
    run = state(baseline, candidate)
    verdict = verdict_of(run, run.open[2], "rejected", "not better")
    assert verdict.reason == "; ".join(["not better", *verdict.noticed])
    return verdict.noticed


def test_a_better_figure_than_the_measured_is_named() -> None:
    found = noticed(checked(1, 3.0), said(2, 2.9, its_output=0.1, it_left=2.9))
    assert found == ["its output says est_ms 0.1, measured is 2.9"]


def test_a_worse_figure_is_not() -> None:
    assert noticed(checked(1, 3.0), said(2, 2.9, its_output=4.0)) == []


def test_what_the_baseline_does_too_is_the_campaigns_way() -> None:
    found = noticed(said(1, 3.0, its_output=2.0), said(2, 2.9, its_output=0.1, it_left=0.2))
    assert found == ["it left says est_ms 0.2, measured is 2.9"]


def test_a_baseline_that_says_the_truth_excuses_nobody() -> None:
    assert noticed(said(1, 3.0, its_output=3.0), said(2, 2.9, its_output=0.1)) != []


def test_the_baseline_itself_is_not_named() -> None:
    first = [began(1), proposed(1), checking(1), said(1, 3.0, its_output=0.1)]
    run = state_of(created(), started(), *first)
    assert verdict_of(run, run.open[IterationNumber(1)], "promoted", "the baseline").noticed == []
    assert run.baseline == CandidateId("c-0001")
