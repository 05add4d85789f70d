"""A proposer whose next candidate is what a review put in the place of the last one."""

from typing import Final

import msgspec

from engine.core.reviews.parts import Instead
from engine.core.space import Space
from engine.proposers.evolution import candidate_seed
from engine.proposers.protocol import Exhausted, NotYet, Proposal, ProposalRequest, Proposer

TAG: Final = "replacement"
BY: Final = "mentor"


class Replacing:
    """Hands out what another proposer does, unless a review named something else.

    Args:
        proposer: the campaign's.
        space: of the parameters.
    """

    def __init__(self, proposer: Proposer, space: Space) -> None:
        self._proposer = proposer
        self._space = space

    def propose(self, request: ProposalRequest) -> Proposal | Exhausted | NotYet:
        """The replacement, once there is one; what a person restores comes before it.

        An agent makes it out of words that its prompt has; parameters are as they are named.
        """
        found, instead = self._proposer.propose(request), request.state.reviews.instead
        if instead is None:
            return found
        if not isinstance(found, Proposal) or found.agent is None:
            return self._of_values(request, instead)
        if found.restores is not None:
            return found
        return msgspec.structs.replace(found, replaces=instead.candidate, tags=[*found.tags, TAG])

    def _of_values(self, request: ProposalRequest, instead: Instead) -> Proposal:
        best, values = request.state.best(), instead.decision.parameters
        return Proposal(
            parameters=values,
            key=self._space.key(values),
            seed=candidate_seed(request.seed, request.iteration),
            parents=[best.id] if best else [],
            tags=[TAG],
            proposer=BY,
            replaces=instead.candidate,
        )
