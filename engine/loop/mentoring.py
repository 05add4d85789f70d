"""The mentor: looks at the run while work goes on, and never holds it up.

A review is a step like any other: its intent is recorded, its program runs as a process tree of
its own, its outcome is recorded. Whatever goes wrong with it costs its own tokens and no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import anyio
import msgspec

from engine.agents import session
from engine.agents.attempt import Limits, SessionResult
from engine.agents.protocol import (
    ATTEMPT_VARIABLE,
    ITERATION_VARIABLE,
    Agent,
    AgentTask,
    AnyAgentEvent,
    Confinement,
    ToolStarted,
)
from engine.agents.spending import Pricing, Used
from engine.checks.log import CheckLog
from engine.core import failpoints
from engine.core.campaign.budget import BudgetPart
from engine.core.campaign.proposers import AgentSpec
from engine.core.events import AnyEvent, ReviewFinished, ReviewInterrupted, ReviewStarted
from engine.core.housekeeping import Author, housekeeping
from engine.core.ids import IterationNumber
from engine.core.memory.parts import MemoryRules
from engine.core.reviewing import due, review_id, signals
from engine.core.reviews.parts import MentorRules, OpenReview, Opinion
from engine.core.secrets import Redactor
from engine.core.state import RunState
from engine.executors.clock import EngineClock
from engine.executors.protocol import Executor, Interrupted, Marker
from engine.knowledge.templates import Template
from engine.loop.control import Control, CutOff
from engine.loop.purse import Purse, Share
from engine.loop.writer import Writer
from engine.mentor.prompt import Asked, assemble
from engine.mentor.reading import read_review, schema
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

PROMPT: Final = "prompt.md"
SCHEMA: Final = "review.schema.json"
TREE: Final = "empty"
_DETAIL: Final = 600
_PAUSE_S: Final = 1.0
_SEARCHES: Final = ("web_search", "websearch", "web_fetch", "webfetch")
"""Names of tools that look something up, as codex and claude call them."""

_ENDED: Final = "the run ended before it"


@dataclass(frozen=True, kw_only=True)
class MentorSetup:
    """What a campaign's mentor is made of; chosen by the command line.

    `env` is what its program sees, `secrets` names the variables of it that nothing may show.
    Without `confinement` its program has the person's rights, and `unconfined` says why.
    """

    agent: Agent
    spec: AgentSpec
    rules: MentorRules
    memory: MemoryRules
    template: Template
    mission: str
    require_search: bool
    budget: BudgetPart
    price_of: Pricing
    home: Path
    env: Mapping[str, str]
    secrets: tuple[str, ...]
    confinement: Confinement | None = None
    unconfined: str = ""


class Mentor(Protocol):
    """A second mind, as the engine knows it."""

    async def run(self) -> None:
        """Review whenever that is due, for ever; cancelled, it records what was cut off."""
        ...


class NoMentor:
    """A campaign without one."""

    async def run(self) -> None:
        """Nothing is reviewed."""


class Mentoring:
    """Reviews a run, one review at a time."""

    def __init__(
        self,
        setup: MentorSetup,
        writer: Writer,
        control: Control,
        paths: RunPaths,
        *,
        executor: Executor,
        room: Room,
        clock: EngineClock,
        purse: Purse,
    ) -> None:
        self._setup = setup
        self._writer = writer
        self._control = control
        self._paths = paths
        self._executor = executor
        self._room = room
        self._clock = clock
        self._purse = purse
        self._searched = False

    async def run(self) -> None:
        """Review whenever that is due, for ever; cancelled, it records what was cut off."""
        while await self._control.may_start():
            reasons = due(self._writer.state, self._setup.rules)
            if not reasons:
                await self._writer.wait_change()
            elif not await self._review(reasons):
                await anyio.sleep(_PAUSE_S)

    async def _review(self, reasons: list[str]) -> bool:
        """Whether one was begun."""
        started = await self._start(self._writer.state, reasons)

        def decide(state: RunState) -> Sequence[AnyEvent]:
            again = not self._control.held and due(state, self._setup.rules)
            return [started] if again else []

        if not await self._writer.decide(decide):
            return False
        failpoints.reach("review.recorded")
        ended: SessionResult | CutOff = CutOff(_ENDED)
        try:
            ended = await self._control.attempt(lambda: self._listen(started))
        finally:
            if isinstance(ended, CutOff):
                with anyio.CancelScope(shield=True):
                    await self._writer.decide(lambda state: self._cut_off(state, ended.reason))
        if isinstance(ended, SessionResult):
            failpoints.reach("review.ended")
            await self._writer.decide(lambda state: self._outcome(state, started, ended))
        return True

    def _cut_off(self, state: RunState, reason: str) -> list[AnyEvent]:
        begun = state.reviews.open
        return [] if begun is None else [lost_review(self._paths, begun, reason)]

    async def _start(self, state: RunState, reasons: list[str]) -> ReviewStarted:
        """The intent; the prompt lies in the review's folder already."""
        spec, rules = self._setup.spec, self._setup.rules
        name, found = review_id(state.reviews.begun + 1), signals(state)
        folder = self._paths.review(name)
        prompt = assemble(
            self._setup.template,
            state,
            Asked(review=name, reasons=reasons, signals=found, mission=self._setup.mission),
        )

        async def write() -> None:
            (folder / TREE).mkdir(parents=True, exist_ok=True)
            (folder / PROMPT).write_text(prompt.text, encoding="utf-8")
            (folder / SCHEMA).write_bytes(msgspec.json.encode(schema()))

        await self._room.write(str(folder), write)
        return ReviewStarted(
            review=name,
            at_iteration=IterationNumber(state.ended_iterations),
            reasons=reasons,
            mode=rules.mode,
            signals=found,
            agent=spec.agent,
            model=spec.model,
            effort=spec.effort,
            folder=str(folder.relative_to(self._paths.root)),
            prompt_sha256=prompt.sha256,
            parts=prompt.parts,
            log=self._paths.mentor_span(),
        )

    async def _listen(self, started: ReviewStarted) -> SessionResult | CutOff:
        task = self._task(started)
        redactor = Redactor({name: task.env[name] for name in task.secrets if name in task.env})
        log = CheckLog(self._paths.mentor_log, _header(started), room=self._room, redactor=redactor)
        async with log:
            ended = await self._session(started, task, log)
            await log.finish("")
        if isinstance(ended, Interrupted):
            return CutOff(ended.reason)
        return msgspec.structs.replace(ended, detail=redactor.text(ended.detail)[:_DETAIL])

    async def _session(
        self, started: ReviewStarted, task: AgentTask, log: CheckLog
    ) -> SessionResult | Interrupted:
        spec, minutes = self._setup.spec, self._setup.budget.minutes
        wall_s = spec.deadline_s if minutes is None else min(spec.deadline_s, minutes * 60)
        marker = Marker(self._paths.run_marker, f"{self._paths.run_marker}#{started.review}/mentor")
        self._searched = False
        return await session.run(
            self._setup.agent,
            task,
            executor=self._executor,
            marker=marker,
            log=log,
            limits=Limits(wall_s=wall_s, silent_s=spec.idle_s),
            on_event=self._hear,
            may_go_on=lambda used: self._refusal(started, used),
            price_of=self._setup.price_of,
            room=self._room,
            clock=self._clock,
        )

    def _hear(self, event: AnyAgentEvent) -> None:
        self._searched = self._searched or looks_up(event)

    def _refusal(self, started: ReviewStarted, used: Used) -> str | None:
        share = Share(whose="a review", each=self._setup.budget)
        return self._purse.refusal(self._writer.state, started.folder, share, used)

    def _task(self, started: ReviewStarted) -> AgentTask:
        setup, folder = self._setup, self._paths.root / started.folder
        number = started.review.rpartition("-")[2].lstrip("0")
        numbers = {ITERATION_VARIABLE: number, ATTEMPT_VARIABLE: "1"}
        return AgentTask(
            prompt=folder / PROMPT,
            tree=folder / TREE,
            folder=folder,
            home=setup.home,
            env={**setup.env, **numbers},
            secrets=setup.secrets,
            model=setup.spec.model,
            effort=setup.spec.effort,
            answer_schema=folder / SCHEMA,
            budget_usd=setup.budget.usd,
            confinement=setup.confinement,
            unconfined=setup.unconfined,
            options=setup.spec.options,
        )

    def _outcome(
        self, state: RunState, started: ReviewStarted, result: SessionResult
    ) -> list[AnyEvent]:
        opinion, detail, problems = None, result.detail, list[str]()
        if result.outcome == "answered":
            reading = read_review(result.answer, result.structured)
            opinion, problems = reading.opinion, reading.problems
            if opinion is not None and self._setup.require_search and not self._searched:
                opinion, detail = None, "it looked nothing up, which require_web_search asks for"
            elif opinion is None:
                detail = "; ".join(problems)[:_DETAIL]
        if opinion is not None and self._setup.rules.mode == "builder_health_helper":
            opinion = _looked_only(opinion)
        finished = ReviewFinished(
            review=started.review,
            outcome=result.outcome,
            detail=detail,
            duration_s=round(result.duration_s, 3),
            log=started.log,
            opinion=opinion,
            problems=problems,
            searched=self._searched,
            tokens=result.tokens,
            cost_usd=result.cost_usd,
            model=result.model,
        )
        return [finished, *self._remembered(state, opinion)]

    def _remembered(self, state: RunState, opinion: Opinion | None) -> list[AnyEvent]:
        if opinion is None:
            return []
        author = Author("mentor", f"mentor {self._setup.spec.agent}")
        return housekeeping(state, opinion.housekeeping, author, self._setup.memory)


def looks_up(event: AnyAgentEvent) -> bool:
    """Whether a tool was used that looks something up; words about it are none."""
    return isinstance(event, ToolStarted) and event.tool.casefold() in _SEARCHES


def _looked_only(opinion: Opinion) -> Opinion:
    """What a health check leaves: its verdict and its critique; no work for others."""
    kept = msgspec.structs.replace(opinion.housekeeping, todo_new=[], resolve_shared_todo_ids=[])
    return msgspec.structs.replace(opinion, question="", advice="", housekeeping=kept)


def lost_review(paths: RunPaths, review: OpenReview, reason: str) -> ReviewInterrupted:
    """What to record of a review that was cut off, with what it had used by then."""
    try:
        used = session.recover(paths.root / review.folder)
    except OSError:
        used = Used(cost_usd=None)
    return ReviewInterrupted(
        review=review.id, reason=reason, tokens=used.tokens, cost_usd=used.cost_usd
    )


def _header(started: ReviewStarted) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"=== review {started.review} agent {started.agent} {now}"
