"""How much may be written down in the run's memory."""

from pydantic import Field

from engine.core.campaign.fields import Count, Model, Positive
from engine.core.memory.parts import MemoryRules


class MemorySpec(Model):
    """How much agents may add to the queue of open work (TODO) at the end of a turn.

    What means the same as an open item is not written down again. A person may always add, by
    `controlroom todo add` or on the screen.
    """

    worker: Count = Field(
        default=2, description="So many items a turn by whoever proposes.", examples=["2"]
    )
    mentor: Count = Field(
        default=1, description="So many items a review by the mentor.", examples=["1"]
    )
    backlog: Positive = Field(
        default=24,
        description="From so many open items on, one item a turn; from twice as many on, none.",
        examples=["24"],
    )

    def to_rules(self) -> MemoryRules:
        """The rules as decisions know them."""
        return MemoryRules(worker=self.worker, mentor=self.mentor, backlog=self.backlog)
