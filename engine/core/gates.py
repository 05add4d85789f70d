"""Gates: vetoes of secondary metrics, by what the engine measured."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What a metric must be: within bounds, and near the champion's (shares of its value)."""

    metric: str
    most: float | None = None
    least: float | None = None
    most_rise: float | None = None
    most_fall: float | None = None


def vetoes(
    gates: Sequence[Gate], metrics: Mapping[str, float], champion: Mapping[str, float] | None
) -> list[str]:
    """Why a candidate does not count, in words; empty when it passes every gate.

    Args:
        gates: the campaign's.
        metrics: the candidate's.
        champion: the champion's; None for the baseline, which is compared with nobody.
    """
    return [words for gate in gates for words in _vetoes(gate, metrics, champion or {})]


def _vetoes(
    gate: Gate, metrics: Mapping[str, float], champion: Mapping[str, float]
) -> Iterator[str]:
    value, reference = metrics.get(gate.metric), champion.get(gate.metric)
    if value is None:
        yield f"no check reported {gate.metric}"
        return
    said = f"{gate.metric} is {value:g}"
    if gate.most is not None and value > gate.most:
        yield f"{said}, more than {gate.most:g}"
    if gate.least is not None and value < gate.least:
        yield f"{said}, less than {gate.least:g}"
    if reference is None:
        return
    change = value - reference
    if gate.most_rise is not None and change > gate.most_rise * abs(reference):
        yield f"{said}, more than {100 * gate.most_rise:g} % above the champion's {reference:g}"
    if gate.most_fall is not None and -change > gate.most_fall * abs(reference):
        yield f"{said}, more than {100 * gate.most_fall:g} % below the champion's {reference:g}"
