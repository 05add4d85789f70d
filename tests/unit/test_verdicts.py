"""One value against the champion's: what is better, and by how much it has to be."""

import pytest

from engine.core.ids import CandidateId
from engine.core.metric import Direction, Gain, Metric
from engine.core.verdict import Verdict
from engine.core.verdicts import compared

QUARTER = Gain(amount=0.0025, relative=True)


@pytest.mark.parametrize(
    ("direction", "min_gain", "value", "verdict"),
    [
        ("min", QUARTER, 99.7, "promoted"),
        ("min", QUARTER, 99.8, "rejected"),
        ("max", QUARTER, 100.3, "promoted"),
        ("max", QUARTER, 100.2, "rejected"),
        ("min", Gain(amount=2.0), 98.0, "promoted"),
        ("min", Gain(amount=2.0), 98.5, "rejected"),
        ("min", Gain(), 99.999, "promoted"),
        ("min", Gain(), 100.0, "rejected"),
        ("min", QUARTER, 101.0, "rejected"),
    ],
)
def test_a_gain_counts_from_min_gain_on(
    direction: Direction, min_gain: Gain, value: float, verdict: Verdict
) -> None:
    metric = Metric(name="ms", direction=direction, min_gain=min_gain)
    found, reason = compared(metric, value, CandidateId("c-0001"), 100.0)
    assert found == verdict
    assert ("min_gain" in reason) == (verdict == "rejected" and metric.gain(value, 100.0) > 0)
