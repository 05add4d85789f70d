"""What measured pairs decide. Longer statistics: test_pairs_error_rates.py."""

import itertools
import math
import random
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.metric import Gain, Metric
from engine.core.pairs.decided import Decision, Pair
from engine.core.pairs.decision import decide, prepare
from engine.core.pairs.interval import draw
from engine.core.pairs.looks import Design

LESS = Metric(name="time", direction="min")
MORE = Metric(name="speed", direction="max")
DESIGN = Design(error=0.01, first=6, most=60)

values = st.floats(1.0, 1000.0).map(lambda value: round(value, 3))
samples = st.lists(st.tuples(values, values), min_size=6, max_size=6)


def pairs_of(values: list[tuple[float, float]]) -> list[Pair]:
    return [
        Pair(champion=champion, candidate=candidate, first=first)
        for (champion, candidate), first in zip(
            values, itertools.cycle(("champion", "candidate")), strict=False
        )
    ]


def noisy(gain: float, count: int, cv: float = 0.01, seed: int = 1) -> list[Pair]:
    rng = random.Random(seed)
    return pairs_of(
        [(100 * rng.gauss(1, cv), 100 * (1 - gain) * rng.gauss(1, cv)) for _ in range(count)]
    )


@settings(deadline=None)  # a busy machine takes long for a first decision
@given(samples, st.randoms())
def test_the_order_of_the_pairs_changes_nothing(
    drawn: list[tuple[float, float]], rng: random.Random
):
    pairs = pairs_of(drawn)
    found = decide(pairs, LESS, DESIGN)
    rng.shuffle(pairs)
    again = decide(pairs, LESS, DESIGN)
    assert again == found


@settings(deadline=None)  # a busy machine takes long for a first decision
@given(samples)
def test_less_is_better_is_more_is_better_of_the_negative(drawn: list[tuple[float, float]]):
    pairs = pairs_of(drawn)
    turned = [
        Pair(champion=-pair.champion, candidate=-pair.candidate, first=pair.first) for pair in pairs
    ]
    found, other = decide(pairs, LESS, DESIGN), decide(turned, MORE, DESIGN)
    assert found.reference == -(other.reference or 0)
    assert msgspec.structs.replace(other, reference=found.reference) == found


@settings(deadline=None)  # a busy machine takes long for a first decision
@given(samples, st.integers(-20, 20))
def test_another_unit_changes_nothing_but_the_numbers(drawn: list[tuple[float, float]], power: int):
    pairs, scale = pairs_of(drawn), 2.0**power
    metric = Metric(name="time", direction="min", min_gain=Gain(amount=0.01, relative=True))
    scaled = [
        Pair(champion=pair.champion * scale, candidate=pair.candidate * scale, first=pair.first)
        for pair in pairs
    ]
    found, other = decide(pairs, metric, DESIGN), decide(scaled, metric, DESIGN)
    assert (other.outcome, other.reason, other.anomaly) == (
        found.outcome,
        found.reason,
        found.anomaly,
    )
    for name in ("estimate", "low", "high", "reference", "order_effect"):
        assert getattr(other, name) == pytest.approx(getattr(found, name) * scale, rel=1e-12)


@settings(deadline=None)  # a busy machine takes long for a first decision
@given(samples)
def test_exchanging_champion_and_candidate_turns_the_interval_round(
    drawn: list[tuple[float, float]],
):
    pairs = pairs_of(drawn)
    turned = [
        Pair(
            champion=pair.candidate,
            candidate=pair.champion,
            first="candidate" if pair.first == "champion" else "champion",
        )
        for pair in pairs
    ]
    found, other = decide(pairs, LESS, DESIGN), decide(turned, LESS, DESIGN)
    assert other.low == pytest.approx(-(found.high or 0), rel=1e-9, abs=1e-9)
    assert other.high == pytest.approx(-(found.low or 0), rel=1e-9, abs=1e-9)
    assert {found.outcome, other.outcome} != {"promoted"}


@pytest.mark.parametrize("absurd", [1e-6, 50.0, 90.0])
def test_one_absurd_measurement_promotes_nothing(absurd: float):
    for seed, at in itertools.product(range(20), range(6)):
        pairs = noisy(0.0, 6, seed=seed)
        pairs[at] = msgspec.structs.replace(pairs[at], candidate=absurd)
        assert decide(pairs, LESS, DESIGN).outcome != "promoted"


