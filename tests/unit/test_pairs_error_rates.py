"""How often the referee is wrong and what it sees, on simulated pairs.

Bounds of the short tests hold with a probability of more than 1 - 1e-6, whatever the seed.
"""

import pytest
from scipy import stats

from engine.core.pairs.decided import Pair
from engine.core.pairs.looks import Design
from engine.core.pairs.power import noise_of, pairs_needed, visible_gain
from scripts.measure_referee import NOISES, campaign, mean_pairs, measured, share

RARE = 1e-6
LOOSE = Design(error=0.1, first=6, most=60)
USUAL = Design()


def most_often(runs: int, chance: float) -> float:
    """A share that is exceeded with a chance of less than one in a million."""
    return float(stats.binom.isf(RARE, runs, chance)) / runs


def least_often(runs: int, chance: float) -> float:
    return float(stats.binom.ppf(RARE, runs, chance)) / runs


@pytest.mark.parametrize("cv", [0.01, 0.05])
@pytest.mark.parametrize("name", ["normal", "lognormal"])
def test_equal_candidates_are_hardly_promoted(name: str, cv: float):
    found = campaign(NOISES[name], cv, 0.0, 600, design=LOOSE, seed=7)
    assert share(found, "promoted") <= most_often(600, 0.05)
    assert share(found, "rejected") <= most_often(600, 0.05)
    assert mean_pairs(found) < 45


def test_a_gain_of_two_deviations_is_found():
    found = campaign(NOISES["normal"], 0.01, 0.02, 150, design=USUAL, seed=8)
    assert share(found, "promoted") >= least_often(150, 0.99)
    assert mean_pairs(found) < 25


@pytest.mark.parametrize("power", [0.8, 0.95])
def test_the_gain_that_is_called_visible_is_seen_so_often(power: float):
    design = Design(error=0.05, first=6, most=36)
    gain = visible_gain(0.02, design, power)
    found = campaign(NOISES["normal"], 0.02, gain, 300, design=design, seed=9)
    assert least_often(300, power - 0.03) <= share(found, "promoted") <= most_often(300, power)


def test_pairs_needed_and_visible_gain_are_each_others_inverse():
    for most in (20, 60, 200):
        design = Design(most=most)
        needed = pairs_needed(visible_gain(0.01, design), 0.01, design)
        assert needed == pytest.approx(most, abs=2)
    assert pairs_needed(0.5, 0.01, USUAL) == USUAL.first
    assert pairs_needed(1e-9, 0.01, USUAL) is None


def test_four_times_the_pairs_show_half_the_gain():
    few, many = Design(most=100), Design(most=400)
    ratio = visible_gain(0.01, few) / visible_gain(0.01, many)
    assert ratio == pytest.approx(2, rel=0.05)


def test_noise_is_that_within_pairs_not_the_drift_of_both():
    import numpy as np

    rng = np.random.default_rng(3)
    pairs = measured(NOISES["linear drift"], 0.02, 0.0, 400, rng)
    assert noise_of(pairs) == pytest.approx(0.02 / 1.2, rel=0.1)  # the mean has drifted to 120
    assert noise_of([Pair(champion=5, candidate=5)] * 4) == 0


@pytest.mark.long
@pytest.mark.parametrize("cv", [0.01, 0.05])
@pytest.mark.parametrize("name", list(NOISES))
def test_equal_candidates_are_promoted_at_most_at_the_stated_rate(name: str, cv: float):
    runs = 20_000
    found = campaign(NOISES[name], cv, 0.0, runs, design=USUAL, seed=11)
    # Memory between measurements takes more of the error than the half that is one side's.
    allowed = USUAL.error if name == "AR(1)" else USUAL.error / 2
    assert share(found, "promoted") <= most_often(runs, allowed)
    assert share(found, "promoted") + share(found, "rejected") <= 0.5


@pytest.mark.long
@pytest.mark.parametrize("name", ["normal", "Laplace", "lognormal", "AR(1)", "linear drift"])
def test_a_true_gain_of_two_percent_is_found_within_the_budget(name: str):
    found = campaign(NOISES[name], 0.01, 0.02, 2_000, design=USUAL, seed=12)
    assert share(found, "promoted") >= 0.99


@pytest.mark.long
@pytest.mark.parametrize("most", [20, 60, 200])
@pytest.mark.parametrize("power", [0.8, 0.95])
def test_power_is_what_it_is_said_to_be(most: int, power: float):
    design = Design(most=most)
    gain = visible_gain(0.01, design, power)
    found = campaign(NOISES["normal"], 0.01, gain, 4_000, design=design, seed=13)
    assert share(found, "promoted") == pytest.approx(power, abs=0.05)
