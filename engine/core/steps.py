"""What an iteration can do next."""

import msgspec

from engine.core.ids import CandidateId, IterationNumber
from engine.core.parts import Half, Role
from engine.core.repair.parts import Found


class RunCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Run this check, for the candidate itself or for one half of a pair."""

    name: str
    half: Half | None = None


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """Give a check what it lacks."""

    check: str
    found: Found


class DrawPair(msgspec.Struct, frozen=True, kw_only=True):
    """Let chance say which seed a pair has and, unless `first` does, who is measured first."""

    pair: int
    against: CandidateId
    first: Role | None = None


class TakeTurns(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing before another iteration has measured, or has ended its check."""

    after: IterationNumber


class RunAgent(msgspec.Struct, frozen=True):
    """Let the agent work."""


class CollectChange(msgspec.Struct, frozen=True):
    """Make a commit of the tree that the agent left."""


class CarryOver(msgspec.Struct, frozen=True, kw_only=True):
    """Put the change on the champion's commit, which is not the one that it was made from."""

    onto: str


class PutAside(msgspec.Struct, frozen=True):
    """Keep what is under way under a private ref, and end the iteration."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing before `until_s`, in seconds since 1970."""

    until_s: float
    reason: str