def test_a_clear_gain_is_found_at_the_first_look_and_told_in_words():
    found = decide(noisy(0.1, 6), LESS, DESIGN)
    assert found.outcome == "promoted"
    assert found.reason == "+10.2 % [7.2, 12.1] at 99 %, 6 pairs"
    assert found.low is not None
    assert 0 < found.low < (found.estimate or 0) < (found.high or 0)


def test_a_clear_loss_is_rejected():
    found = decide(noisy(-0.1, 6), LESS, DESIGN)
    assert found.outcome == "rejected"
    assert found.reason.startswith("-9.")


def test_what_is_prepared_is_not_computed_again():
    design = Design(error=0.0123, first=6, most=41)
    prepare(design)
    before = draw.cache_info().misses
    for count in design.looks:
        draw(count)
    assert draw.cache_info().misses == before
    assert before >= len(design.looks)


def test_between_two_looks_there_is_no_decision():
    for count in (0, 1, 5, 7, 9, 11):
        found = decide(noisy(0.1, count), LESS, DESIGN)
        assert found.outcome == "more"
        assert found.low is None
    assert decide(noisy(0.1, 7), LESS, DESIGN).reason == "the next look is at 10 pairs"


def test_a_gain_below_min_gain_is_rejected_once_that_is_sure():
    metric = Metric(name="time", direction="min", min_gain=Gain(amount=0.05, relative=True))
    found = decide(noisy(0.02, 24, cv=0.005), metric, DESIGN)
    assert found.outcome == "rejected"
    assert found.reason.endswith("24 pairs: less than min_gain")
    assert decide(noisy(0.02, 24, cv=0.005), LESS, DESIGN).outcome == "promoted"


def test_what_may_be_min_gain_is_measured_to_the_end_of_the_budget():
    metric = Metric(name="time", direction="min", min_gain=Gain(amount=0.02, relative=True))
    found = decide(noisy(0.0195, 60, cv=0.01, seed=3), metric, DESIGN)
    assert found.outcome in ("inconclusive", "promoted")
    assert (found.estimate or 0) / 100 >= 0.02 or found.outcome == "inconclusive"


def test_hopeless_candidates_end_before_the_budget_does():
    found = decide(noisy(-0.002, 24, seed=5), LESS, DESIGN)
    assert found.outcome == "inconclusive"
    assert found.reason.endswith("24 pairs: the rest of the budget could hardly decide it")


def test_at_the_end_of_the_budget_something_is_said():
    pairs = noisy(0.004, 60, seed=2)
    found = decide(pairs, LESS, DESIGN)
    assert found.outcome == "inconclusive"
    assert found.reason.endswith("60 pairs: the budget of pairs is used up")
    assert decide([*pairs, *pairs], LESS, DESIGN).outcome != "more"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_an_anomaly(bad: float):
    pairs = [*noisy(0.1, 5), Pair(champion=100.0, candidate=bad)]
    found = decide(pairs, LESS, DESIGN)
    assert found.outcome == "inconclusive"
    assert found.anomaly == found.reason == "a measured value is not finite"


@pytest.mark.parametrize("huge", [1e131, 1e308, 1e-131, 1e-300])
def test_values_beyond_all_measure_are_an_anomaly(huge: float):
    pairs = pairs_of([(huge, huge * (1 - index / 100)) for index in range(6)])
    found = decide(pairs, LESS, DESIGN)
    assert found.outcome == "inconclusive"
    assert found.anomaly == found.reason
    assert found.anomaly.endswith("cannot be reckoned with")


@pytest.mark.parametrize("scale", [1e-130, 1e127])
def test_values_of_any_other_size_are_decided(scale: float):
    pairs = [
        Pair(champion=pair.champion * scale, candidate=pair.candidate * scale, first=pair.first)
        for pair in noisy(0.1, 6)
    ]
    assert decide(pairs, LESS, DESIGN).outcome == "promoted"


