"""What an iteration can do next."""

from typing import Literal

import msgspec

from engine.core.decisions.parts import Decision
from engine.core.ids import CandidateId, IterationNumber, ReviewId
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


class HoldUp(msgspec.Struct, frozen=True, kw_only=True):
    """Let a candidate wait for a review before its checks, until then at most, and why."""

    reasons: list[str]
    until_s: float


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """Say what becomes of a candidate that waits for a review."""

    outcome: Literal["released", "vetoed", "replaced"]
    reason: str
    review: ReviewId | None = None
    replacement: Decision | None = None


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing before `until_s`, in seconds since 1970."""

    until_s: float
    reason: str
