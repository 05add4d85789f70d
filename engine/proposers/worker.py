"""The worker as a proposer: first the baseline, then what its decisions say, as soon as they do."""

from collections.abc import Mapping
from typing import Any

from engine.core.decision_gate import Ground, key_of
from engine.core.decision_taking import chosen
from engine.core.decisions.parts import Chosen, Decision, WorkerRules
from engine.proposers.evolution import candidate_seed
from engine.proposers.protocol import NotYet, Proposal, ProposalRequest

NOT_YET = NotYet(reason="the worker has not decided yet")


class ByWorker:
    """Hands out the decision that is ready.

    Args:
        by: the worker's name.
        ground: the space, and the command of the baseline.
        baseline: the parameters of iteration 1.
        rules: how long its runs are watched.
    """

    def __init__(
        self, by: str, ground: Ground, baseline: Mapping[str, Any], rules: WorkerRules
    ) -> None:
        self._by = by
        self._ground = ground
        self._baseline = ground.space.active(dict(baseline))
        self._rules = rules

    def propose(self, request: ProposalRequest) -> Proposal | NotYet:
        """The baseline; after that what the worker decided, or that it has not."""
        if request.iteration == 1:
            return self._first(request)
        best, ready = request.state.best(), request.state.decisions.ready
        if ready is None or ready.decision is None:
            return NOT_YET
        decision = ready.decision
        return Proposal(
            parameters=decision.parameters,
            key=key_of(decision, self._ground.space),
            seed=candidate_seed(request.seed, request.iteration),
            parents=[best.id] if best else [],
            tags=[decision.category],
            proposer=self._by,
            chosen=chosen(ready.id, decision, self._rules),
        )

    def _first(self, request: ProposalRequest) -> Proposal:
        command = self._ground.command
        made = Decision(action="run", parameters=self._baseline, command=command)
        return Proposal(
            parameters=self._baseline,
            key=key_of(made, self._ground.space),
            seed=candidate_seed(request.seed, request.iteration),
            parents=[],
            tags=["baseline"],
            proposer=self._by,
            chosen=Chosen(label="baseline", command=command) if command else None,
        )
