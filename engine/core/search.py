"""The moves of the evolution search: start from the best, or look anywhere; never twice at one.

Every draw comes from the given generator. A caller that seeds it from the run's seed and the
number of the iteration gets a proposal that depends on the history and on nothing else, so that
an engine that was killed proposes the same again.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from engine.core import draws
from engine.core.events import Parameters
from engine.core.history import History, Parent
from engine.core.ids import CandidateId

TRIES: Final = 20
"""How often a move is drawn anew when it leads to a configuration that is known."""
MORE_CHANGES: Final = 0.25
"""The chance that a mutation changes one more parameter, and one more after that."""
WIDEN_AFTER: Final = 5
"""After so many known points in a row a mutation changes one more parameter."""
NEXT_BEST: Final = 0.6
"""How likely a parent is, beside the next better one."""
CROSSED: Final = 0.25
"""The share of exploiting moves that first mix two parents."""


@dataclass(frozen=True)
class Move:
    """A point to try, where it came from, and by which kind of move."""

    point: Parameters
    tags: tuple[str, ...]
    parents: tuple[CandidateId, ...] = ()


@dataclass(frozen=True)
class Exhausted:
    """There is nothing left to propose."""

    reason: str


def propose(history: History, rng: Random, *, explore: float) -> Move | Exhausted:
    """A configuration that was never proposed, or that there is none.

    Args:
        history: what was tried, and the best of it.
        rng: where all draws come from.
        explore: the share of proposals drawn from the whole space; 1 is random search.

    Cost: tens of microseconds per draw and at most some hundred draws, however long the history.
    """
    wanders = draws.chance(rng, explore) or not history.best
    move = _explore(history, rng) if wanders else _exploit(history, rng)
    return move or _last_resort(history, rng)


def _explore(history: History, rng: Random) -> Move | None:
    for _ in range(TRIES):
        point = history.space.random(rng)
        if not history.knows(point):
            return Move(point, ("explore",))
    return None


def _exploit(history: History, rng: Random) -> Move | None:
    for attempt in range(TRIES):
        parents = _parents(history.best, rng)
        start = _mixed(history, parents, rng)
        changes = 1 + attempt // WIDEN_AFTER
        while draws.chance(rng, MORE_CHANGES):
            changes += 1
        point = history.space.mutate(start, rng, changes)
        if not history.knows(point):
            return Move(point, ("exploit",), tuple(parent.id for parent in parents))
    return None


def _last_resort(history: History, rng: Random) -> Move | Exhausted:
    point = history.untried(rng)
    if point is not None:
        return Move(point, ("explore", "remaining"))
    size = history.space.size()
    if size is not None:
        return Exhausted(f"all {size} configurations of the space were proposed")
    return Exhausted("no new configuration was found: the floats of the space are too narrow")


def _parents(best: list[Parent], rng: Random) -> list[Parent]:
    """One of the best, or now and then two; the better, the likelier."""
    first = _ranked(best, rng)
    if len(best) == 1 or not draws.chance(rng, CROSSED):
        return [first]
    second = _ranked(best, rng)
    return [first] if second is first else [first, second]


def _ranked(best: list[Parent], rng: Random) -> Parent:
    """One of the best, each less likely than the one before it."""
    place = 0
    while draws.chance(rng, NEXT_BEST):
        place += 1
    return best[place % len(best)]


def _mixed(history: History, parents: list[Parent], rng: Random) -> Parameters:
    first, *others = (parent.point for parent in parents)
    return history.space.cross(first, others[0], rng) if others else first
