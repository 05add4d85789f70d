"""Confirming champions: under which variants a leader has to hold before it is called stable."""

from typing import Annotated

from pydantic import Field

from engine.core.campaign.environment import Setting
from engine.core.campaign.fields import FileName, Int, Model, VariableName


class VariantSpec(Model):
    """Another shape, seed or machine: what the checks find in their environment under it."""

    name: FileName = Field(
        description="A name of its own; letters, digits, - _ and .", examples=["long"]
    )
    env: dict[VariableName, Setting] = Field(
        default={},
        description="Environment variables that all checks get besides, and that win over those of "
        "the campaign. They are written into the journal: no secrets here.",
        examples=["{SHAPE: 1x16384, SEED: 7}"],
    )


class ConfirmSpec(Model):
    """Champions are measured again before they are called stable.

    Soon after a promotion the new champion runs, under each variant, all checks that every
    candidate runs, and its metric is compared with the baseline's under the same variant, by the
    rule of the referee. One that fails is champion no more. docs/referee.md says more.
    """

    on: FileName = Field(
        default="local",
        description="Where that is done; one of `executors`.",
        examples=["local"],
    )
    variants: Annotated[tuple[VariantSpec, ...], Field(min_length=1)] = Field(
        description="What a champion is confirmed under, in this order.",
        examples=["[{name: long, env: {SHAPE: 1x16384}}, {name: other-seed, env: {SEED: 7}}]"],
    )
    most_pairs: Annotated[Int, Field(ge=4)] | None = Field(
        default=None,
        description="With `noise: measured` what is not decided after so many pairs is neither "
        "confirmed nor refuted; by default `referee.most_pairs`.",
        examples=["30"],
    )
