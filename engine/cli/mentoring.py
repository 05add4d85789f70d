"""From a campaign with a mentor to what runs it: concrete classes are named."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.agents import table
from engine.agents.walls import walls_of
from engine.checks.variables import variables
from engine.cli.coding import Surroundings, home_of, prices_of
from engine.cli.request import Request
from engine.cli.walls import confinement
from engine.core.campaign.load import LoadedCampaign
from engine.core.campaign.mentor import MentorSpec
from engine.knowledge.templates import Template, TemplateError, read_text, shipped
from engine.loop.control import Control
from engine.loop.mentoring import Mentor, Mentoring, MentorSetup
from engine.loop.writer import Writer
from engine.mentor.prompt import MENTOR, mentor_template


def mentor_of(request: Request, around: Surroundings) -> Callable[[Writer, Control], Mentor] | None:
    """What makes the mentor; None for a campaign without one.

    Raises:
        TemplateError: its prompt cannot be used.
        ScriptError: its script cannot be played.
        AgentMissingError: its agent is not on this machine.
    """
    spec = request.loaded.campaign.effective().mentor
    if spec is None:
        return None
    setup = _setup(request, spec)

    def make(writer: Writer, control: Control) -> Mentor:
        return Mentoring(
            setup,
            writer,
            control,
            request.paths,
            executor=around.executor,
            room=around.room,
            clock=around.clock,
            purse=around.purse,
        )

    return make


def _setup(request: Request, spec: MentorSpec) -> MentorSetup:
    campaign, folder = request.loaded.campaign.effective(), request.loaded.path.parent
    program = spec.as_agent()
    found, walls = variables(spec.env, os.environ), walls_of(program)
    shown = confinement(request, campaign, program, walls)
    return MentorSetup(
        agent=table.make(
            spec.agent, table.Setup(folder=folder, command=program.words(), script=spec.script)
        ),
        spec=program,
        rules=spec.to_rules(),
        memory=campaign.memory.to_rules(),
        template=_template(spec, folder),
        mission=spec.mission or "",
        require_search=spec.require_web_search,
        budget=spec.budget,
        price_of=prices_of(campaign).cost_usd,
        home=home_of(request, program),
        env=found.values,
        secrets=tuple(found.secrets),
        # It changes nothing, whatever the campaign lets those who work change.
        confinement=shown and msgspec.structs.replace(shown, write=()),
        unconfined=walls.why,
    )


def mentor_problem(loaded: LoadedCampaign) -> str:
    """What is wrong with the campaign's own prompt of its mentor; empty where nothing is."""
    spec = loaded.campaign.mentor
    if spec is None or spec.prompt is None:
        return ""
    try:
        _template(spec, loaded.path.parent)
    except TemplateError as error:
        return f"mentor: prompt {error}"
    return ""


def _template(spec: MentorSpec, folder: Path) -> Template:
    path = shipped(MENTOR) if spec.prompt is None else folder / spec.prompt
    return mentor_template(read_text(path), str(path))
