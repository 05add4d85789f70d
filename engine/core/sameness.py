"""Whether two measurements are of the same value."""

import math
from collections.abc import Sequence
from typing import Final

MORE_THAN_NOISE: Final = 4.0
"""So many standard errors apart, two measurements of one candidate are not of the same thing."""
_SAME: Final = 1e-9


def differs(now: float, error: float, before: float, before_error: float) -> bool:
    """Whether a value changed: by more than noise where both have errors.

    Where neither has one, both are exact; a single value among noisy ones tells nothing.
    """
    if error and before_error:
        return abs(now - before) > MORE_THAN_NOISE * math.hypot(error, before_error)
    return not error and not before_error and not math.isclose(now, before, rel_tol=_SAME)


def mean_of(values: Sequence[float]) -> tuple[float, float]:
    """The mean of some values, and its standard error; that of a single one is 0."""
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return mean, 0.0
    squares = math.fsum((value - mean) ** 2 for value in values)
    return mean, math.sqrt(squares / (count - 1) / count)
