"""What a run may spend, and what tokens cost."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from engine.core.campaign.fields import LARGEST_INT, Filled, Model, Number, complaint

_TOKENS: Final = re.compile(r"(\d+(?:\.\d+)?)([kM])")
_UNITS: Final = {"k": 1000, "M": 1_000_000}


def _tokens(value: object) -> object:
    """A whole number from 1 up, from itself or from a text such as `8M`."""
    found = _TOKENS.fullmatch(value) if isinstance(value, str) else None
    count = round(float(found[1]) * _UNITS[found[2]]) if found else value
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= LARGEST_INT:
        return count
    raise complaint("must be a number of tokens", "write a whole number, or 500k, or 8M")


TokenCount = Annotated[
    int,
    BeforeValidator(_tokens),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": f"^{_TOKENS.pattern}$"},
            ]
        }
    ),
]
"""Tokens, written as a whole number, as `500k` or as `8M`."""

AboveZero = Annotated[Number, Field(gt=0)]
Price = Annotated[Number, Field(ge=0)]


class PriceSpec(Model):
    """What a model's tokens cost, in USD per million."""

    input: Price = Field(description="Tokens that are sent.", examples=["1.25"])
    output: Price = Field(description="Tokens that come back, reasoning included.", examples=["10"])
    cached_input: Price | None = Field(
        default=None,
        description="Tokens sent that the provider still had; by default as `input`.",
        examples=["0.125"],
    )
    cache_write: Price | None = Field(
        default=None,
        description="Tokens sent that the provider is to keep; by default as `input`.",
        examples=["1.5"],
    )


class BudgetPart(Model):
    """What a single iteration may spend; its agent is stopped when it is over."""

    usd: AboveZero | None = Field(default=None, description="Money, in USD.", examples=["2.50"])
    tokens: TokenCount | None = Field(
        default=None, description="Tokens, those sent and those that come back.", examples=["500k"]
    )
    minutes: AboveZero | None = Field(
        default=None,
        description="Minutes of its agent's work, in all attempts together; pauses between them "
        "do not count, nor attempts that were cut off from outside and begin anew.",
        examples=["45"],
    )


class BudgetSpec(Model):
    """What the run may spend on models. Over it, the run ends with status 3.

    What agents spend is taken from what they report themselves, call by call, so that a run stops
    within one model call of its budget; workers and a mentor spend from one purse. A price that is
    not known is unknown, never 0: a budget in USD with an agent whose price cannot be known is
    refused by `controlroom check`, and ends the run after an attempt that told nothing.
    """

    usd: AboveZero | None = Field(
        default=None, description="Money of the whole run, in USD.", examples=["40"]
    )
    tokens: TokenCount | None = Field(
        default=None,
        description="Tokens of the whole run, those sent and those that come back.",
        examples=["8M", "500k", "750000"],
    )
    per_iteration: BudgetPart = Field(
        default=BudgetPart(),
        description="The same for a single iteration.",
        examples=["{usd: 2, minutes: 45}"],
    )
    prices: dict[Filled, PriceSpec] = Field(
        default={},
        description="Prices by the name of the model; they win over the table that ships.",
        examples=["{my-model: {input: 0.5, output: 2}}"],
    )
