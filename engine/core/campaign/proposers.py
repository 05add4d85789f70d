"""Who makes candidates: a search over parameters, or an agent that changes code."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from engine.core.campaign.checks import Command
from engine.core.campaign.environment import EnvSpec
from engine.core.campaign.fields import (
    COMPLAINT,
    Count,
    Duration,
    Filled,
    Int,
    Model,
    Number,
    Positive,
    Share,
    Text,
    complaint,
    show,
)
from engine.core.campaign.mission import Mission
from engine.core.campaign.placeholders import split

Slots = Annotated[Int, Field(ge=1, le=1024)]


class EvolutionSpec(Model):
    """A deterministic evolution search over `space`."""

    kind: Literal["evolution"] = Field(
        default="evolution", description="Which proposer it is.", examples=["evolution"]
    )
    slots: Slots = Field(
        default=1, description="Iterations that are open at a time.", examples=["2"]
    )
    explore: Annotated[Number, Field(ge=0, le=1)] = Field(
        default=0.5,
        description="The share of candidates that are drawn at random; the others are changed "
        "copies of good ones.",
        examples=["0.3"],
    )
    parents: Positive = Field(
        default=10,
        description="The changed copies are made from so many of the best candidates.",
        examples=["5"],
    )

    def made_resilient(self) -> "EvolutionSpec":
        """Itself: a search has nothing that could fail."""
        return self


class TextDirective(Model):
    """A steering text that stands in the campaign file itself."""

    text: Filled = Field(
        description="What goes into every prompt.",
        examples=["Leave the cross-entropy backend as it is."],
    )
    title: Text = Field(
        default="",
        description="What it is called in lists; by default its beginning.",
        examples=["one backend"],
    )


def _directive_kind(data: Any) -> str | None:
    match data:
        case TextDirective() | dict():
            return "<text>"
        case str():
            return "<name>"
        case _:
            return None


Directive = Annotated[
    Annotated[Filled, Tag("<name>")] | Annotated[TextDirective, Tag("<text>")],
    Discriminator(
        _directive_kind,
        custom_error_type=COMPLAINT,
        custom_error_message="a directive is a name, a file or a text",
        custom_error_context={"fix": "write the name of a preset, a path, or {text: '...'}"},
    ),
]

AGENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "codex": (),
    "claude": (),
    "command": ("command",),
    "scripted": ("script",),
    "acp": ("command",),
    "llm": (),
}
"""The agents that are known by name, and which of `command` and `script` each one needs."""

ONLY_ANSWERS: Final = "llm"
"""The agent that edits no files; its model is named with its service."""

LLM_MODEL: Final = re.compile(r"(openai|openai-chat|anthropic):\S+")

OWN_AGENT: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
"""The dotted path of a person's own agent: a module, and what in it makes the agent."""

DIRECTIVE_FILE: Final = re.compile(r"[./]")
"""What a directive's name holds when it is the path of a file, and not a preset."""


def _network(value: object) -> object:
    if isinstance(value, bool) or value == "none":
        return value
    raise complaint(f"must be true, false or none, not {show(value)}", "write one of these")


Network = Annotated[bool | Literal["none"], BeforeValidator(_network)]
"""Whether commands have a network, or `none` where their program has none either."""


