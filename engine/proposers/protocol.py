"""What every proposer can do: look at a run and say what to try next."""

from typing import Protocol

import msgspec

from engine.core.events import Parameters
from engine.core.ids import CandidateId, IterationNumber
from engine.core.search import Exhausted
from engine.core.state import RunState

__all__ = ["Exhausted", "Proposal", "ProposalRequest", "Proposer"]


class ProposalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for the candidate of one iteration.

    `seed` is the run's; `state` belongs to the engine and is only looked at.
    """

    state: RunState
    iteration: IterationNumber
    seed: int


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate to be judged, in the words of the event CandidateProposed.

    Its own `seed` is for the program that runs the candidate.
    """

    parameters: Parameters
    key: str
    seed: int
    parents: list[CandidateId]
    tags: list[str]
    proposer: str


class Proposer(Protocol):
    """Makes candidates; may remember what it saw of the state, but only to be quicker."""

    def propose(self, request: ProposalRequest) -> Proposal | Exhausted:
        """The next candidate, or that there is none left.

        The answer depends on the state, the iteration and the seed alone: asked again after a
        restart, another instance says the same.
        """
        ...
