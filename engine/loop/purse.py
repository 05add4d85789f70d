"""What agents may still spend, while several of them and the mentor spend it at once."""

import msgspec

from engine.agents.spending import NOTHING, Used
from engine.core.campaign.budget import BudgetPart
from engine.core.state import RunState


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody may use of the run's budget; `before` is what it used that is recorded."""

    whose: str
    each: BudgetPart
    before: Used = NOTHING


class Purse:
    """The run's budget, against what was recorded and what runs now; one for all who spend.

    An attempt is known by its folder. It counts for as long as the record says that it is under
    way: what it used is in exactly one of the two places, also while its outcome is prepared.
    """

    def __init__(self) -> None:
        self._live: dict[str, Used] = {}

    def refusal(self, state: RunState, folder: str, share: Share, used: Used) -> str | None:
        """Why an attempt has to stop, given all that it has used by now; or None."""
        self._live[folder] = used
        return _unpriced(state, share, used) or _of_share(share, used) or self._of_run(state)

    def _of_run(self, state: RunState) -> str | None:
        under_way = _under_way(state)
        self._live = {name: used for name, used in self._live.items() if name in under_way}
        live = self._live.values()
        usd = state.spend.usd + sum(used.cost_usd or 0.0 for used in live)
        tokens = state.spend.tokens.total + sum(used.tokens.total for used in live)
        return _over("the run", (usd, state.limits.usd), (tokens, state.limits.tokens))


def _under_way(state: RunState) -> set[str]:
    """The folders of all attempts, reviews and decisions that have no outcome yet."""
    folders = {turn.agent.folder for turn in state.open.values() if turn.agent is not None}
    calls = (state.reviews.open, state.decisions.open)
    return folders | {call.folder for call in calls if call is not None}


def _unpriced(state: RunState, share: Share, used: Used) -> str | None:
    """What has no known price may cost anything: it is not let run on against a budget."""
    limited = share.each.usd is not None or state.limits.usd is not None
    if used.cost_usd is not None or not limited:
        return None
    return "there is a budget in USD, and the price of the model is not known"


def _of_share(share: Share, used: Used) -> str | None:
    usd = (share.before.cost_usd or 0.0) + (used.cost_usd or 0.0)
    tokens = share.before.tokens.total + used.tokens.total
    return _over(share.whose, (usd, share.each.usd), (tokens, share.each.tokens))


def _over(
    whose: str, usd: tuple[float, float | None], tokens: tuple[int, int | None]
) -> str | None:
    if usd[1] is not None and usd[0] >= usd[1]:
        return f"the budget of {whose} is spent: {usd[0]:.2f} of {usd[1]:g} USD"
    if tokens[1] is not None and tokens[0] >= tokens[1]:
        return f"the budget of {whose} is spent: {tokens[0]} of {tokens[1]} tokens"
    return None
