"""Random choices whose sequence never changes.

Of `random.Random` only `random()` is promised to give the same numbers in every Python version;
whatever a run draws is built from that alone, so that a seed means the same run everywhere.
"""

import math
from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

_BITS: Final = 53
_SCALE: Final = 1 << _BITS


def stream(*parts: object) -> Random:
    """A generator of its own for what `parts` name, the same on every machine."""
    return Random("/".join(str(part) for part in parts))  # noqa: S311 -- not for secrets


def below(rng: Random, count: int) -> int:
    """A whole number from 0 to `count - 1`, each as likely, however large `count` is."""
    draws = count.bit_length() // _BITS + 1
    number = 0
    for _ in range(draws):
        number = number * _SCALE + int(rng.random() * _SCALE)
    return (number * count) >> (_BITS * draws)


def pick(rng: Random, items: Sequence[T]) -> T:
    """One of the items."""
    return items[below(rng, len(items))]


def sample(rng: Random, items: Sequence[T], count: int) -> list[T]:
    """`count` different items, in the order in which they were drawn."""
    left = list(items)
    return [left.pop(below(rng, len(left))) for _ in range(min(count, len(left)))]


def chance(rng: Random, share: float) -> bool:
    """True in that share of the calls: never for 0, always for 1."""
    return rng.random() < share


def normal(rng: Random) -> float:
    """A draw from the standard normal distribution."""
    radius = math.sqrt(-2.0 * math.log(1.0 - rng.random()))
    return radius * math.cos(2.0 * math.pi * rng.random())


def between(rng: Random, low: float, high: float) -> float:
    """A number from `low` to `high`, uniformly."""
    return min(high, low + (high - low) * rng.random())


def log_between(rng: Random, low: float, high: float) -> float:
    """A number from `low` to `high`, each decade as likely."""
    return math.exp(between(rng, math.log(low), math.log(high)))
