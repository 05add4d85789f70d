"""From a campaign with a mentor to what runs it: concrete classes are named."""

from collections.abc import Callable
from pathlib import Path

from engine.cli.calling import called, calls_of
from engine.cli.coding import Surroundings
from engine.cli.missions import mission_text
from engine.cli.request import Request
from engine.core.campaign.load import LoadedCampaign
from engine.core.campaign.mentor import MentorSpec
from engine.core.reviews.parts import MentorRules
from engine.core.space import Space
from engine.knowledge.templates import Template, TemplateError, read_text, shipped
from engine.loop.calls import CallSetup
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
    campaign = request.loaded.campaign.effective()
    spec, rules = campaign.mentor, campaign.mentor_rules()
    if spec is None or rules is None:
        return None
    setup, who = _setup(request, spec, rules), _called(request, spec)

    def make(writer: Writer, control: Control) -> Mentor:
        calls = calls_of(request, around, writer, who)
        return Mentoring(setup, writer, control, request.paths, calls=calls)

    return make


def _setup(request: Request, spec: MentorSpec, rules: MentorRules) -> MentorSetup:
    campaign, folder = request.loaded.campaign.effective(), request.loaded.path.parent
    return MentorSetup(
        rules=rules,
        memory=campaign.memory.to_rules(),
        template=_template(spec, folder),
        mission=mission_text(spec.mission or campaign.mission, folder),
        require_search=spec.require_web_search,
        by=spec.display_name or f"mentor {spec.agent}",
        space=Space.from_spec(campaign.space),
    )


def _called(request: Request, spec: MentorSpec) -> CallSetup:
    return called(request, spec.as_agent(), spec.budget)


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
