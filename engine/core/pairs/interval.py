"""What measured pairs say of the gain: an estimate, its error, and how far an interval reaches."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from engine.core.pairs.decided import Pair
from engine.core.pairs.student import student_quantile

if TYPE_CHECKING:
    import numpy as np

_RESAMPLES: Final = 2000
_CALIBRATED_AT: Final = 0.025
"""The tail in which resamples are counted; farther out there are too few of them to tell."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The gains of pairs, in the metric's unit, as if the order within a pair had no effect.

    `order_effect` is by how much the second of a pair does better than the first. `error` is the
    standard error of `estimate`, and of `order_effect` too; it is 0 where nothing varies at all.
    """

    gains: tuple[float, ...]
    estimate: float
    error: float
    freedom: int
    order_effect: float


def sample_of(pairs: Sequence[Pair], sign: int) -> Sample:
    """What at least three pairs say of the gain, whatever the order in which they stand.

    The two orders are averaged separately, as in a cross-over trial: what being first is worth
    falls out of the estimate, and so does a drift that is the same for all pairs.

    Args:
        pairs: finite values.
        sign: 1 where more is better, -1 where less is.
    """
    after = sorted(_gain(pair, sign) for pair in pairs if pair.first == "champion")
    before = sorted(_gain(pair, sign) for pair in pairs if pair.first == "candidate")
    both = bool(after and before)
    effect = (_mean(after) - _mean(before)) / 2 if both else 0.0
    gains = sorted([gain - effect for gain in after] + [gain + effect for gain in before])
    estimate = (_mean(after) + _mean(before)) / 2 if both else _mean(gains)
    freedom = len(gains) - (2 if both else 1)
    variance = math.fsum((gain - estimate) ** 2 for gain in gains) / freedom
    share = (1 / len(after) + 1 / len(before)) / 4 if both else 1 / len(gains)
    return Sample(
        gains=tuple(gains),
        estimate=estimate,
        error=math.sqrt(max(variance, _rounding(pairs)) * share),
        freedom=freedom,
        order_effect=effect,
    )


def _gain(pair: Pair, sign: int) -> float:
    return sign * (pair.candidate - pair.champion)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _rounding(pairs: Sequence[Pair]) -> float:
    """The variance that a difference of two values has at least, for being written in steps.

    Source: Sheppard's correction; 0 where both values are the same in all pairs.
    """
    champions, candidates = {p.champion for p in pairs}, {p.candidate for p in pairs}
    if len(champions) == len(candidates) == 1:
        return 0.0
    return min(b - a for a, b in pairwise(sorted(champions | candidates))) ** 2 / 6


def reach(sample: Sample, chance: float) -> tuple[float, float]:
    """How far an interval goes below and above the estimate, in the metric's unit.

    Each end is Student's, stretched by as much as resamples of these gains ask for where they are
    dense enough to tell; it is never drawn in.

    Args:
        sample: what was measured.
        chance: that of missing the true gain, at each end.
    Source: the studentised bootstrap; Efron & Tibshirani (1993), chapter 12; Hall (1992).
    """
    if sample.error == 0:
        return 0.0, 0.0
    plain = student_quantile(chance, sample.freedom) * sample.error
    below, above = _stretch(sample.gains)
    return below * plain, above * plain


def _stretch(gains: Sequence[float]) -> tuple[float, float]:
    """By what the two ends are farther from the estimate than with normal gains; at least 1."""
    import numpy as np

    count = len(gains)
    values = np.asarray(gains) - _mean(gains)
    scale = float(np.abs(values).max())
    if scale == 0:
        return 1.0, 1.0
    values /= scale
    resamples = draw(count)
    means = resamples @ values / count
    variances = np.maximum(resamples @ values**2 / count - means**2, 1e-12) / (count - 1)
    ratios = np.sort(means / np.sqrt(variances))
    normal = student_quantile(_CALIBRATED_AT, count - 1)
    beyond = round(_CALIBRATED_AT * len(ratios))
    return max(1.0, float(ratios[-beyond - 1]) / normal), max(1.0, -float(ratios[beyond]) / normal)


@lru_cache(maxsize=32)
def draw(count: int) -> "np.ndarray":
    """How often each value is drawn, a row for each resample; the same ones for every sample.

    For each row there is its mirror image, so that exchanging champion and candidate exchanges
    the ends.
    """
    import numpy as np

    rows = _RESAMPLES // 2
    drawn = np.random.default_rng(count).integers(0, count, (rows, count))
    places = (drawn + count * np.arange(rows)[:, None]).ravel()
    times = np.bincount(places, minlength=rows * count).reshape(rows, count).astype(float)
    return np.concatenate([times, times[:, ::-1]])
