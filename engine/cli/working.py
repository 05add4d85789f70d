"""From a campaign with a worker to what runs it: concrete classes are named."""

from collections.abc import Callable

from engine.cli.calling import called, calls_of
from engine.cli.coding import Surroundings
from engine.cli.missions import mission_text
from engine.cli.request import Request
from engine.core.campaign.load import LoadedCampaign
from engine.core.campaign.models import Campaign
from engine.core.campaign.worker import WorkerSpec
from engine.core.decision_gate import Ground
from engine.core.space import Space
from engine.knowledge.decision_prompt import WORKER, decision_template
from engine.knowledge.templates import Template, TemplateError, read_text, shipped
from engine.loop.control import Control
from engine.loop.guard import Guard
from engine.loop.working import Worker, WorkerSetup, Working
from engine.loop.writer import Writer

Make = Callable[[Writer, Control, Guard, Callable[[], bool]], Worker]


def working_of(request: Request, around: Surroundings) -> Make | None:
    """What makes the worker; None for a campaign without one.

    Raises:
        TemplateError: its prompt or its mission cannot be used.
        ScriptError: its script cannot be played.
        AgentMissingError: its agent is not on this machine.
    """
    campaign = request.loaded.campaign.effective()
    (spec,) = campaign.proposers
    if not isinstance(spec, WorkerSpec):
        return None
    folder = request.loaded.path.parent
    setup = WorkerSetup(
        rules=spec.to_rules(commands=campaign.commanded),
        ground=ground_of(campaign, spec),
        memory=campaign.memory.to_rules(),
        template=decision_prompt(spec, request.loaded),
        mission=mission_text(spec.mission or campaign.mission, folder),
        by=spec.by,
        root=request.loaded.root,
        mentor=campaign.mentor_rules(),
    )
    who = called(request, spec.as_agent(), spec.budget)

    def make(
        writer: Writer, control: Control, guard: Guard, may_begin: Callable[[], bool]
    ) -> Worker:
        calls = calls_of(request, around, writer, who)
        return Working(
            setup,
            writer,
            control,
            request.paths,
            guard=guard,
            calls=calls,
            may_begin=may_begin,
        )

    return make


def ground_of(campaign: Campaign, spec: WorkerSpec) -> Ground:
    """By what its decisions are judged."""
    return Ground(space=Space.from_spec(campaign.space), command=spec.baseline_command or "")


def decision_prompt(spec: WorkerSpec, loaded: LoadedCampaign) -> Template:
    """The template of its prompt.

    Raises:
        TemplateError: it cannot be used.
    """
    path = shipped(WORKER) if spec.prompt is None else loaded.path.parent / spec.prompt
    return decision_template(read_text(path), str(path))


def worker_problem(loaded: LoadedCampaign) -> str:
    """What is wrong with the campaign's own prompt of its worker; empty where nothing is."""
    for spec in loaded.campaign.proposers:
        try:
            if isinstance(spec, WorkerSpec) and spec.prompt is not None:
                decision_prompt(spec, loaded)
        except TemplateError as error:
            return f"worker: prompt {error}"
    return ""
