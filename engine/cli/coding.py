"""From a campaign with a workspace to the steps of its candidates: concrete classes are named."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.agents import homes, table
from engine.agents.prices import Price, Prices
from engine.agents.walls import walls_of
from engine.checks.variables import variables
from engine.cli.missions import mission_text
from engine.cli.request import Request
from engine.cli.walls import confinement, hidden_in_tree
from engine.core.campaign.models import Campaign
from engine.core.campaign.proposers import AgentSpec, TextDirective
from engine.core.commands import AddDirective
from engine.executors.clock import EngineClock
from engine.executors.protocol import Executor
from engine.knowledge import directives
from engine.knowledge.prompt import WORKER, worker_template
from engine.knowledge.templates import Template, read_text, shipped
from engine.loop.campaign_agents import AgentSetup, CampaignAgents
from engine.loop.code_steps import Coding
from engine.loop.control import Control
from engine.loop.grounds import Grounds
from engine.loop.guard import Guard
from engine.loop.planning import plan_of
from engine.loop.purse import Purse
from engine.loop.sync import Sync
from engine.loop.writer import Trouble, Writer
from engine.runfolder.room import Room
from engine.workspace.inplace import InPlace
from engine.workspace.patient import Patient
from engine.workspace.pool import Pool
from engine.workspace.protocol import Workspace
from engine.workspace.settings import WorkspaceSettings


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the engine shares with the steps of candidates of code, and with the mentor."""

    executor: Executor
    room: Room
    clock: EngineClock
    purse: Purse


def coding_of(
    request: Request, around: Surroundings
) -> Callable[[Writer, Control, Guard], Coding] | None:
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
    workspace = Patient(_workspace(request, campaign), around.room)
    setup = _setup(request, campaign)
    given = _directives(request, campaign)

    def make(writer: Writer, control: Control, guard: Guard) -> Coding:
        agents = setup and CampaignAgents(
            setup,
            writer,
            request.paths,
            executor=around.executor,
            room=around.room,
            clock=around.clock,
            purse=around.purse,
        )
        return Coding(
            writer,
            control,
            plan_of(campaign),
            workspace=workspace,
            agents=agents,
            guard=guard,
            grounds=Grounds(
                workspace,
                request.loaded.root,
                campaign.workspace.link if campaign.workspace else (),
                judged=campaign.sealed,
            ),
            protect=_protected(request, campaign),
            directives=given,
            sync=_sync(campaign, workspace, guard, writer.trouble),
        )

    return make


def _workspace(request: Request, campaign: Campaign) -> Workspace:
    spec, repo = campaign.workspace, request.loaded.repo
    assert spec is not None and repo is not None  # noqa: S101, PT018  (the caller looked)
    settings = WorkspaceSettings(
        repo=repo,
        campaign=campaign.campaign,
        base=spec.base,
        branch=spec.branch_of(campaign.campaign, request.run),
        keep=spec.keep,
        link=spec.link,
        dirty=spec.dirty,
        restore=spec.restore,
    )
    in_place = spec.mode == "in-place"
    return InPlace(request.paths, settings) if in_place else Pool(request.paths, settings)


def _sync(campaign: Campaign, workspace: Workspace, guard: Guard, trouble: Trouble) -> Sync | None:
    spec = campaign.workspace
    if spec is None or spec.sync == "off":
        return None
    return Sync(
        workspace,
        guard,
        trouble,
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
    walls = walls_of(spec)
    return AgentSetup(
        agent=table.make(
            spec.agent, table.Setup(folder=folder, command=spec.words(), script=spec.script)
        ),
        spec=spec,
        template=_template(spec, folder),
        budget=campaign.budget.per_iteration,
        price_of=prices_of(campaign).cost_usd,
        home=home_of(request, spec),
        env=found.values,
        secrets=tuple(found.secrets),
        protect=_protected(request, campaign),
        confinement=confinement(request, campaign, spec, walls),
        unconfined=walls.why,
        mission=mission_text(spec.mission or campaign.mission, folder),
    )


def _protected(request: Request, campaign: Campaign) -> tuple[str, ...]:
    """What no candidate may change; what is hidden could be read at another place, once moved."""
    hidden = (str(path) for path in hidden_in_tree(request, campaign))
    return tuple(dict.fromkeys((*campaign.protect, *hidden)))


def prices_of(campaign: Campaign) -> Prices:
    """The prices that ship, with those of the campaign above them."""
    return Prices(
        {
            name: Price(
                input=spec.input,
                cached_input=spec.input if spec.cached_input is None else spec.cached_input,
                cache_write=spec.input if spec.cache_write is None else spec.cache_write,
                output=spec.output,
            )
            for name, spec in campaign.budget.prices.items()
        }
    )


def home_of(request: Request, spec: AgentSpec) -> Path:
    """The isolated home of the agent's kind; one that has no login needs none."""
    for kind in homes.KINDS:
        if spec.agent == kind:
            return homes.make_home(kind, os.environ)
    return request.paths.agents


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
