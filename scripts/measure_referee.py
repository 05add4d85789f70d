"""What the referee of noisy metrics errs, sees and costs, measured on simulated pairs.

    python scripts/measure_referee.py                        # all parts, some minutes
    python scripts/measure_referee.py --parts errors --runs 20000
    python scripts/measure_referee.py --parts small cost

Prints Markdown. Everything is decided by engine.core.pairs itself, from seeded random numbers: the
same command prints the same tables, but for the times.
"""

import argparse
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from engine.core.metric import Metric
from engine.core.pairs.decided import Decision, Pair
from engine.core.pairs.decision import decide, prepare
from engine.core.pairs.interval import reach, sample_of
from engine.core.pairs.looks import Design
from engine.core.pairs.power import pairs_needed, visible_gain
from engine.core.pairs.student import student_quantile

PARTS = ("errors", "gains", "power", "small", "cost")
METRIC: Final = Metric(name="time_ms", direction="min", unit="ms")
VALUE: Final = 100.0
GAINS: Final = (0.0025, 0.005, 0.01, 0.02, 0.04)
SMALL: Final = (5, 6, 10, 20)
PERCENTILE_RESAMPLES: Final = 2000

Noise = Callable[[int, np.random.Generator], np.ndarray]
"""So many numbers in a row, in standard deviations of one measurement."""


def lognormal(count: int, rng: np.random.Generator) -> np.ndarray:
    """Skewed as times are: never far below, sometimes far above."""
    log_deviation = 0.75
    variance = math.expm1(log_deviation**2) * math.exp(log_deviation**2)
    raw = rng.lognormal(0, log_deviation, count) - math.exp(log_deviation**2 / 2)
    return raw / math.sqrt(variance)


def autoregressive(count: int, rng: np.random.Generator) -> np.ndarray:
    """AR(1): each measurement remembers 0.7 of the one before."""
    memory, values = 0.7, rng.normal(size=count)
    for index in range(1, count):
        values[index] = memory * values[index - 1] + math.sqrt(1 - memory**2) * values[index]
    return values


def rising(count: int, rng: np.random.Generator) -> np.ndarray:
    """A straight drift through twenty deviations within the budget, beside normal noise."""
    return rng.normal(size=count) + np.linspace(0, 20, count)


def spiked(count: int, rng: np.random.Generator) -> np.ndarray:
    """One measurement in twenty is ten deviations off."""
    return 0.3 * rng.normal(size=count) + 10 * (rng.random(count) < 0.05)


def stepped(count: int, rng: np.random.Generator) -> np.ndarray:
    """Rounded so coarsely that few values are left."""
    return np.round(0.7 * rng.normal(size=count))


NOISES: Final[dict[str, Noise]] = {
    "normal": lambda count, rng: rng.normal(size=count),
    "Laplace": lambda count, rng: rng.laplace(size=count) / math.sqrt(2),
    "lognormal": lognormal,
    "AR(1)": autoregressive,
    "linear drift": rising,
    "spikes": spiked,
    "rounded": stepped,
}


def measured(
    noise: Noise, cv: float, gain: float, count: int, rng: np.random.Generator
) -> list[Pair]:
    """Pairs of measurements one after the other, in turning order; less is better.

    Args:
        noise: the shape.
        cv: the coefficient of variation of one measurement.
        gain: the true one, a share.
        count: how many pairs.
        rng: where chance comes from.
    """
    values = VALUE * (1 + cv * noise(2 * count, rng))
    pairs: list[Pair] = []
    for index in range(count):
        one, other = float(values[2 * index]), float(values[2 * index + 1])
        if index % 2 == 0:
            pairs.append(Pair(champion=one, candidate=other * (1 - gain)))
        else:
            pairs.append(Pair(champion=other, candidate=one * (1 - gain), first="candidate"))
    return pairs


def judged(pairs: Sequence[Pair], design: Design, metric: Metric = METRIC) -> Decision:
    """The decision at which the looks at these pairs end."""
    found = (decide(pairs[:look], metric, design) for look in design.looks)
    return next(decision for decision in found if decision.outcome != "more")


def campaign(
    noise: Noise, cv: float, gain: float, runs: int, *, design: Design, seed: int = 0
) -> list[Decision]:
    """What became of so many candidates that are better by `gain`."""
    rng = np.random.default_rng(seed)
    return [judged(measured(noise, cv, gain, design.most, rng), design) for _ in range(runs)]


def share(decisions: Sequence[Decision], outcome: str) -> float:
    """How many of them ended so."""
    return Counter(decision.outcome for decision in decisions)[outcome] / len(decisions)


def mean_pairs(decisions: Sequence[Decision]) -> float:
    """How many pairs they took."""
    return statistics.fmean(decision.pairs for decision in decisions)


def errors(runs: int, design: Design) -> Iterator[str]:
    """Candidates that are exactly as good as the champion."""
    yield f"## Equal candidates: {runs} a line, error {design.error:.1%}, looks {design.looks}\n"
    yield "| noise | CV | promoted | rejected | inconclusive | pairs, mean |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, noise in NOISES.items():
        for cv in (0.01, 0.05):
            found = campaign(noise, cv, 0.0, runs, design=design, seed=round(1000 * cv))
            shares = " | ".join(
                f"{share(found, outcome):.2%}" for outcome in ("promoted", "rejected")
            )
            rest = f"{share(found, 'inconclusive'):.1%}"
            yield f"| {name} | {cv:.0%} | {shares} | {rest} | {mean_pairs(found):.1f} |"


