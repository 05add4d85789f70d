"""A decision in words."""

import math

from engine.core.pairs.decided import Decision


def interval_words(
    ends: tuple[float, float, float], reference: float, pairs: int, error: float
) -> str:
    """Estimate, interval, confidence and pairs: "+1.9 % [0.6, 3.1] at 99 %, 24 pairs".

    Args:
        ends: the estimate of the gain, the interval's lower end and its upper end.
        reference: the champion's value, of which gains are shares; in its unit where that is 0.
        pairs: how many were measured.
        error: that of the interval.
    """
    estimate, low, high = ends
    width = (high - low) / 2
    shown = (amount_words(end, reference, width).strip("+ %") for end in (low, high))
    return (
        f"{amount_words(estimate, reference, width)} [{', '.join(shown)}] "
        f"at {100 * (1 - error):g} %, {pairs} pairs"
    )


def amount_words(gain: float, reference: float, width: float) -> str:
    """A gain in per cent of the champion's value, or in the metric's unit where that is 0.

    It is as exact as an interval of this half width lets it be.
    """
    scale = 100 / abs(reference) if reference else 1.0
    unit = " %" if reference else ""
    if width * scale <= 0:
        return f"{gain * scale:+.4g}{unit}"
    decimals = min(9, max(0, 1 - math.floor(math.log10(width * scale))))
    return f"{gain * scale:+.{decimals}f}{unit}"


def short_words(decision: Decision | None) -> str:
    """The same without the confidence, for a table; empty where nothing was estimated."""
    if decision is None or decision.estimate is None:
        return ""
    low, high = decision.low, decision.high
    assert low is not None and high is not None  # noqa: S101, PT018  (they come together)
    ends = (decision.estimate, low, high)
    whole = interval_words(ends, decision.reference or 0.0, decision.pairs, decision.error)
    return f"{whole.partition(' at ')[0]}, {decision.pairs} pairs"