def ordered(effect: float, gain: float = 0.1) -> list[Pair]:
    """Pairs whose second half takes less time by `effect`."""
    rng, pairs = random.Random(4), list[Pair]()
    for index in range(6):
        champion, candidate = rng.gauss(100, 1), rng.gauss(100 * (1 - gain), 1)
        if index % 2:
            pairs.append(
                Pair(champion=champion * (1 - effect), candidate=candidate, first="candidate")
            )
        else:
            pairs.append(Pair(champion=champion, candidate=candidate * (1 - effect)))
    return pairs


def test_what_being_second_is_worth_falls_out_of_the_estimate():
    plain, shifted = (decide(ordered(effect), LESS, DESIGN) for effect in (0.0, 0.1))
    assert plain.outcome == shifted.outcome == "promoted"
    assert shifted.anomaly == ""
    assert shifted.order_effect == pytest.approx(plain.order_effect + 9.5, abs=0.1)
    assert shifted.estimate == pytest.approx(plain.estimate, abs=1)


def test_a_gain_smaller_than_what_being_second_is_worth_is_found():
    """In every other pair the candidate looks worse, and is better all the same."""
    found = decide(noisy_order(0.05, gain=0.02), LESS, DESIGN)
    assert found.outcome == "promoted"
    assert found.better == 10
    assert found.estimate == pytest.approx(2, abs=0.3)


def noisy_order(effect: float, gain: float) -> list[Pair]:
    rng = random.Random(5)
    pairs: list[Pair] = []
    for index in range(10):
        champion, candidate = rng.gauss(100, 0.3), rng.gauss(100 * (1 - gain), 0.3)
        if index % 2:
            champion, first = champion * (1 - effect), "candidate"
        else:
            candidate, first = candidate * (1 - effect), "champion"
        pairs.append(Pair(champion=champion, candidate=candidate, first=first))
    return pairs


def test_a_mean_that_comes_from_half_of_the_pairs_promotes_nobody():
    values = [(100.0, 100.01), (100.0, 100.01), (100.0, 90.0), (100.0, 90.0)] * 15
    found = decide(pairs_of(values), LESS, DESIGN)
    assert found.low is not None
    assert found.low > 0
    assert found.better == 30
    assert found.outcome == "inconclusive"


def test_being_second_must_not_be_worth_too_much():
    found = decide(ordered(0.2), LESS, DESIGN)
    assert found.outcome == "inconclusive"
    assert found.anomaly.startswith("the second of a pair is 2")
    assert found.anomaly.endswith(" % better than the first, whichever it is")
    assert found.anomaly in found.reason
    worse = decide(ordered(-0.2), LESS, DESIGN)
    assert " % worse than the first" in worse.anomaly


def test_much_noise_is_no_effect_of_the_order():
    assert decide(noisy(0.0, 6, cv=0.5), LESS, DESIGN).anomaly == ""


def test_values_without_noise_are_decided_at_the_first_look():
    def exactly(champion: float, candidate: float, metric: Metric = LESS) -> Decision:
        return decide(pairs_of([(champion, candidate)] * 6), metric, DESIGN)

    assert exactly(10, 9).outcome == "promoted"
    assert exactly(10, 9).reason == "+10 % [10, 10] at 99 %, 6 pairs"
    assert exactly(10, 11).outcome == "rejected"
    assert exactly(10, 10).outcome == "rejected"
    assert exactly(10, 10).reason.endswith("no gain")
    asked = Metric(name="time", direction="min", min_gain=Gain(amount=2.0))
    assert exactly(10, 9, asked).outcome == "rejected"
    assert exactly(10, 8, asked).outcome == "promoted"


def test_differences_that_only_look_exact_are_not_taken_for_it():
    """Both sides move, in coarse steps, and the difference happens to be the same each time."""
    pairs = pairs_of([(value, value - 1) for value in (10, 11, 12, 10, 12, 11)])
    found = decide(pairs, LESS, DESIGN)
    assert found.low is not None
    assert found.low < (found.estimate or 0)


def test_a_reference_of_zero_is_told_in_the_metrics_unit():
    pairs = pairs_of([(value, value + 5) for value in (-0.1, 0.1, -0.2, 0.2, -0.3, 0.3)])
    found = decide(pairs, MORE, DESIGN)
    assert found.reference == 0
    assert found.reason.startswith("+5")
    assert " % [" not in found.reason


def test_importing_the_statistics_loads_no_numpy():
    code = (
        "import sys, engine.core.pairs.decision, engine.core.pairs.power\n"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
