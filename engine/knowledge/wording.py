"""Figures and foreign texts as they stand in a prompt. Pure.

What an agent or a program wrote is put on one line before it goes into a prompt: it cannot open
a section of its own there.
"""

import math
import unicodedata
from typing import Final

from engine.core.metric import Metric

CUT: Final = "…"
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str, most: int) -> str:
    """The text on one line without control characters, at most `most` characters long."""
    visible = "".join(" " if unicodedata.category(c) in _INVISIBLE else c for c in text[: 8 * most])
    return clip(" ".join(visible.split()), most)


def clip(text: str, most: int) -> str:
    """The text, or its beginning and a sign that it was cut, at most `most` characters long."""
    return text if len(text) <= most else text[: max(0, most - len(CUT))].rstrip() + CUT


def clip_lines(lines: list[str], most: int, what: str) -> list[str]:
    """As many lines as fit into `most` characters; where some do not, a line says how many."""
    kept: list[str] = []
    left = most - len(_left_out(len(lines), what)) - 1
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            return [*kept, _left_out(len(lines) - len(kept), what)]
        kept.append(line)
    return kept


def section(title: str, lines: list[str], most: int) -> str:
    """The lines under a heading, at most `most` characters in all; empty where there are none."""
    if not lines:
        return ""
    head = f"## {title}\n\n"
    cut = [clip(line, most // 2) for line in lines]
    return head + "\n".join(clip_lines(cut, most - len(head), "lines"))


def figure(value: float, unit: str = "") -> str:
    """The value to six significant digits, with its unit."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{value}"
    return f"{value:.6g} {unit}".rstrip()


def percent(share: float) -> str:
    """A share, signed, in percent to three significant digits."""
    return f"{100 * share:+.3g} %"


def gain_share(metric: Metric, value: float, reference: float) -> float | None:
    """How much better `value` is than `reference`, as a share of `reference`; None for no share."""
    if reference == 0 or not math.isfinite(value) or not math.isfinite(reference):
        return None
    return metric.gain(value, reference) / abs(reference)


def _left_out(count: int, what: str) -> str:
    return f"({count} more {what} left out)"