class AgentSpec(Model):
    """A coding agent that changes the code of the `workspace`, one change an iteration.

    The agent is told, in a prompt that is made anew for each attempt, what is climbed, what the
    champion is, what was tried and what the directives say. It works in a tree of its own; what it
    leaves there becomes one commit, and the checks decide about it.
    """

    kind: Literal["agent"] = Field(description="Which proposer it is.", examples=["agent"])
    agent: Filled = Field(
        description="Which program: `codex`, `claude`, `command` (any program), `scripted` (plays "
        "a script, without any model), `acp` (any program that speaks the Agent Client Protocol), "
        "or one of your own, as `module:maker`, which is imported where controlroom is installed.",
        examples=["codex", "my_agents.local:make"],
    )
    slots: Slots = Field(
        default=1, description="Iterations that are open at a time.", examples=["4"]
    )
    model: Filled | None = Field(
        default=None,
        description="The model; by default the one that the program chooses itself.",
        examples=["gpt-5.5"],
    )
    effort: Filled | None = Field(
        default=None, description="How much it is to think, in its own words.", examples=["high"]
    )
    prompt: Filled | None = Field(
        default=None,
        description="The file of the prompt's template, relative to the folder of this file; by "
        "default the one that ships.",
        examples=["prompts/worker.md"],
    )
    mission: Mission | None = Field(
        default=None,
        description="What it is to look at above all: a text, or `{file: ...}`; by default the "
        "campaign's `mission`.",
        examples=["Cut memory traffic first.", "{file: MISSION.md}"],
    )
    display_name: Filled | None = Field(
        default=None,
        description="What it is called where it writes things down; by default its agent's name.",
        examples=["Grace"],
    )
    command: Command | None = Field(
        default=None,
        description="For `command` and `acp`: the program and its arguments, as `run` of a check.",
        examples=["'my-agent --prompt {prompt}'"],
    )
    script: Filled | None = Field(
        default=None,
        description="For `scripted`: the file of its script, relative to the folder of this file.",
        examples=["scripted.yaml"],
    )
    network: Network = Field(
        default=False,
        description="Let the commands that it runs use the network, where its program can tell "
        "them apart from itself; the program itself always has it, for its model. `none`: the "
        "program has none either, which its sandbox sees to; not for `codex` and `claude`. "
        "`scripted` has one with `true` only.",
        examples=["true", "none"],
    )
    sandbox: Literal["auto", "required", "off"] = Field(
        default="auto",
        description="Whether its program runs in a sandbox of ours, which shows it its tree, a "
        "home of the attempt's own, what it needs to run, and `sandbox.read`. `auto`: where the "
        "machine can; where not, every attempt says so. `required`: no run without. `off`: it "
        "runs with your rights, can read what you can, and can write the run's own record.",
        examples=["required"],
    )
    deadline_s: Duration = Field(
        default=7200.0,
        alias="deadline",
        description="After so long an attempt and all its processes are ended; verdict: timeout.",
        examples=["45m"],
    )
    idle_s: Duration = Field(
        default=900.0,
        alias="idle",
        description="The same after so long without any sign from it.",
        examples=["10m"],
    )
    retries: Count = Field(
        default=2,
        description="How often an attempt is made again that its provider let down: unreachable, "
        "overloaded, a stream that broke; or the machine: files that cannot be written. A usage "
        "limit is waited for and does not count.",
        examples=["5"],
    )
    backoff_s: Duration = Field(
        default=20.0,
        alias="backoff",
        description="The pause before it is made again, doubled each time.",
        examples=["1m"],
    )
    options: tuple[Filled, ...] = Field(
        default=(),
        description="Further words for the program's command line.",
        examples=["['-c', 'model_verbosity=low']"],
    )
    env: EnvSpec = Field(
        default=EnvSpec(),
        description="Environment variables of the program. Its key goes under `secret`: it is kept "
        "out of logs and, where the program allows it, from the commands that it runs.",
        examples=["{secret: [CODEX_API_KEY]}"],
    )
    answer: Literal["required", "optional"] = Field(
        default="optional",
        description="Whether its last word must be an answer in the form that the prompt asks for: "
        "a shortlist, a choice, a hypothesis and a prediction. `required`: without one, or with "
        "one that breaks the rules, the candidate is invalid.",
        examples=["required"],
    )
    shortlist: Count = Field(
        default=3, description="Ideas that its answer must list, at least.", examples=["5"]
    )
    escalate_below: Share = Field(
        default=0.03,
        description="After a gain below this share of the champion's value, with the same dominant "
        "hotspot as before, the next change must be structural.",
        examples=["5%", "0%"],
    )
    directives: tuple[Directive, ...] = Field(
        default=(),
        description="Steering texts for the prompt: the name of a preset that ships, the path of a "
        "file relative to the folder of this file (it holds a dot or a slash), or a text. "
        "`controlroom directive` adds, edits and retires them while the run goes on.",
        examples=["[triangular-inversion, notes/layout.md, {text: 'Keep the backend.'}]"],
    )

    def words(self) -> tuple[str, ...]:
        """Its command as separate words, placeholders unfilled; none where it has no command.

        Raises:
            ValueError: a quotation is not closed.
        """
        match self.command:
            case None:
                return ()
            case str():
                return tuple(split(self.command))
            case _:
                return self.command

    def made_resilient(self) -> "AgentSpec":
        """The same, tried at least two times more."""
        return self.model_copy(update={"retries": max(self.retries, 2)})
