"""What agents may still spend, while several of them spend it at once."""

from engine.agents.spending import Used
from engine.core.campaign.budget import BudgetPart
from engine.core.state import RunState


class Purse:
    """The run's budget and each iteration's, against what was recorded and what runs now.

    Args:
        each: what one iteration may use.
    """

    def __init__(self, each: BudgetPart) -> None:
        self._each = each
        self._live: dict[int, Used] = {}

    def refusal(self, state: RunState, iteration: int, used: Used) -> str | None:
        """Why an attempt of an iteration has to stop, given all that it has used; or None."""
        self._live[iteration] = used
        return (
            self._unpriced(state, used)
            or self._of_iteration(state, iteration, used)
            or self._of_run(state)
        )

    def forget(self, iteration: int) -> None:
        """An attempt is over: from now on the record says what it used."""
        self._live.pop(iteration, None)

    def _unpriced(self, state: RunState, used: Used) -> str | None:
        """What has no known price may cost anything: it is not let run on against a budget."""
        limited = self._each.usd is not None or state.limits.usd is not None
        if used.cost_usd is not None or not limited:
            return None
        return "there is a budget in USD, and the price of the model is not known"

    def _of_iteration(self, state: RunState, iteration: int, used: Used) -> str | None:
        turn = state.open[iteration]
        code = state.candidates[turn.candidate].code if turn.candidate else None
        before_usd, before = (code.cost_usd or 0.0, code.tokens) if code else (0.0, 0)
        return _over(
            "the iteration",
            (before_usd + (used.cost_usd or 0.0), self._each.usd),
            (before + used.tokens.total, self._each.tokens),
        )

    def _of_run(self, state: RunState) -> str | None:
        live = self._live.values()
        usd = state.spend.usd + sum(used.cost_usd or 0.0 for used in live)
        tokens = state.spend.tokens.total + sum(used.tokens.total for used in live)
        return _over("the run", (usd, state.limits.usd), (tokens, state.limits.tokens))


def _over(
    whose: str, usd: tuple[float, float | None], tokens: tuple[int, int | None]
) -> str | None:
    if usd[1] is not None and usd[0] >= usd[1]:
        return f"the budget of {whose} is spent: {usd[0]:.2f} of {usd[1]:g} USD"
    if tokens[1] is not None and tokens[0] >= tokens[1]:
        return f"the budget of {whose} is spent: {tokens[0]} of {tokens[1]} tokens"
    return None
