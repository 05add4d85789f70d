"""Times, durations and values as people read them."""

import math
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

MINUS: Final = "−"
NO_VALUE: Final = "–"


def epoch_of(iso: str) -> float:
    """Seconds since 1970 of a time as the journal writes it."""
    return datetime.fromisoformat(iso).timestamp()


def clock_text(at: float, zone: tzinfo | None) -> str:
    """The time of day, `12:04:31`; local time when `zone` is None."""
    return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S")


def age_text(seconds: float) -> str:
    """A short age: tenths below ten seconds, then as `duration_text`."""
    return f"{max(0.0, seconds):.1f} s" if seconds < 10 else duration_text(seconds)


def duration_text(seconds: float) -> str:
    """`12 s`, `4 m 10 s`, `5 h 49 m`, `3 d 4 h`: the two units that matter."""
    whole = max(0, int(seconds))
    minutes, s = divmod(whole, 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days} d {h} h"
    if hours:
        return f"{hours} h {m:02d} m"
    return f"{minutes} m {s:02d} s" if minutes else f"{s} s"


def value_text(value: float | None, decimals: int) -> str:
    """The value with that many decimals; very large and very small ones with an exponent."""
    if value is None or math.isnan(value):
        return NO_VALUE
    if value and not 1e-6 <= abs(value) < 1e9:
        return f"{value:.3e}".replace("-", MINUS)
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def decimals_for(values: Sequence[float]) -> int:
    """Decimals for a column, best value first: four digits, up to six where leaders are close."""
    finite = [value for value in values if math.isfinite(value)]
    largest = max((abs(value) for value in finite), default=0.0)
    magnitude = math.floor(math.log10(largest)) if largest else 0
    fewest, most = max(0, 3 - magnitude), max(0, 6 - magnitude)
    for decimals in range(min(fewest, 9), min(most, 9) + 1):
        if len({round(value, decimals) for value in finite}) == len(set(finite)):
            return decimals
    return min(most, 9)


def count_text(count: int) -> str:
    """A large number in a few characters: `950`, `12.3 k`, `1.24 M`."""
    if count < 1000:
        return str(count)
    if count < 999_950:
        return f"{count / 1000:.1f} k"
    return f"{count / 1e6:.2f} M"


def change_text(value: float, reference: float) -> str:
    """How far `value` is from `reference`, in percent: `−37.1 %`; empty when there is no share."""
    if not reference or not math.isfinite(value / reference):
        return ""
    share = 100 * (value - reference) / abs(reference)
    sign = MINUS if share < 0 else "+"
    return f"{sign}{abs(share):.1f} %" if abs(share) < 1000 else f"{sign}{abs(share):.0f} %"


def parameter_text(name: str, value: object) -> str:
    """A parameter in a few characters; a word that stands for itself goes without its name."""
    match value:
        case bool():
            return name if value else f"no {name}"
        case str() if len(value) > 2 and not value[0].isdigit():
            return value
        case float():
            return f"{name} {value:.4g}"
        case _:
            return f"{name} {value}"


def padded(text: str, point_at: int, width: int) -> str:
    """`text` placed so that its decimal point stands `point_at` cells from the left."""
    point = text.find(".")
    lead = point_at - (point if point >= 0 else len(text))
    return (" " * max(0, lead) + text).ljust(width)
