"""From a campaign with a workspace to the steps of its candidates: concrete classes are named."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.agents.command import CommandAgent
from engine.agents.protocol import Agent
from engine.agents.scripted import Scripted
from engine.checks.variables import variables
from engine.cli.request import Request
from engine.core.campaign.models import Campaign
from engine.core.campaign.proposers import AgentSpec, TextDirective
from engine.core.commands import AddDirective
from engine.core.parts import Tokens
from engine.executors.clock import EngineClock
from engine.executors.protocol import Executor
from engine.knowledge import directives
from engine.knowledge.prompt import WORKER, worker_template
from engine.knowledge.templates import Template, read_text, shipped
from engine.loop.campaign_agents import AgentSetup, CampaignAgents
from engine.loop.code_steps import Coding
from engine.loop.control import Control
from engine.loop.guard import Guard
from engine.loop.planning import plan_of
from engine.loop.sync import Sync
from engine.loop.writer import Writer
from engine.runfolder.room import Room
from engine.workspace.pool import Pool
from engine.workspace.protocol import Workspace
from engine.workspace.settings import WorkspaceSettings


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the engine shares with the steps of candidates of code."""

    executor: Executor
    room: Room
    clock: EngineClock


def coding_of(request: Request, around: Surroundings) -> Callable[[Writer, Control], Coding] | None:
    """What makes the steps of candidates of code; None for a campaign without a workspace.

    Raises:
        DirectiveError: a directive of the campaign cannot be used.
        TemplateError: its prompt cannot be used.
        ScriptError: its script cannot be played.
        AgentMissingError: its agent is not on this machine.
    """
    campaign = request.loaded.campaign.effective()
    if campaign.workspace is None:
        return None
    workspace = _workspace(request, campaign)
    setup = _setup(request, campaign)
    given = _directives(request, campaign)

    def make(writer: Writer, control: Control) -> Coding:
        guard = Guard(writer, request.paths, campaign.policy.same_failure)
        agents = setup and CampaignAgents(
            setup,
            writer,
            request.paths,
            executor=around.executor,
            room=around.room,
            clock=around.clock,
        )
        return Coding(
            writer,
            control,
            plan_of(campaign),
            workspace=workspace,
            agents=agents,
            guard=guard,
            root=request.loaded.root,
            directives=given,
            sync=_sync(campaign, workspace, guard),
        )

    return make


def _workspace(request: Request, campaign: Campaign) -> Workspace:
    spec, repo = campaign.workspace, request.loaded.repo
    assert spec is not None and repo is not None  # noqa: S101, PT018  (the caller looked)
    branch = spec.branch.format(campaign=campaign.campaign, run=request.run)
    settings = WorkspaceSettings(
        repo=repo,
        campaign=campaign.campaign,
        base=spec.base,
        branch=branch,
        keep=spec.keep,
        link=spec.link,
        dirty=spec.dirty,
        restore=spec.restore,
    )
    return Pool(request.paths, settings)


def _sync(campaign: Campaign, workspace: Workspace, guard: Guard) -> Sync | None:
    spec = campaign.workspace
    if spec is None or spec.sync == "off":
        return None
    return Sync(
        workspace,
        guard,
        remote=spec.sync_remote,
        branch=spec.sync_branch,
        when=spec.sync,
        on_conflict=spec.sync_conflict,
    )


def _setup(request: Request, campaign: Campaign) -> AgentSetup | None:
    (spec,) = campaign.proposers
    if not isinstance(spec, AgentSpec):
        return None
    folder = request.loaded.path.parent
    found = variables(spec.env, os.environ)
    return AgentSetup(
        agent=_agent(spec, folder),
        spec=spec,
        template=_template(spec, folder),
        budget=campaign.budget.per_iteration,
        price_of=_unpriced,
        home=request.paths.agents,
        env=found.values,
        secrets=tuple(found.secrets),
    )


def _agent(spec: AgentSpec, folder: Path) -> Agent:
    if spec.script is not None:
        return Scripted(folder / spec.script)
    return CommandAgent(spec.words())


def _template(spec: AgentSpec, folder: Path) -> Template:
    path = shipped(WORKER) if spec.prompt is None else folder / spec.prompt
    return worker_template(read_text(path), str(path))


def _directives(request: Request, campaign: Campaign) -> tuple[AddDirective, ...]:
    (spec,) = campaign.proposers
    if not isinstance(spec, AgentSpec):
        return ()
    folder = request.loaded.path.parent
    found = (
        directives.inline(item.text, item.title or "")
        if isinstance(item, TextDirective)
        else directives.find(item, folder)
        for item in spec.directives
    )
    return tuple(
        AddDirective(title=each.title, text=each.text, source=each.source) for each in found
    )


def _unpriced(model: str, tokens: Tokens) -> float | None:
    del model, tokens
    return None
