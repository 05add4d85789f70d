"""The evolution proposer: first the baseline, then mutants of the best and points from anywhere."""

import hashlib
import math
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from engine.core import draws
from engine.core.confidence import is_demoted
from engine.core.history import History, Parent
from engine.core.ids import CandidateId, IterationNumber
from engine.core.metric import Metric
from engine.core.search import Exhausted, Move, propose
from engine.core.space import Space
from engine.core.state import Candidate, RunState
from engine.proposers.protocol import Proposal, ProposalRequest

NAME: Final = "evolution"


class Evolution:
    """Searches the declared space; see `engine.core.search` for its moves."""

    def __init__(
        self, space: Space, baseline: Mapping[str, Any], *, explore: float = 0.5, parents: int = 10
    ) -> None:
        """Prepare a search.

        Args:
            space: what may be proposed.
            baseline: the point of iteration 1; when empty, that is drawn as any other.
            explore: the share of proposals that are drawn from the whole space.
            parents: from how many of the best the others start.
        """
        self._space = space
        self._baseline = space.active(dict(baseline))
        self._explore = explore
        self._parents = parents
        self._memory: _Memory | None = None

    def propose(self, request: ProposalRequest) -> Proposal | Exhausted:
        """A configuration that the run has not seen, or that there is none left."""
        if request.iteration == 1 and (self._baseline or not self._space.names):
            move: Move | Exhausted = Move(self._baseline, ("baseline",))
        else:
            history = self._history(request.state)
            rng = draws.stream(NAME, request.seed, request.iteration)
            move = propose(history, rng, explore=self._explore)
        return move if isinstance(move, Exhausted) else self._proposal(move, request)

    def _proposal(self, move: Move, request: ProposalRequest) -> Proposal:
        return Proposal(
            parameters=move.point,
            key=self._space.key(move.point),
            seed=candidate_seed(request.seed, request.iteration),
            parents=list(move.parents),
            tags=list(move.tags),
            proposer=NAME,
        )

    def _history(self, state: RunState) -> History:
        if self._memory is None or not self._memory.is_of(state):
            self._memory = _Memory(self._space, state, self._parents)
        self._memory.catch_up()
        return self._memory.history


class _Memory:
    """The history of one state, brought up to date by what is new in it."""

    def __init__(self, space: Space, state: RunState, keep: int) -> None:
        self.history = History(space, state.keys, keep)
        self._state = state
        self._seen = 0
        self._open: dict[CandidateId, Candidate] = {}
        self._demoted = _demoted(state)

    def is_of(self, state: RunState) -> bool:
        same = self._state is state and self._seen <= len(state.candidates)
        return same and self._demoted == _demoted(state)

    def catch_up(self) -> None:
        fresh = len(self._state.candidates) - self._seen
        newest_first = list(islice(reversed(self._state.candidates.values()), fresh))
        for candidate in reversed(newest_first):
            self.history.proposed(candidate.parameters)
            self._open[candidate.id] = candidate
        self._seen += fresh
        self._close()

    def _close(self) -> None:
        for candidate in [c for c in self._open.values() if c.verdict is not None]:
            del self._open[candidate.id]
            parent = _parent(candidate, self._state.metric)
            if parent is not None:
                self.history.scored(parent)


def _demoted(state: RunState) -> frozenset[CandidateId]:
    """Those that a confirmation demoted: where they stood is no more where they stand."""
    champions = (state.candidates[name] for name in state.rechecks.evidence)
    return frozenset(each.id for each in champions if is_demoted(each))


def candidate_seed(seed: int, iteration: IterationNumber) -> int:
    """The seed of an iteration's candidate: 31 bits that depend on the run's seed and on it."""
    digest = hashlib.blake2b(f"candidate/{seed}/{iteration}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1


def _parent(candidate: Candidate, metric: Metric) -> Parent | None:
    """The candidate as one to start from; after all others those that failed a gate, or fell."""
    value = candidate.value
    if not candidate.scored or value is None or not math.isfinite(value):
        return None
    last = candidate.verdict == "infeasible" or is_demoted(candidate)
    standing = (float(last), metric.sort_key(value))
    return Parent(standing, candidate.iteration, candidate.id, candidate.parameters)
