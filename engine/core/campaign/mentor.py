"""The mentor: a second mind that reviews the trajectory while work goes on."""

from pydantic import Field

from engine.core.campaign.asked import AskedSpec
from engine.core.campaign.fields import Count, Duration, Flag, Positive
from engine.core.reviews.parts import MentorRules, Mode, Policy


class MentorSpec(AskedSpec):
    """A second agent that reviews the trajectory while work goes on.

    It reads what was measured, the champion, what did not work, the notes and the open work, and
    answers with a verdict on the course, a critique, at most one question, at most one piece of
    advice and one piece of open work. The next prompts show it; nothing waits for it unless
    `policy` says so, and a review that is late, malformed or fails changes nothing. Its calls count
    against the budget.
    """

    every: Count = Field(
        default=4,
        description="A review is due when so many iterations ended since the last one began; 0: "
        "only when stuck or asked for.",
        examples=["4"],
    )
    when_stuck: Flag = Field(
        default=True,
        description="A review is due as well when nothing was gained for `stuck_after` iterations, "
        "when three failed in a row, or when a priority signal reaches 0.9; at the earliest two "
        "iterations after the last one.",
        examples=["false"],
    )
    stuck_after: Positive = Field(
        default=5, description="Iterations without a new champion.", examples=["8"]
    )
    policy: Policy = Field(
        default="advise",
        description="What a review does: `advise` shows it in the next prompts, and nothing waits. "
        "`veto`: a worker's decision to begin a run waits for a review that is due, and comes to "
        "nothing when that says off_track; without a worker a candidate waits before its checks, "
        "and is put aside. `replace`: the review may put another in its place. Both are kept.",
        examples=["replace"],
    )
    wait: Duration = Field(
        default=60.0,
        description="How long a decision or a candidate waits for a review at most; then it "
        "goes on as it is.",
        examples=["2m"],
    )
    mode: Mode = Field(
        default="standard",
        description="`builder_health_helper`: it looks every ten iterations unless `every` says "
        "otherwise, only at whether the work is healthy; it is not called when stuck, and its open "
        "work and advice are left out.",
        examples=["builder_health_helper"],
    )
    require_web_search: Flag = Field(
        default=False,
        description="A review counts only when its program says that it searched the web.",
        examples=["true"],
    )

    def to_rules(self, *, candidates: bool = False) -> MentorRules:
        """When it looks, as decisions know it.

        Args:
            candidates: whether candidates may wait for it, as there is no worker that decides.
        """
        every = self.every
        if self.mode == "builder_health_helper" and "every" not in self.model_fields_set:
            every = 10
        return MentorRules(
            every=every,
            when_stuck=self.when_stuck,
            stuck_after=self.stuck_after,
            failures=3,
            mode=self.mode,
            policy=self.policy,
            wait_s=self.wait,
            candidates=candidates,
        )