def gains(runs: int, design: Design) -> Iterator[str]:
    """Candidates that are better, at 1 % noise."""
    yield f"\n## Better candidates, CV 1 %: promoted of {runs // 10} (pairs, mean)\n"
    yield "| noise | " + " | ".join(f"{gain:.2%}" for gain in GAINS) + " |"
    yield "| --- |" + " --- |" * len(GAINS)
    for name, noise in NOISES.items():
        cells = [campaign(noise, 0.01, gain, runs // 10, design=design) for gain in GAINS]
        words = (f"{share(cell, 'promoted'):.1%} ({mean_pairs(cell):.0f})" for cell in cells)
        yield f"| {name} | {' | '.join(words)} |"


def power(runs: int, design: Design) -> Iterator[str]:
    """What `visible_gain` and `pairs_needed` say, and what comes of it."""
    yield f"\n## Power, normal noise, first look at {design.first}; simulated: {runs // 10} each\n"
    yield "| CV | budget | power | visible gain | promoted then | pairs needed for it |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for cv in (0.005, 0.01, 0.05):
        for most in (20, 60, 200):
            for wanted in (0.8, 0.95):
                own = Design(error=design.error, first=design.first, most=most)
                gain = visible_gain(cv, own, wanted)
                found = campaign(NOISES["normal"], cv, gain, runs // 10, design=own)
                needed = pairs_needed(gain, cv, own, wanted)
                seen = f"{share(found, 'promoted'):.1%}"
                yield f"| {cv:.1%} | {most} | {wanted:.0%} | {gain:.2%} | {seen} | {needed} |"


def percentile_interval(
    differences: np.ndarray, chance: float, rng: np.random.Generator
) -> tuple[float, float]:
    """The plain percentile bootstrap, for comparison."""
    drawn = rng.choice(differences, (PERCENTILE_RESAMPLES, len(differences))).mean(axis=1)
    low, high = np.quantile(drawn, [chance, 1 - chance])
    return float(low), float(high)


def small(runs: int) -> Iterator[str]:
    """How often an interval of few pairs misses a true gain of nothing, by its making."""
    chance = 0.005
    yield f"\n## One look at few pairs: a 99 % interval misses the truth, of {runs // 4} (1 %)\n"
    yield "| noise | pairs | percentile bootstrap | Student | this one |\n| --- | --- |" + (
        " --- |" * 3
    )
    for name in ("normal", "Laplace", "lognormal"):
        for count in SMALL:
            rng, missed = np.random.default_rng(count), Counter[str]()
            for _ in range(runs // 4):
                _look_once(measured(NOISES[name], 0.05, 0.0, count, rng), chance, rng, missed)
            cells = (f"{missed[way] / (runs // 4):.2%}" for way in ("percentile", "t", "own"))
            yield f"| {name} | {count} | {' | '.join(cells)} |"


def _look_once(
    pairs: list[Pair], chance: float, rng: np.random.Generator, missed: Counter[str]
) -> None:
    sample = sample_of(pairs, -1)
    low, high = percentile_interval(np.array(sample.gains), chance, rng)
    plain = student_quantile(chance, sample.freedom) * sample.error
    below, above = reach(sample, chance)
    missed["percentile"] += not low <= 0 <= high
    missed["t"] += abs(sample.estimate) > plain
    missed["own"] += not sample.estimate - below <= 0 <= sample.estimate + above


def cost(repeats: int = 50) -> Iterator[str]:
    """What one decision takes of the processor, whatever else the machine does."""
    titles = "the first | the first, prepared | median of the rest | the longest"
    yield f"\n## One decision, ms of CPU\n\n| pairs | {titles} |\n| --- | --- | --- | --- | --- |"
    rng = np.random.default_rng(0)
    for count in (6, 60, 200):
        # One pair more: a design of its own, for which no table is there yet.
        design, other = Design(most=count), Design(most=count + 1)
        prepare(other)
        pairs = measured(NOISES["normal"], 0.01, 0.001, count + 1, rng)
        begun_s = time.process_time()
        decide(pairs, METRIC, other)
        prepared_ms = (time.process_time() - begun_s) * 1e3
        pairs = measured(NOISES["normal"], 0.01, 0.001, count, rng)
        took_ms: list[float] = []
        for _ in range(repeats):
            begun_s = time.process_time()
            decide(pairs, METRIC, design)
            took_ms.append((time.process_time() - begun_s) * 1e3)
        first, rest = took_ms[0], took_ms[1:]
        median = statistics.median(rest)
        yield f"| {count} | {first:.1f} | {prepared_ms:.1f} | {median:.2f} | {max(rest):.2f} |"


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--runs", type=int, default=20_000, help="candidates a line")
    parser.add_argument("--error", type=float, default=0.01)
    parser.add_argument("--first", type=int, default=6)
    parser.add_argument("--most", type=int, default=60)
    asked = parser.parse_args()
    design = Design(error=asked.error, first=asked.first, most=asked.most)
    makers: dict[str, Callable[[], Iterator[str]]] = {
        "errors": lambda: errors(asked.runs, design),
        "gains": lambda: gains(asked.runs, design),
        "power": lambda: power(asked.runs, design),
        "small": lambda: small(asked.runs),
        "cost": cost,
    }
    for part in asked.parts:
        for line in makers[part]():
            print(line, flush=True)


if __name__ == "__main__":
    main()
