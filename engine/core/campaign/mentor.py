"""The mentor: a second mind that reviews the trajectory while work goes on."""

from typing import Literal

from pydantic import Field

from engine.core.campaign.budget import BudgetPart
from engine.core.campaign.checks import Command
from engine.core.campaign.environment import EnvSpec
from engine.core.campaign.fields import Count, Duration, Filled, Flag, Model, Positive
from engine.core.campaign.mission import Mission
from engine.core.campaign.proposers import AgentSpec
from engine.core.reviews.parts import MentorRules, Mode, Policy


class MentorSpec(Model):
    """A second agent that reviews the trajectory while work goes on.

    It reads what was measured, the champion, what did not work, the notes and the open work, and
    answers with a verdict on the course, a critique, at most one question, at most one piece of
    advice and one piece of open work. The next prompts show it; nothing waits for it unless
    `policy` says so, and a review that is late, malformed or fails changes nothing. Its calls count
    against the budget.
    """

    agent: Filled = Field(
        description="Which program, as for `proposers`: `codex`, `claude`, `command`, `scripted`, "
        "`acp`, or `module:maker`; or `llm`: a model that is asked by its service, without any "
        "program (the extra `llm`).",
        examples=["claude"],
    )
    model: Filled | None = Field(
        default=None,
        description="The model; by default the one that the program chooses itself. For `llm` with "
        "its service: `openai:`, `anthropic:`, or `openai-chat:` for one that speaks like it.",
        examples=["gpt-5.5", "anthropic:claude-opus-5"],
    )
    effort: Filled | None = Field(
        default=None, description="How much it is to think, in its own words.", examples=["high"]
    )
    prompt: Filled | None = Field(
        default=None,
        description="The file of the prompt's template, relative to the folder of this file; by "
        "default the one that ships.",
        examples=["prompts/mentor.md"],
    )
    mission: Mission | None = Field(
        default=None,
        description="What this mentor is to look at above all: a text, or `{file: ...}`; by "
        "default the campaign's `mission`.",
        examples=["Watch the numerics.", "{file: MENTOR.md}"],
    )
    display_name: Filled | None = Field(
        default=None,
        description="What it is called where it writes things down; by default `mentor AGENT`.",
        examples=["Ada"],
    )
    command: Command | None = Field(
        default=None, description="As for `proposers`.", examples=["'my-mentor --prompt {prompt}'"]
    )
    script: Filled | None = Field(
        default=None, description="As for `proposers`.", examples=["mentor-script.yaml"]
    )
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
        "With a worker, `veto`: a decision to begin a run waits for a review that is due, and "
        "comes to nothing when that says off_track; `replace`: the review may put another in its "
        "place. Both decisions are kept.",
        examples=["replace"],
    )
    wait: Duration = Field(
        default=60.0,
        description="How long a decision waits for a review at most; then it goes on as it is.",
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
    deadline_s: Duration = Field(
        default=900.0,
        alias="deadline",
        description="After so long a review and all its processes are ended.",
        examples=["10m"],
    )
    idle_s: Duration = Field(
        default=600.0,
        alias="idle",
        description="The same after so long without any sign from it.",
        examples=["5m"],
    )
    budget: BudgetPart = Field(
        default=BudgetPart(),
        description="What one review may spend; it is ended when that is over.",
        examples=["{usd: 0.5, tokens: 200k}"],
    )
    sandbox: Literal["auto", "required", "off"] = Field(
        default="auto", description="As for `proposers`.", examples=["required"]
    )
    options: tuple[Filled, ...] = Field(
        default=(),
        description="Further words for the program's command line.",
        examples=["['-c', 'web_search=live']"],
    )
    env: EnvSpec = Field(
        default=EnvSpec(),
        description="Environment variables of the program, as for `proposers`.",
        examples=["{secret: [CODEX_API_KEY]}"],
    )

    def to_rules(self) -> MentorRules:
        """When it looks, as decisions know it."""
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
        )

    def as_agent(self) -> AgentSpec:
        """Its program, as that of an agent which proposes."""
        return AgentSpec.model_construct(
            kind="agent",
            agent=self.agent,
            model=self.model,
            effort=self.effort,
            command=self.command,
            script=self.script,
            sandbox=self.sandbox,
            options=self.options,
            env=self.env,
            deadline_s=self.deadline_s,
            idle_s=self.idle_s,
        )
