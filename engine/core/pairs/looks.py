"""When measured pairs are looked at, and how much evidence each look asks for.

Whoever looks seven times at the 1 % level is wrong in far more than 1 % of cases. The error that
a campaign allows is therefore spent over a schedule of looks that is declared beforehand.

Source: Lan & DeMets, Discrete sequential boundaries for clinical trials, Biometrika 70 (1983); the
recursion is that of Armitage, McPherson & Rowe, J. R. Statist. Soc. A 132 (1969).
"""

import math
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from engine.core.pairs.student import normal_density, normal_quantile, tail

if TYPE_CHECKING:
    import numpy as np

_GROWTH: Final = 1.5
_NODES: Final = 64
_FAR: Final = 8.0
"""So many standard deviations below zero a path is not followed any further."""

Spending = Callable[[float, float], float]
"""From the share of the budget that is used, and the error, to the error spent by then."""


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """How pairs are measured: the error allowed, and the first and the last number of pairs.

    `error` is that of the interval, half of it at each end: at most half of it is the share of
    equal candidates that are promoted.
    """

    error: float = 0.01
    first: int = 6
    most: int = 60

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of pairs at which a decision is possible."""
        return schedule(self.first, self.most)

    def chances(self) -> tuple[float, ...]:
        """For each look the chance that a single look at this level would be wrong by."""
        return tuple(tail(z) for z in _boundaries(self))


@lru_cache(maxsize=256)
def schedule(first: int, most: int) -> tuple[int, ...]:
    """Even numbers of pairs from `first` to `most`, each about half as many again.

    Even, so that each order was taken equally often; a last step of less than a fifth is saved.
    """
    looks: list[int] = []
    pairs = first + first % 2
    while pairs * 1.2 <= most:
        looks.append(pairs)
        pairs = 2 * math.ceil(pairs * _GROWTH / 2)
    return (*looks, most)


def pocock_like(share: float, error: float) -> float:
    """About the same evidence at every look: a large gain is found at once."""
    return error * math.log1p((math.e - 1) * min(share, 1.0))


def obrien_fleming_like(share: float, error: float) -> float:
    """Hardly anything at early looks, nearly all at the last."""
    return 2 * tail(normal_quantile(1 - error / 2) / math.sqrt(min(share, 1.0)))


@lru_cache(maxsize=64)
def _boundaries(design: Design) -> tuple[float, ...]:
    looks = design.looks
    return boundaries([n / looks[-1] for n in looks], design.error / 2, pocock_like)


def boundaries(shares: Sequence[float], error: float, spending: Spending) -> tuple[float, ...]:
    """For each look the standard normal value above which the error allowed so far is used up.

    It is assumed that nothing ends before such a value is passed: where something does, for want
    of hope, the error is smaller.

    Args:
        shares: of the budget, increasing, the last one 1.
        error: of one side, in all.
        spending: how it is spent.
    Numerics: Gauss-Legendre quadrature; published values are met to the fourth decimal.
    Cost: about a millisecond a look.
    """
    found: list[float] = []
    walk, spent = _Walk(0.0, [0.0], [1.0]), 0.0
    for share in shares:
        allowed = spending(share, error)
        z = _crossing(walk, share, allowed - spent)
        found.append(z)
        walk, spent = _stayed(walk, share, z), allowed
    return tuple(found)


class _Walk(NamedTuple):
    """Where a random walk without drift is after a share of the budget, if it crossed nothing."""

    share: float
    places: Sequence[float]
    masses: Sequence[float]


def _crossing(walk: _Walk, share: float, chance: float) -> float:
    """The value above which the walk, divided by its deviation, is next with this chance."""
    scale, step = math.sqrt(share), math.sqrt(share - walk.share)
    z = normal_quantile(1 - chance)
    for _ in range(50):
        ways = [(z * scale - place) / step for place in walk.places]
        above = sum(map(operator.mul, walk.masses, map(tail, ways)))
        slope = sum(map(operator.mul, walk.masses, map(normal_density, ways))) * scale / step
        change = (above - chance) / slope
        z += max(-0.5, min(0.5, change))
        if abs(change) < 1e-9:
            break
    return z


def _stayed(walk: _Walk, share: float, z: float) -> _Walk:
    """The walk at `share`, without what is above the boundary there."""
    import numpy as np

    nodes, weights = _nodes()
    scale, step = math.sqrt(share), math.sqrt(share - walk.share)
    half = (z + _FAR) * scale / 2
    places = half * (nodes + 1) - _FAR * scale
    ways = (places[:, None] - np.asarray(walk.places)[None, :]) / step
    density = np.exp(-0.5 * ways**2) @ np.asarray(walk.masses) / (step * math.sqrt(2 * math.pi))
    return _Walk(share, places.tolist(), (density * weights * half).tolist())


@lru_cache(maxsize=1)
def _nodes() -> "tuple[np.ndarray, np.ndarray]":
    import numpy as np

    return np.polynomial.legendre.leggauss(_NODES)
