"""Gates: what a secondary metric must be for a candidate to count."""

from pydantic import Field

from engine.core.campaign.fields import Model, Number, Share
from engine.core.gates import Gate


class GateSpec(Model):
    """What one metric besides the climbed one must be.

    Secondary metrics explain; only a gate vetoes, by what the engine measured. A candidate that
    fails one is `infeasible`, however good its value is. With several keys all must hold.
    """

    most: Number | None = Field(
        default=None, description="It must not be above this.", examples=["16"]
    )
    least: Number | None = Field(
        default=None, description="It must not be below this.", examples=["0.93"]
    )
    most_rise: Share | None = Field(
        default=None,
        description="It must not be above the champion's by more than this share.",
        examples=["2%"],
    )
    most_fall: Share | None = Field(
        default=None,
        description="It must not be below the champion's by more than this share.",
        examples=["0.5%"],
    )

    def to_gate(self, metric: str) -> Gate:
        """The gate as the referee knows it."""
        return Gate(
            metric=metric,
            most=self.most,
            least=self.least,
            most_rise=self.most_rise,
            most_fall=self.most_fall,
        )
