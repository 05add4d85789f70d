"""What an agent or a candidate says that it measured, beside what the engine did."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from engine.core.metric import Metric

_AGREES: Final = 0.005
_AGREES_IN_NOISE: Final = 0.5
"""A candidate that times itself honestly leaves out what the judge's clock has around it."""

_NUMBER: Final = r"([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)"


def disputed(claims: Mapping[str, float], measured: Mapping[str, float]) -> list[str]:
    """The claims that differ from what the engine measured by more than half a percent."""
    wrong: list[str] = []
    for name, claimed in claims.items():
        value = measured.get(name)
        if value is not None and abs(claimed - value) > _AGREES * max(abs(value), abs(claimed)):
            wrong.append(f"its agent says {name} {claimed:g}, measured is {value:g}")
    return wrong


def better_than_measured(metric: Metric, said: float, measured: float, *, noisy: bool) -> bool:
    """Whether a candidate says that it is better than it is, by more than can be a mistake."""
    margin = _AGREES_IN_NOISE if noisy else _AGREES
    return metric.gain(said, measured) > margin * max(abs(measured), _AGREES * abs(said))


def said_in_result(content: bytes | str, name: str) -> float | None:
    """The value of a metric in what has the form of a check's result; None where it has not."""
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    metrics: Any = cast("dict[str, Any]", found).get("metrics") if isinstance(found, dict) else None
    value: Any = cast("dict[str, Any]", metrics).get(name) if isinstance(metrics, dict) else None
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return _finite(value) if plain else None


def said_in_lines(lines: Iterable[str], metric: Metric) -> float | None:
    """The value of a metric in the last line of an output that is about nothing else."""
    # Each stretch of digits or of spaces matches in one way only: a candidate writes these lines.
    unit = rf"(?:{re.escape(metric.unit)}\s*)?" if metric.unit else ""
    about = re.compile(rf"\s*{re.escape(metric.name)}\s*[:=]\s*{_NUMBER}\s*{unit}", re.IGNORECASE)
    said: float | None = None
    for line in lines:
        value = said_in_result(line, metric.name) if line.lstrip().startswith("{") else None
        if value is None and (found := about.fullmatch(line)):
            value = _finite(found[1])
        said = said if value is None else value
    return said


def _finite(value: float | str) -> float | None:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
