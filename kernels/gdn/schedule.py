"""The order in which the stages of a grid step's heads are written into the program."""

from collections.abc import Generator

Stages = Generator[None, None, None]


def run(units: list[Stages], how: str) -> None:
    """Exhausts all units: serial, pairs, lockstep or staggered, as Member.schedule says."""
    if how == "staggered":
        _staggered(units)
        return
    width = {"serial": 1, "pairs": 2, "lockstep": len(units)}[how]
    for first in range(0, len(units), width):
        _lockstep(units[first : first + width])


def _lockstep(units: list[Stages]) -> None:
    while units:
        units = [u for u in units if _advance(u)]


def _staggered(units: list[Stages]) -> None:
    """Each unit starts one stage after the one before it."""
    started: list[Stages] = []
    waiting = list(units)
    while waiting or started:
        if waiting:
            started.append(waiting.pop(0))
        started = [u for u in started if _advance(u)]


def _advance(unit: Stages) -> bool:
    """Whether the unit has stages left, after one more."""
    try:
        next(unit)
    except StopIteration:
        return False
    return True
