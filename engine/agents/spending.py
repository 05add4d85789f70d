"""Adding up what an attempt uses."""

from collections.abc import Callable
from typing import Final

import msgspec

from engine.agents.protocol import Billed, Spent
from engine.core.parts import Tokens

Pricing = Callable[[str, Tokens], float | None]
"""What tokens of a model cost in USD; None where no price is known."""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt has used so far; `cost_usd` is None when some of it has no known price."""

    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0


NOTHING: Final = Used()


class Ledger:
    """Adds up what is spent; knows the price where the agent's program does not say it.

    Args:
        price_of: prices by model.
        model: the model that counts where an event names none.
    """

    def __init__(self, price_of: Pricing, model: str = "") -> None:
        self._price_of = price_of
        self.model = model
        self.unpriced = ""
        self.told = False
        self._used = NOTHING
        self._billed_usd: float | None = None

    @property
    def used(self) -> Used:
        """All of it; what the program said in the end stands above what was reckoned."""
        if self._billed_usd is None:
            return self._used
        return msgspec.structs.replace(self._used, cost_usd=self._billed_usd)

    def spend(self, event: Spent) -> Spent:
        """The event with its cost, where that is known, once it is added."""
        model = event.model or self.model
        cost_usd = event.cost_usd
        if cost_usd is None:
            cost_usd = self._price_of(model, event.tokens) if event.tokens.total else 0.0
        if cost_usd is None:
            self.unpriced = model or "its model"
        before_usd = self._used.cost_usd
        self._used = Used(
            tokens=self._used.tokens.plus(event.tokens),
            cost_usd=None if cost_usd is None or before_usd is None else before_usd + cost_usd,
        )
        self.told = True
        return msgspec.structs.replace(event, model=model, cost_usd=cost_usd)

    def settle(self, event: Billed) -> None:
        """Take the program's own total."""
        self._billed_usd = event.cost_usd
        self.told = True
