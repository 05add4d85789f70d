"""The agent proposer: first the code as it is, then what an agent makes of the champion."""

from collections.abc import Mapping
from typing import Any, Final

from engine.core.space import Space
from engine.core.state import Candidate, RunState
from engine.proposers.evolution import candidate_seed
from engine.proposers.protocol import Exhausted, Proposal, ProposalRequest

KIND: Final = "agent"


class ByAgent:
    """Hands the champion's code to an agent, time and again.

    Args:
        agent: its name.
        space: of the parameters, which an agent leaves as they are.
        baseline: the parameters of iteration 1.
    """

    def __init__(self, agent: str, space: Space, baseline: Mapping[str, Any]) -> None:
        self._agent = agent
        self._baseline = space.active(dict(baseline))

    def propose(self, request: ProposalRequest) -> Proposal | Exhausted:
        """The code as it is; after that the champion or a stash, for the agent to change."""
        seed = candidate_seed(request.seed, request.iteration)
        if request.iteration == 1:
            return Proposal(
                parameters=self._baseline,
                key=f"commit/{request.commit}",
                seed=seed,
                parents=[],
                tags=["baseline"],
                proposer=KIND,
            )
        stash = next(iter(request.state.restoring), None)
        parent, base = _origin(request)
        return Proposal(
            parameters=parent.parameters if parent else self._baseline,
            key=f"{KIND}/{request.iteration}",
            seed=seed,
            parents=[parent.id] if parent else [],
            tags=[] if stash is None else ["restored"],
            proposer=self._agent,
            agent=self._agent,
            base=base,
            restores=stash,
        )


def _origin(request: ProposalRequest) -> tuple[Candidate | None, str | None]:
    """The candidate whose code is changed, and the commit that has it."""
    state = request.state
    for name in state.restoring:
        stash = state.stashes[name]
        return _of_iteration(state, stash.iteration), stash.commit
    return state.best(), request.commit


def _of_iteration(state: RunState, iteration: int) -> Candidate | None:
    return next((c for c in state.candidates.values() if c.iteration == iteration), None)
