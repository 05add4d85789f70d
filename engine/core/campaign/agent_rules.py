"""What must hold for an agent, and between it, its workspace and its budget."""

import re
from collections.abc import Iterator
from typing import Final

from engine.core.campaign.budget import BudgetSpec
from engine.core.campaign.check_rules import environment_findings
from engine.core.campaign.fields import show
from engine.core.campaign.keys import example_of, listed
from engine.core.campaign.nearest import did_you_mean, nearest
from engine.core.campaign.placeholders import AGENT_PLACEHOLDERS, PLACEHOLDERS, placeholders
from engine.core.campaign.problems import Finding, Place
from engine.core.campaign.proposers import (
    AGENTS,
    DIRECTIVE_FILE,
    LLM_MODEL,
    ONLY_ANSWERS,
    OWN_AGENT,
    AgentSpec,
    TextDirective,
)
from engine.core.campaign.salvage import Draft

_PRESET: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def agent_findings(draft: Draft) -> Iterator[Finding]:
    """Mistakes in agents, and in what they may spend."""
    for index, proposer in enumerate(draft.campaign.proposers):
        if isinstance(proposer, AgentSpec):
            place = ("proposers", index)
            yield from _no_workspace(draft, place)
            yield from _only_answers(draft, proposer, place)
            yield from program_findings(draft, proposer, place)
            yield from _walls(proposer, place)
            yield from environment_findings(proposer.env, (*place, "env"))
            yield from _directives(proposer, place)
    if draft.campaign.mentor is not None:
        spec, place = draft.campaign.mentor.as_agent(), ("mentor",)
        yield from program_findings(draft, spec, place)
        yield from model_findings(draft, spec, place)
        yield from environment_findings(spec.env, (*place, "env"))
    yield from _shares(draft.campaign.budget)


def _no_workspace(draft: Draft, place: Place) -> Iterator[Finding]:
    if draft.campaign.workspace is None and draft.sound("workspace"):
        message = "an agent changes the code of a workspace, and there is none"
        yield Finding(place=(*place, "kind"), message=message, fix="add workspace: {repo: .}")


def _only_answers(draft: Draft, spec: AgentSpec, place: Place) -> Iterator[Finding]:
    if spec.agent == ONLY_ANSWERS and draft.sound(*place, "agent"):
        message = f"the agent {spec.agent} edits no files: it can be a mentor, not change code"
        yield Finding(place=(*place, "agent"), message=message, fix="write codex, claude, or acp")


def model_findings(draft: Draft, spec: AgentSpec, place: Place) -> Iterator[Finding]:
    """The agent llm is told by its model which service it is to ask."""
    if spec.agent != ONLY_ANSWERS or not draft.sound(*place, "model"):
        return
    fix = "write openai:NAME, anthropic:NAME, or openai-chat:NAME for a service like it"
    if spec.model is None:
        message = f"'model' is missing: the agent {spec.agent} needs it"
        yield Finding(place=(*place, "agent"), message=message, fix=fix)
    elif not LLM_MODEL.fullmatch(spec.model):
        message = f"{show(spec.model)} does not say which service has the model"
        yield Finding(place=(*place, "model"), message=message, fix=fix)


def program_findings(draft: Draft, spec: AgentSpec, place: Place) -> Iterator[Finding]:
    """Mistakes in how the program of an agent is named."""
    if not draft.sound(*place, "agent"):
        return
    if spec.agent not in AGENTS:
        if not OWN_AGENT.fullmatch(spec.agent):
            yield _unknown(spec.agent, (*place, "agent"))
        return
    for key, value in (("command", spec.command), ("script", spec.script)):
        wanted = key in AGENTS[spec.agent]
        at = (*place, key)
        if value is None and wanted and draft.sound(*at):
            fix = f"add {key}: {example_of(AgentSpec, key)}"
            message = f"{show(key)} is missing: the agent {spec.agent} needs it"
            yield Finding(place=at, message=message, fix=fix, at_key=True)
        elif value is not None and not wanted:
            users = [name for name, takes in AGENTS.items() if key in takes]
            message = f"it means nothing for the agent {spec.agent}"
            fix = f"remove it, or write agent: {listed(users)}"
            yield Finding(place=at, message=message, fix=fix, at_key=True)
    yield from _words(spec, (*place, "command"))


def _walls(spec: AgentSpec, place: Place) -> Iterator[Finding]:
    """A network that is to be missing, and what makes it missing."""
    if spec.network != "none":
        return
    at = (*place, "network")
    if spec.agent in ("codex", "claude"):
        message = f"without a network {spec.agent} does not reach its model"
        yield Finding(place=at, message=message, fix="write false: its commands have none then")
    elif spec.sandbox != "required":
        message = "only a sandbox keeps a program off the network"
        yield Finding(place=at, message=message, fix="add sandbox: required, or write false")


def _unknown(name: str, place: Place) -> Finding:
    fix = did_you_mean(name, AGENTS, f"there are {', '.join(AGENTS)}, and your own as module:maker")
    return Finding(place=place, message=f"there is no agent {show(name)}", fix=fix)


def _words(spec: AgentSpec, place: Place) -> Iterator[Finding]:
    try:
        words = spec.words()
    except ValueError as error:
        message = f"cannot be parted into words: {str(error).lower()}"
        yield Finding(place=place, message=message, fix="close the quotation, or write a list")
        return
    known = [f"{{{name}}}" for name in AGENT_PLACEHOLDERS]
    for name in (name for word in words for name in placeholders(word)):
        # Other braces are the program's own; these were meant for the engine.
        if name not in AGENT_PLACEHOLDERS and (name in PLACEHOLDERS or nearest(name, known)):
            fix = did_you_mean(f"{{{name}}}", known, f"there are {', '.join(known)}")
            message = f"an agent's command has no placeholder {{{name}}}"
            yield Finding(place=place, message=message, fix=fix)


def _directives(spec: AgentSpec, place: Place) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, directive in enumerate(spec.directives):
        at = (*place, "directives", index)
        if isinstance(directive, TextDirective):
            continue
        if directive in seen:
            message = f"the directive {show(directive)} is there twice"
            yield Finding(place=at, message=message, fix="remove one of them")
        elif not DIRECTIVE_FILE.search(directive) and not _PRESET.fullmatch(directive):
            message = f"{show(directive)} is neither the name of a preset nor a file"
            yield Finding(place=at, message=message, fix="write {text: '...'} for a text")
        seen.add(directive)


def _shares(budget: BudgetSpec) -> Iterator[Finding]:
    """An iteration that may spend more than the whole run."""
    part = budget.per_iteration
    for key, one, whole in (
        ("usd", part.usd, budget.usd),
        ("tokens", part.tokens, budget.tokens),
    ):
        if one is not None and whole is not None and one > whole:
            yield Finding(
                place=("budget", "per_iteration", key),
                message=f"{show(one)} is more than the {show(whole)} of the whole run",
                fix="make it smaller, or leave it out",
            )
