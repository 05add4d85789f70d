"""What every proposer can do: look at a run and say what to try next."""

from typing import Protocol

import msgspec

from engine.core.decisions.parts import Chosen
from engine.core.events import Parameters
from engine.core.ids import CandidateId, IterationNumber, StashId
from engine.core.search import Exhausted
from engine.core.state import RunState

__all__ = ["Exhausted", "NotYet", "Proposal", "ProposalRequest", "Proposer"]


class ProposalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for the candidate of one iteration.

    `seed` is the run's; `state` belongs to the engine and is only looked at. `commit` is what a
    candidate of code begins from, where the campaign has a workspace.
    """

    state: RunState
    iteration: IterationNumber
    seed: int
    commit: str | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate to be judged, in the words of the event CandidateProposed.

    Its own `seed` is for the program that runs the candidate. With an `agent` that is to change
    `base`; else the code, if there is any, is that of `commit`. `chosen` is what a worker decided;
    `replaces` is the candidate in whose place a review put it.
    """

    parameters: Parameters
    key: str
    seed: int
    parents: list[CandidateId]
    tags: list[str]
    proposer: str
    commit: str | None = None
    agent: str | None = None
    base: str | None = None
    restores: StashId | None = None
    chosen: Chosen | None = None
    replaces: CandidateId | None = None


class NotYet(msgspec.Struct, frozen=True, kw_only=True):
    """There is no candidate now, and there may be one once something has happened."""

    reason: str


class Proposer(Protocol):
    """Makes candidates; may remember what it saw of the state, but only to be quicker."""

    def propose(self, request: ProposalRequest) -> Proposal | Exhausted | NotYet:
        """The next candidate, that there is none left, or that there is none yet.

        The answer depends on the state, the iteration and the seed alone: asked again after a
        restart, another instance says the same.
        """
        ...
