from collections import Counter

import pytest

from engine.core import draws


def test_streams_are_the_same_in_every_version():
    rng = draws.stream("evolution", 7, 12)
    assert [draws.below(rng, 1000) for _ in range(6)] == [194, 471, 452, 684, 143, 497]
    assert draws.below(rng, 10**30) == 24607278030008361541758322902
    assert draws.normal(rng) == pytest.approx(0.6511297476804999, rel=1e-12)


def test_streams_differ_by_every_part():
    names = [("a", 1, 2), ("a", 1, 3), ("a", 2, 2), ("b", 1, 2), ("a", 12)]
    assert len({draws.stream(*name).random() for name in names}) == len(names)


@pytest.mark.parametrize("count", [1, 3, 2**53, 2**53 + 1, 10**40])
def test_below_stays_below_and_spreads(count: int):
    rng = draws.stream("spread", count)
    numbers = [draws.below(rng, count) for _ in range(2000)]
    assert all(0 <= number < count for number in numbers)
    assert 0.45 < sum(number + 0.5 for number in numbers) / len(numbers) / count < 0.55


def test_below_gives_every_number():
    rng = draws.stream("all")
    counts = Counter(draws.below(rng, 5) for _ in range(5000))
    assert sorted(counts) == [0, 1, 2, 3, 4]
    assert min(counts.values()) > 850


def test_sample_takes_different_items():
    rng = draws.stream("sample")
    assert sorted(draws.sample(rng, "abc", 9)) == ["a", "b", "c"]
    assert len(set(draws.sample(rng, range(100), 40))) == 40
    assert draws.sample(rng, [], 3) == []


def test_chance_of_nothing_and_of_all():
    rng = draws.stream("chance")
    assert not any(draws.chance(rng, 0.0) for _ in range(1000))
    assert all(draws.chance(rng, 1.0) for _ in range(1000))


def test_log_between_gives_each_decade_its_share():
    rng = draws.stream("log")
    values = [draws.log_between(rng, 1e-4, 1.0) for _ in range(4000)]
    assert 0.45 < sum(value < 1e-2 for value in values) / len(values) < 0.55
    assert all(1e-4 <= value <= 1.0 for value in values)
