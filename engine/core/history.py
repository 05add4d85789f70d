"""What a search remembers of a run, kept up to date instead of computed anew each time."""

from bisect import bisect_left, insort
from collections.abc import Set as AbstractSet
from random import Random
from typing import Final, NamedTuple

from engine.core import draws
from engine.core.events import Parameters
from engine.core.ids import CandidateId
from engine.core.space import Space

_DRAWS: Final = 1000
"""Nothing else shows that floats of few digits are used up."""


class Parent(NamedTuple):
    """A candidate to start from. Parents sort best first: by standing, then by age."""

    standing: tuple[float, ...]
    iteration: int
    id: CandidateId
    point: Parameters


class History:
    """The configurations tried so far, and the best of those whose value is known.

    Adding one costs about as much as a point; nothing here looks at all of the past again.
    """

    def __init__(self, space: Space, keys: AbstractSet[str], keep: int) -> None:
        """Start with nothing proposed.

        Args:
            space: where the points lie.
            keys: of all configurations ever proposed; kept by the caller, and only looked at.
            keep: how many of the best to remember.
        """
        self.space = space
        self.best: list[Parent] = []
        self._keys = keys
        self._keep = keep
        self._unnumbered: list[Parameters] = []
        self._numbers: list[int] = []

    def proposed(self, point: Parameters) -> None:
        """Remember a point that was proposed, whatever becomes of it."""
        self._unnumbered.append(point)

    def scored(self, parent: Parent) -> None:
        """Remember a candidate whose value is now known, if it is among the best.

        One that is no point of the space is passed over: a space that was changed in mid-run may
        not hold what was scored before.
        """
        if len(self.best) == self._keep and parent > self.best[-1]:
            return
        if not self.space.check(parent.point):
            insort(self.best, parent)
            del self.best[self._keep :]

    def knows(self, point: Parameters) -> bool:
        """Whether the configuration was proposed before."""
        return self.space.key(point) in self._keys

    def untried(self, rng: Random) -> Parameters | None:
        """A point that was not proposed, each as likely; None when none is left or found."""
        return self._drawn(rng) if self.space.size() is None else self._left_over(rng)

    def _drawn(self, rng: Random) -> Parameters | None:
        """An untried point of an endless space."""
        for _ in range(_DRAWS):
            point = self.space.point(draws.below(rng, self.space.cells))
            if not self.knows(point):
                return point
        return None

    def _left_over(self, rng: Random) -> Parameters | None:
        """An untried point of a finite space: one of the numbers never seen."""
        self._catch_up()
        while left := self.space.cells - len(self._numbers):
            number = self._unseen(draws.below(rng, left))
            point = self.space.point(number)
            if not self.knows(point):
                return point
            insort(self._numbers, number)
        return None

    def _catch_up(self) -> None:
        for point in self._unnumbered:
            if not self.space.check(point):
                self._see(self.space.number(point))
        self._unnumbered.clear()

    def _see(self, number: int) -> None:
        place = bisect_left(self._numbers, number)
        if self._numbers[place : place + 1] != [number]:
            self._numbers.insert(place, number)

    def _unseen(self, place: int) -> int:
        """The unseen number with `place` unseen ones below it."""
        below = bisect_left(
            range(len(self._numbers)), place + 1, key=lambda i: self._numbers[i] - i
        )
        return place + below
