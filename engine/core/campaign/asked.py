"""What a worker and a mentor share: an agent that is asked, answers, and changes no code."""

from typing import Literal

from pydantic import Field

from engine.core.campaign.budget import BudgetPart
from engine.core.campaign.checks import Command
from engine.core.campaign.environment import EnvSpec
from engine.core.campaign.fields import Duration, Filled, Model
from engine.core.campaign.mission import Mission
from engine.core.campaign.proposers import AgentSpec


class AskedSpec(Model):
    """The program of an agent that only answers, and the bounds of one call of it."""

    agent: Filled = Field(
        description="Which program, as for an agent: `codex`, `claude`, `command`, `scripted`, "
        "`acp`, or `module:maker`; or `llm`: a model that is asked by its service, without any "
        "program (the extra `llm`).",
        examples=["codex"],
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
        examples=["own-prompt.md"],
    )
    mission: Mission | None = Field(
        default=None,
        description="What it is to look at above all: a text, or `{file: ...}`; by default the "
        "campaign's `mission`.",
        examples=["Find out what the data lacks.", "{file: MISSION.md}"],
    )
    display_name: Filled | None = Field(
        default=None,
        description="What it is called where it writes things down; by default its agent's name, "
        "for a mentor after that word.",
        examples=["Ada"],
    )
    command: Command | None = Field(
        default=None, description="As for an agent.", examples=["'my-mind --prompt {prompt}'"]
    )
    script: Filled | None = Field(
        default=None, description="As for an agent.", examples=["script.yaml"]
    )
    deadline_s: Duration = Field(
        default=900.0,
        alias="deadline",
        description="After so long a call of it and all its processes are ended.",
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
        description="What one call of it may spend; it is ended when that is over.",
        examples=["{usd: 0.5, tokens: 200k}"],
    )
    sandbox: Literal["auto", "required", "off"] = Field(
        default="auto", description="As for an agent.", examples=["required"]
    )
    options: tuple[Filled, ...] = Field(
        default=(),
        description="Further words for the program's command line.",
        examples=["['-c', 'web_search=live']"],
    )
    env: EnvSpec = Field(
        default=EnvSpec(),
        description="Environment variables of the program, as for an agent.",
        examples=["{secret: [CODEX_API_KEY]}"],
    )

    def as_agent(self) -> AgentSpec:
        """Its program, as that of an agent which changes code."""
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
