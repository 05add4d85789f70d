"""How a run comes to its end: final rounds, leaders measured again, a report."""

from typing import Annotated

from pydantic import Field

from engine.core.campaign.checks import CheckSpec
from engine.core.campaign.fields import Count, Flag, Model, Number, Positive
from engine.core.finish.parts import FinishRules

Minutes = Annotated[Number, Field(gt=0, le=525_600)]


class FinishSpec(Model):
    """How a run comes to its end: by `controlroom finish`, by RUN/FINISH_UP.json, or by itself.

    A finish is planned backwards from its deadline: the report first, then the leaders that are
    measured again, then the final rounds. docs/finish.md says more.
    """

    minutes: Minutes | None = Field(
        default=None,
        description="How long it takes: with `stop: {for: ...}` it begins so many minutes before "
        "that time is over, or half of it where it is shorter. Without, `for` just ends the run, "
        "and a command that does not say how long means an hour.",
        examples=["60"],
    )
    final_rounds: Count = Field(
        default=1,
        description="Iterations that may still begin, and count only when they were measured.",
        examples=["1"],
    )
    top_k: Positive = Field(
        default=10,
        description="So many leaders are measured again, and stand in the report. A run that ends "
        "without a finish measures as many as `referee.leaders` says.",
        examples=["10"],
    )
    report: Flag = Field(
        default=True,
        description="Whether every orderly end writes the report; `controlroom report` does at "
        "any time.",
        examples=["true"],
    )

    checks: tuple[CheckSpec, ...] = Field(
        default=(),
        description="What only the leaders are checked by, once they were measured again: a test "
        "split that nothing else sees. It changes no verdict and stands in the report. The keys "
        "are those of `checks`; the names are others.",
        examples=["[{name: test, produce: ..., judge: ..., read: [../data/test]}]"],
    )

    def to_rules(self) -> FinishRules:
        """The rules as decisions know them."""
        given = {} if self.minutes is None else {"minutes": self.minutes}
        return FinishRules(
            before_for=self.minutes,
            final_rounds=self.final_rounds,
            top_k=self.top_k,
            report=self.report,
            **given,
        )
