"""When a run ends by itself."""

from typing import Literal

from pydantic import Field

from engine.core.campaign.fields import Duration, Model, Positive
from engine.core.events import Limits


class StopSpec(Model):
    """When the run ends by itself. The first rule that holds ends it; without any it goes on."""

    iterations: Positive | None = Field(
        default=None,
        description="Iterations of the whole run, the baseline included.",
        examples=["200"],
    )
    for_s: Duration | None = Field(
        default=None,
        alias="for",
        description="Time for which the engine is alive; time between two starts does not count.",
        examples=["8h"],
    )
    plateau: Positive | None = Field(
        default=None,
        description="So many iterations in a row without a new champion.",
        examples=["40"],
    )
    failures: Positive = Field(
        default=25,
        description="So many iterations in a row that failed: the run ends with status 3.",
        examples=["10"],
    )
    target: Literal["met"] | None = Field(
        default=None,
        description="`met`: the champion is as good as `metric.target`.",
        examples=["met"],
    )

    def to_limits(self) -> Limits:
        """The stop rules as events know them."""
        return Limits(
            iterations=self.iterations,
            for_s=self.for_s,
            plateau=self.plateau,
            failures=self.failures,
            stop_at_target=self.target == "met",
        )
