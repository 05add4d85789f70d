"""From measured pairs to a decision: promoted, rejected, inconclusive, or more pairs."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.core.metric import Metric
from engine.core.pairs.decided import Decision, Outcome, Pair
from engine.core.pairs.interval import Sample, draw, reach, sample_of
from engine.core.pairs.looks import Design
from engine.core.pairs.student import student_quantile, tail
from engine.core.pairs.words import amount_words, interval_words

_HOPELESS: Final = 0.02
"""Below this chance of a promotion no more pairs are measured for its sake.

At 0.05 a tenth of the gains that the budget shows so often as is said would be given up.
"""
_NEARLY: Final = 0.5
"""From this chance on the next look is still waited for, to call a worse candidate rejected."""
_ODD_ORDER: Final = 0.15
_SYSTEMATIC: Final = 3.0
_LARGEST: Final = 1e130
"""The squares of larger numbers, and of smaller ones than 1 / this, are not held by a float."""


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """A sample at a look: the interval's ends, and what is asked for."""

    sample: Sample
    design: Design
    index: int
    low: float
    high: float
    min_gain: float
    better: int
    reference: float

    @property
    def pairs(self) -> int:
        return len(self.sample.gains)

    @property
    def words(self) -> str:
        ends = (self.sample.estimate, self.low, self.high)
        return interval_words(ends, self.reference, self.pairs, self.design.error)


def prepare(*designs: Design) -> None:
    """Compute ahead what the first decisions under these designs would have to wait for.

    Cost: some ten milliseconds each, and once the loading of numpy; any thread may do it.
    """
    for design in designs:
        design.chances()
        for count in design.looks:
            draw(count)


def decide(pairs: Sequence[Pair], metric: Metric, design: Design) -> Decision:
    """What the pairs say; between two looks of the design that is always "more".

    Equal numbers give equal decisions, in whatever order the pairs stand.

    Cost: a millisecond; the first time for a design or a number of pairs ten, if not prepared.
    """
    count = len(pairs)
    if anomaly := _unusable(pairs):
        return _plain("inconclusive", anomaly, count, design, anomaly=anomaly)
    if count not in design.looks and count < design.most:
        upcoming = next(look for look in design.looks if look > count)
        return _plain("more", f"the next look is at {upcoming} pairs", count, design)
    look = _look(pairs, metric, design)
    anomaly = _anomaly(look)
    outcome, why = _outcome(look)
    if anomaly and outcome != "rejected":
        outcome, why = "inconclusive", anomaly
    reason = f"{look.words}: {why}" if why else look.words
    return Decision(
        outcome=outcome,
        reason=reason,
        pairs=count,
        error=design.error,
        estimate=look.sample.estimate,
        low=look.low,
        high=look.high,
        reference=look.reference,
        better=look.better,
        order_effect=look.sample.order_effect,
        anomaly=anomaly,
    )


def _unusable(pairs: Sequence[Pair]) -> str:
    """Why there is nothing to reckon with."""
    values = [value for pair in pairs for value in (pair.champion, pair.candidate)]
    if not all(map(math.isfinite, values)):
        return "a measured value is not finite"
    largest = max(map(abs, values), default=0.0)
    if largest == 0 or 1 / _LARGEST < largest < _LARGEST:
        return ""
    return f"the measured values, of the size of {largest:.1g}, cannot be reckoned with"


def _plain(
    outcome: Outcome, reason: str, pairs: int, design: Design, *, anomaly: str = ""
) -> Decision:
    return Decision(
        outcome=outcome, reason=reason, pairs=pairs, error=design.error, anomaly=anomaly
    )


def _look(pairs: Sequence[Pair], metric: Metric, design: Design) -> _Look:
    sample = sample_of(pairs, 1 if metric.direction == "max" else -1)
    index = next((i for i, look in enumerate(design.looks) if look >= len(pairs)), -1)
    below, above = reach(sample, design.chances()[index])
    reference = math.fsum(pair.champion for pair in pairs) / len(pairs)
    return _Look(
        sample=sample,
        design=design,
        index=index,
        low=sample.estimate - below,
        high=sample.estimate + above,
        min_gain=metric.min_gain.over(reference),
        better=sum(gain > 0 for gain in sample.gains),
        reference=reference,
    )


def _outcome(look: _Look) -> tuple[Outcome, str]:
    """What the interval says, and what is to be added in words."""
    estimate, wanted = look.sample.estimate, look.min_gain
    if look.low > 0 and estimate >= wanted and 2 * look.better > look.pairs:
        return "promoted", ""
    if look.high < wanted or look.high < 0:
        return "rejected", "less than min_gain" if estimate > 0 else ""
    if look.sample.error == 0:
        return "rejected", "no gain"
    if look.pairs >= look.design.most:
        return "inconclusive", "the budget of pairs is used up"
    if _hope(look) < _HOPELESS and _rejected_next(look) < _NEARLY:
        return "inconclusive", "the rest of the budget could hardly decide it"
    return "more", ""


def _hope(look: _Look) -> float:
    """The chance that all of the budget would promote it, by what was seen so far.

    Source: predictive power; Spiegelhalter, Freedman & Blackburn, Controlled Clinical Trials 7
    (1986). It is conditional power, averaged over the gains that the sample leaves possible.
    """
    share = look.pairs / look.design.most
    error_then = look.sample.error * math.sqrt(share)
    needed = max(_asked(look, -1) * error_then, look.min_gain)
    return _predicted(look.sample.estimate - needed, look.sample.error, share)


def _rejected_next(look: _Look) -> float:
    """The chance that the next look would reject it, by what was seen so far."""
    share = look.pairs / look.design.looks[look.index + 1]
    error_then = look.sample.error * math.sqrt(share)
    needed = look.min_gain - _asked(look, look.index + 1) * error_then
    return _predicted(needed - look.sample.estimate, look.sample.error, share)


def _predicted(margin: float, error: float, share: float) -> float:
    """The chance that an estimate moves by less than `margin` until all is measured.

    Args:
        margin: how far it lies on the wanted side now.
        error: its standard error now.
        share: how much of the whole is measured.
    """
    return tail(-margin / (error * math.sqrt(1 - share)))


def _asked(look: _Look, index: int) -> float:
    """By how many standard errors another look's interval reaches."""
    freedom = look.design.looks[index] - 2
    return student_quantile(look.design.chances()[index], freedom)


def _anomaly(look: _Look) -> str:
    effect, error = abs(look.sample.order_effect), look.sample.error
    if effect <= _ODD_ORDER * abs(look.reference) or effect <= _SYSTEMATIC * error:
        return ""
    size = amount_words(effect, look.reference, effect).lstrip("+")
    what = "better" if look.sample.order_effect > 0 else "worse"
    return f"the second of a pair is {size} {what} than the first, whichever it is"
