"""How candidates are compared with the champion."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from engine.core.campaign.fields import (
    Count,
    FileName,
    Flag,
    Int,
    Model,
    Share,
    complaint,
    format_share,
)
from engine.core.pairs.looks import Design

_WATCHED_EVERY: Final = 20


def _error(share: float) -> float:
    if 0 < share <= 0.5:
        return share
    raise complaint(f"{format_share(share)} is no error to decide by", "write 1%, or 50% at most")


class RefereeSpec(Model):
    """How candidates are compared with the champion; docs/referee.md has the statistics.

    A metric with `noise: measured` is compared by pairs: the check that reports it is run for the
    champion and for the candidate, in turning order, and nothing else is checked meanwhile.
    Pairs are added only while they can still decide. With `noise: none` only `remeasure`,
    `leaders` and `baseline_every` count.
    """

    error: Annotated[Share, AfterValidator(_error)] = Field(
        default=0.01,
        description="How often the interval of a decision may miss the true gain, all its looks "
        "together. Of candidates that are exactly as good as the champion at most half as many are "
        "promoted.",
        examples=["1%"],
    )
    first_pairs: Annotated[Int, Field(ge=4)] = Field(
        default=6, description="Nothing is decided before so many pairs.", examples=["6"]
    )
    most_pairs: Annotated[Int, Field(ge=4)] = Field(
        default=60,
        description="What is not decided after so many pairs is `inconclusive`.",
        examples=["60"],
    )
    calibrate: Count = Field(
        default=10,
        description="So many pairs of the baseline against itself, before the first candidate: "
        "they tell the noise, and with it which gains can be seen. 0: none.",
        examples=["10"],
    )
    remeasure: Count = Field(
        default=20,
        description="A champion whose value is so many iterations old is measured again before "
        "anything is compared with it, as it is whenever the fingerprint changed. 0: only then.",
        examples=["20", "0"],
    )
    leaders: Count | None = Field(
        default=None,
        description="So many of the best are measured once more when the run comes to its end, the "
        "champion first, by fresh processes. 0: none. By default 1, where that takes ten minutes "
        "at most, going by what measuring took before.",
        examples=["1", "3"],
    )
    baseline_every: Count | None = Field(
        default=None,
        description="The baseline is measured again every so many iterations, which shows how it "
        "drifts; with `noise: measured` in pairs with the champion. 0: never. By default 20 with "
        "`noise: measured`, and never without noise.",
        examples=["20", "0"],
    )
    chance: Literal["secret", "seed"] | None = Field(
        default=None,
        description="What says who is measured first in a pair, and which seed both halves have. "
        "`secret`, the default: this machine's own randomness, which nobody can foresee. `seed`: "
        "the run's seed, so that a run of plain checks can be repeated by whoever trusts them.",
        examples=["seed"],
    )
    alone: Flag = Field(
        default=True,
        description="While an iteration measures pairs no other check runs. `false` where what is "
        "measured does not feel load, as the error of a training: iterations measure side by side.",
        examples=["false"],
    )
    prepare: tuple[FileName, ...] = Field(
        default=(),
        description="Checks that make a champion ready to be measured, such as a build: they are "
        "run for it once in an iteration, in a tree and a scratch folder of its own; in the mode "
        "`in-place`, where champion and candidate share one tree, before every measurement. With "
        "`noise: none` all checks before the one that measures are.",
        examples=["[build]"],
    )

    def design(self, most: int | None = None) -> Design:
        """The pairs as the statistics know them; with another budget where `most` is given."""
        return Design(error=self.error, first=self.first_pairs, most=most or self.most_pairs)

    def watched_every(self, *, noisy: bool) -> int:
        """After how many iterations the baseline is measured again; 0 is never."""
        if self.baseline_every is not None:
            return self.baseline_every
        return _WATCHED_EVERY if noisy else 0
