"""What a campaign that changes code needs and does not find: git, its files, an agent's variables.

What only git itself can tell, a base that is no commit say, the workspace tells when a run begins.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from engine.agents.llm import NAME, missing_library, name_of
from engine.agents.prices import Prices
from engine.agents.script import ScriptError, read_script
from engine.agents.walls import walls_of
from engine.checks.programs import program_problem
from engine.checks.variables import variable_problems, variables
from engine.core.campaign.budget import BudgetPart
from engine.core.campaign.load import LoadedCampaign
from engine.core.campaign.models import Campaign
from engine.core.campaign.proposers import AgentSpec, TextDirective
from engine.core.campaign.worker import WorkerSpec
from engine.core.campaign.workspace import WorkspaceSpec
from engine.knowledge.directives import DirectiveError, find, inline
from engine.knowledge.prompt import worker_template
from engine.knowledge.templates import TemplateError, read_text

_GIT_FILE: Final = b"gitdir:"

_TELL_COST: Final = ("claude", "scripted")
"""The agents that tell in dollars what they cost; a script costs what it says."""

_WHY_UNKNOWN: Final = {"codex": "codex tells tokens and no cost"}
_MAY_NOT_TELL: Final = "what it costs is not known unless it tells that, which nothing assures"


def missing_for_code(
    loaded: LoadedCampaign, environ: Mapping[str, str], *, slots: int | None = None
) -> list[str]:
    """A sentence for each thing that is missing, with what to do; empty when all is there.

    Args:
        loaded: the campaign and where it came from.
        environ: the variables of the engine.
        slots: iterations side by side, when it is not the campaign's number.
    """
    campaign = loaded.campaign
    found: list[str] = []
    if campaign.workspace is not None and loaded.repo is not None:
        side_by_side = campaign.slots if slots is None else slots
        problems = _workspace(campaign.workspace, loaded.repo, environ, side_by_side)
        found += [f"workspace: {problem}" for problem in problems]
    for proposer in campaign.proposers:
        if isinstance(proposer, AgentSpec):
            problems = [*_agent(proposer, loaded, environ)]
            problems += _money(campaign, proposer, campaign.budget.per_iteration)
            problems += _walls(proposer)
            found += [f"agent {proposer.agent}: {problem}" for problem in problems]
        if isinstance(proposer, WorkerSpec):
            found += [f"worker: {problem}" for problem in _worker(proposer, loaded, environ)]
    if campaign.mentor is not None:
        found += [f"mentor: {problem}" for problem in _mentor(campaign, loaded, environ)]
    return list(dict.fromkeys(found))


def _worker(
    worker: WorkerSpec, loaded: LoadedCampaign, environ: Mapping[str, str]
) -> Iterator[str]:
    spec = worker.as_agent()
    yield from _agent(spec, loaded, environ)
    yield from _money(loaded.campaign, spec, worker.budget)
    yield from _walls(spec)


def _mentor(
    campaign: Campaign, loaded: LoadedCampaign, environ: Mapping[str, str]
) -> Iterator[str]:
    if campaign.mentor is None:
        return
    spec = campaign.mentor.as_agent()
    yield from _agent(spec, loaded, environ)
    yield from _money(campaign, spec, campaign.mentor.budget)
    yield from _walls(spec)


def _workspace(
    spec: WorkspaceSpec, repo: Path, environ: Mapping[str, str], slots: int
) -> Iterator[str]:
    if spec.mode == "in-place" and slots > 1:
        yield f"mode in-place has one slot, not {slots}; use one, or mode: worktree"
    if shutil.which("git", path=environ.get("PATH", os.defpath)) is None:
        yield "there is no git on PATH; install git 2.38 or newer"
    if not _is_repository(repo):
        yield (
            f"{repo} is not the top folder of a git repository; correct `repo`, or make one: git "
            "init, git add, git commit"
        )
    for link in spec.link:
        if not os.path.lexists(repo / link):
            yield f"link: there is no {link} in {repo}; make it, or leave it out"


def _is_repository(folder: Path) -> bool:
    """Whether this is the top of a checkout; those of worktrees and submodules count."""
    git = folder / ".git"
    try:
        return (git / "HEAD").is_file() or git.read_bytes().startswith(_GIT_FILE)
    except OSError:
        return False


def _agent(spec: AgentSpec, loaded: LoadedCampaign, environ: Mapping[str, str]) -> Iterator[str]:
    yield from variable_problems(spec.env, environ)
    if spec.agent == NAME and (problem := missing_library()):
        yield problem
    if spec.command is not None and loaded.repo is not None:
        path = variables(spec.env, environ).values.get("PATH", os.defpath)
        if problem := program_problem(spec.words()[0], loaded.repo, path, key="command"):
            yield problem
    if spec.prompt is not None:
        yield from _prompt(loaded.beside(spec.prompt))
    if spec.script is not None:
        yield from _script(spec, loaded.beside(spec.script))
    for directive in spec.directives:
        yield from _directive(directive, loaded.path.parent)


def _money(campaign: Campaign, spec: AgentSpec, part: BudgetPart) -> Iterator[str]:
    """A budget in dollars is worth nothing where the price is unknown."""
    if spec.agent in _TELL_COST or (campaign.budget.usd is None and part.usd is None):
        return
    model = name_of(spec.model) if spec.model and spec.agent == NAME else spec.model
    if model is None:
        yield (
            f"{_WHY_UNKNOWN.get(spec.agent, _MAY_NOT_TELL)}, and the budget is in USD; name its "
            "`model`, and its price under budget: {prices: …} where the table has none, or give a "
            "budget in tokens"
        )
    elif model not in campaign.budget.prices and Prices().find(model) is None:
        yield (
            f"the price of {model} is not known, and the budget is in USD; give it under "
            f"budget: {{prices: {{{model}: {{input: …, output: …}}}}}}, or a budget in tokens"
        )


def _walls(spec: AgentSpec) -> Iterator[str]:
    walls = walls_of(spec) if spec.sandbox == "required" else None
    if walls is not None and not walls.stand:
        yield (
            f"no sandbox stands round it here: {walls.why}; with sandbox: auto it runs without, "
            "and every attempt says so (controlroom doctor)"
        )


def _prompt(path: Path) -> Iterator[str]:
    if not path.is_file():
        yield f"there is no prompt {path}; correct `prompt`"
        return
    try:
        worker_template(read_text(path), str(path))
    except TemplateError as error:
        yield f"prompt {error}"


def _script(spec: AgentSpec, path: Path) -> Iterator[str]:
    if not path.is_file():
        yield f"there is no script {path}; correct `script`"
        return
    try:
        if spec.agent == "scripted":
            read_script(path)
    except ScriptError as error:
        yield f"script {error}"


def _directive(directive: str | TextDirective, folder: Path) -> Iterator[str]:
    try:
        if isinstance(directive, TextDirective):
            inline(directive.text, directive.title)
        else:
            find(directive, folder)
    except DirectiveError as error:
        yield str(error)
