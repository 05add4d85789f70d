"""What model calls cost, where the agent's program does not say it: a dated table."""

import datetime
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from engine.core.parts import Tokens

TABLE: Final = Path(__file__).with_name("prices.yaml")
_MILLION: Final = 1_000_000
_DATED: Final = re.compile(r"(-\d{8}|-\d{4}-\d{2}-\d{2})$")
_WINDOW: Final = re.compile(r"\[\w+\]$")


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """USD for a million tokens of each kind; without a price of their own, as input."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None

    def cost_usd(self, tokens: Tokens) -> float:
        """What tokens cost."""
        fresh = tokens.input - tokens.cached_input - tokens.cache_write
        return (
            fresh * self.input
            + tokens.cached_input * (self.input if self.cached_input is None else self.cached_input)
            + tokens.cache_write * (self.input if self.cache_write is None else self.cache_write)
            + tokens.output * self.output
        ) / _MILLION


class LongRates(Rates, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates of a call with more than `above` tokens of input."""

    above: int


class Price(Rates, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The price of a model; `long` is that of its long calls, where they cost more."""

    long: LongRates | None = None

    def cost_usd(self, tokens: Tokens) -> float:
        """What one call costs."""
        if self.long is not None and tokens.input > self.long.above:
            return self.long.cost_usd(tokens)
        return Rates.cost_usd(self, tokens)


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    as_of: datetime.date
    sources: list[str]
    models: dict[str, Price]


class Prices:
    """Prices by model. A model that is not there has no price: that is not the same as nothing.

    Args:
        own: prices that stand above those of the table, or are added to it.
    """

    def __init__(self, own: Mapping[str, Price] | None = None) -> None:
        table = msgspec.yaml.decode(TABLE.read_bytes(), type=_Table)
        self.as_of = table.as_of
        self._models = table.models | dict(own or {})

    def find(self, model: str) -> Price | None:
        """The price of a model, by its name, or by the name without a date, a window, a maker."""
        plain = _WINDOW.sub("", model)
        names = (model, plain, _DATED.sub("", plain), _DATED.sub("", plain).rpartition("/")[2])
        return next((self._models[name] for name in names if name in self._models), None)

    def cost_usd(self, model: str, tokens: Tokens) -> float | None:
        """What one call of a model costs; None where that is not known."""
        price = self.find(model)
        return None if price is None else price.cost_usd(tokens)
