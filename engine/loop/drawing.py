"""Chance, where the referee asks for it."""

import secrets
from typing import Final

from engine.core.events import PairDrawn
from engine.core.parts import Role
from engine.core.steps import DrawPair
from engine.core.turn import OpenIteration

_ROLES: Final[tuple[Role, Role]] = ("champion", "candidate")
_SEED_BITS: Final = 31


def drawn(turn: OpenIteration, step: DrawPair, recheck: int | None = None) -> PairDrawn:
    """What the system's own randomness says of a pair: none that runs beside can foresee it."""
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    return PairDrawn(
        iteration=turn.iteration,
        candidate=turn.candidate,
        against=step.against,
        pair=step.pair,
        first=step.first or secrets.choice(_ROLES),
        seed=secrets.randbits(_SEED_BITS),
        recheck=recheck,
    )
