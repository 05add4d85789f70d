"""Adding up what agents have used; a part of `engine.core.fold`."""

from typing import Final

from engine.core.parts import AgentOutcome, Tokens
from engine.core.state import Spend

_AT_WORK: Final[frozenset[AgentOutcome]] = frozenset({"answered", "timeout", "ceiling"})


def add_spend(
    spend: Spend, tokens: Tokens, cost_usd: float | None, outcome: AgentOutcome | None = None
) -> None:
    """Add what an attempt or a review used; without an `outcome` it was cut off."""
    spend.tokens = spend.tokens.plus(tokens)
    if cost_usd is not None:
        spend.usd += cost_usd
    elif tokens.total:
        spend.unpriced += tokens.total
    else:
        spend.untold += 1
        spend.silent += outcome in _AT_WORK
