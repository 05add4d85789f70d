"""What a referee can see: how many pairs a gain needs, and which gain a budget shows."""

import math
from collections.abc import Sequence
from typing import Final

from engine.core.pairs.decided import Pair
from engine.core.pairs.interval import sample_of
from engine.core.pairs.looks import Design
from engine.core.pairs.student import normal_quantile, student_quantile

_MOST: Final = 1_000_000
_ROUNDS: Final = 4


def noise_of(pairs: Sequence[Pair]) -> float:
    """The coefficient of variation of one measurement, from at least three pairs of equals.

    It is that within pairs: what drifts slowly meets both halves, and does no harm.
    """
    sample = sample_of(pairs, 1)
    mean = math.fsum(pair.champion + pair.candidate for pair in pairs) / (2 * len(pairs))
    if mean == 0:
        return math.inf if sample.error else 0.0
    return sample.error * math.sqrt(len(pairs) / 2) / abs(mean)


def visible_gain(noise: float, design: Design, power: float = 0.8) -> float:
    """The gain, as a share of the champion's value, that the whole budget shows so often.

    Args:
        noise: the coefficient of variation of one measurement.
        design: how pairs are measured.
        power: the share of such candidates that are promoted.
    Numerics: the last look alone, under normal noise; early looks add a little, giving up in time
        takes about as much away.
    """
    return noise * _shares(design.chances()[-1], design.most, power)


def _shares(chance: float, pairs: int, power: float) -> float:
    """The gain that a last look after so many pairs shows, in coefficients of variation.

    Args:
        chance: that of the last look to be wrong at one end.
        pairs: how many.
        power: the share of such candidates that are promoted.
    """
    freedom = max(1, pairs - 2)
    needed = student_quantile(chance, freedom)
    errors = needed + normal_quantile(power) * math.sqrt(1 + needed**2 / (2 * freedom))
    return errors * math.sqrt(2 / pairs)


def pairs_needed(gain: float, noise: float, design: Design, power: float = 0.8) -> int | None:
    """The smallest budget of pairs that shows a gain so often; None beyond a million.

    Args:
        gain: a share of the champion's value, above 0.
        noise: the coefficient of variation of one measurement.
        design: its error and its first look are used.
        power: the share of such candidates that are promoted.
    Cost: some ten milliseconds.
    """
    pairs = design.most
    for _ in range(_ROUNDS):
        # How strict the last look is hardly depends on how many there are before it.
        chance = Design(error=design.error, first=design.first, most=pairs).chances()[-1]
        found = _fewest(gain, noise, design.first, (chance, power))
        if found is None or found == pairs:
            return found
        pairs = found
    return pairs


def _fewest(gain: float, noise: float, first: int, of: tuple[float, float]) -> int | None:
    """The fewest pairs that show a gain, given the last look's chance and the power."""

    def shows(pairs: int) -> bool:
        return noise * _shares(of[0], pairs, of[1]) <= gain

    if not shows(_MOST):
        return None
    low, high = first - 1, first
    while not shows(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high
