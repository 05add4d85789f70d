"""The part of an iteration's page that is about its pairs."""

from collections.abc import Iterator
from itertools import groupby

from engine.core.measuring_lines import champion_text, noise_text
from engine.core.metric import Metric
from engine.core.pairs.words import short_words
from engine.reports.halves import HalfMeasured
from engine.reports.iteration import Iteration


def pair_lines(found: Iteration, metric: Metric) -> Iterator[str]:
    """What the pairs came to, and then each of them in the order in which it was measured."""
    if found.decision is not None:
        better = f"; better in {found.decision.better} of {found.decision.pairs}"
        yield (short_words(found.decision) or found.decision.reason) + better
    if found.noise is not None:
        yield noise_text(found.noise)
    if found.again is not None:
        yield champion_text(found.again, metric)
    for pair, halves in groupby(found.halves, key=lambda half: half.pair):
        shown = "  ".join(_half(half) for half in halves)
        yield f"{pair}. {shown}" if pair else f"made ready: {shown}"


def _half(half: HalfMeasured) -> str:
    if half.prepares:
        return f"{half.check} {half.outcome}"
    if half.value is None:
        return f"{half.role} {half.outcome}: {' '.join(half.detail.split())}"
    return f"{half.role} {half.value:.6g}"
