"""Gates of secondary metrics."""

import pytest

from engine.core.gates import Gate, vetoes

CHAMPION = {"vmem": 10.0, "loss": -2.0}


@pytest.mark.parametrize(
    ("gate", "value", "words"),
    [
        (Gate(metric="vmem", most=16), 16.0, None),
        (Gate(metric="vmem", most=16), 16.5, "vmem is 16.5, more than 16"),
        (Gate(metric="vmem", least=3), 2.0, "vmem is 2, less than 3"),
        (Gate(metric="vmem", most_rise=0.05), 10.5, None),
        (Gate(metric="vmem", most_rise=0.05), 10.6, "more than 5 % above the champion's 10"),
        (Gate(metric="vmem", most_fall=0.05), 9.4, "more than 5 % below the champion's 10"),
        (Gate(metric="vmem", most_fall=0.05), 99.0, None),
        (Gate(metric="loss", most_rise=0.1), -1.7, "loss is -1.7, more than 10 % above"),
        (Gate(metric="loss", most_rise=0.0), -2.0, None),
    ],
)
def test_a_gate_lets_through_or_says_why(gate: Gate, value: float, words: str | None) -> None:
    told = vetoes([gate], {gate.metric: value}, CHAMPION)
    assert bool(told) is (words is not None)
    assert words is None or words in told[0]


def test_what_nobody_reported_is_no_silence() -> None:
    assert vetoes([Gate(metric="spills", most=3)], {}, CHAMPION) == ["no check reported spills"]


def test_the_baseline_is_compared_with_nobody() -> None:
    assert vetoes([Gate(metric="vmem", most_rise=0.0)], {"vmem": 99.0}, None) == []


def test_every_gate_is_told() -> None:
    gates = [Gate(metric="vmem", most=1, least=20), Gate(metric="loss", least=0)]
    assert len(vetoes(gates, CHAMPION, None)) == 3
