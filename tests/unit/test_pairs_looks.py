"""Schedules and boundaries, against published tables and against scipy."""

import numpy as np
import pytest
from scipy import stats

from engine.core.pairs import student
from engine.core.pairs.looks import (
    Design,
    boundaries,
    obrien_fleming_like,
    pocock_like,
    schedule,
)

FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)


@pytest.mark.parametrize(
    ("spending", "published"),
    [
        (pocock_like, (2.4380, 2.4268, 2.4101, 2.3966, 2.3859)),
        (obrien_fleming_like, (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)),
    ],
)
def test_boundaries_are_those_of_the_published_program(spending, published):
    """Five equal steps, two-sided 5 %: Reboussin, DeMets, Kim & Lan (2000), LD98."""
    assert boundaries(FIVE, 0.025, spending) == pytest.approx(published, abs=2e-4)


def test_a_walk_without_drift_crosses_as_often_as_is_allowed():
    design = Design(error=0.1, first=6, most=60)
    rng, runs = np.random.default_rng(1), 200_000
    steps = np.diff([0, *design.looks])
    places = np.cumsum(rng.normal(size=(runs, len(steps))) * np.sqrt(steps), axis=1)
    asked = stats.norm.isf(design.chances()) * np.sqrt(design.looks)
    crossed = (places > asked).any(axis=1).sum()
    low, high = stats.binom.interval(1 - 1e-6, runs, 0.05)
    assert low < crossed < high


def test_schedules_grow_by_half_and_end_with_the_budget():
    assert schedule(6, 60) == (6, 10, 16, 24, 36, 60)
    assert schedule(6, 6) == (6,)
    assert schedule(5, 7) == (7,)
    assert schedule(4, 200) == (4, 6, 10, 16, 24, 36, 54, 82, 124, 200)
    for first in range(4, 30):
        for most in range(first, 150):
            looks = schedule(first, most)
            assert looks[-1] == most
            assert list(looks) == sorted(set(looks))
            assert all(look % 2 == 0 for look in looks[:-1])


def test_a_single_look_spends_everything():
    assert Design(error=0.02, first=10, most=10).chances() == pytest.approx((0.01,))


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 10, 58, 299])
@pytest.mark.parametrize("chance", [0.4, 0.025, 1e-3, 1e-6])
def test_quantiles_of_student_are_those_of_scipy(freedom: int, chance: float):
    expected = stats.t.isf(chance, freedom)
    assert student.student_quantile(chance, freedom) == pytest.approx(expected, rel=1e-8)


def test_with_many_degrees_of_freedom_the_quantile_is_nearly_exact():
    for chance in (0.025, 1e-3, 1e-6):
        expected = stats.t.isf(chance, 1000)
        assert student.student_quantile(chance, 1000) == pytest.approx(expected, rel=1e-3)
