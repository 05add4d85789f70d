"""The agent of a campaign, as iterations use it: prompt, session, answer, account."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import msgspec

from engine.agents import session
from engine.agents.attempt import Limits, SessionResult
from engine.agents.protocol import (
    ATTEMPT_VARIABLE,
    ITERATION_VARIABLE,
    Agent,
    AgentTask,
    Confinement,
)
from engine.agents.spending import NOTHING, Pricing, Used
from engine.checks.log import CheckLog
from engine.core.agent_turn import worked_s
from engine.core.campaign.budget import BudgetPart
from engine.core.campaign.proposers import AgentSpec
from engine.core.events import AgentFinished, AgentInterrupted, AgentStarted
from engine.core.parts import AgentAnswer, Tokens
from engine.core.reviews.parts import Instead
from engine.core.secrets import Redactor
from engine.core.signature import signature
from engine.core.state import Code, OpenIteration, RunState
from engine.executors.clock import EngineClock
from engine.executors.protocol import Executor, Interrupted, Marker
from engine.knowledge.answers import Demands, read_answer, schema
from engine.knowledge.briefing import Occasion
from engine.knowledge.prompt import assemble
from engine.knowledge.templates import Template
from engine.loop.control import CutOff
from engine.loop.purse import Purse, Share
from engine.loop.questions import Questions
from engine.loop.writer import Writer
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

PROMPT: Final = "prompt.md"
SCHEMA: Final = "answer.schema.json"
_DETAIL: Final = 1000


@dataclass(frozen=True, kw_only=True)
class AgentSetup:
    """What a campaign's agent is made of; chosen by the command line.

    `env` is what its program sees, `secrets` names the variables of it that nothing may show.
    `protect` are patterns of what it must not change. Without `confinement` its program has the
    person's rights, and `unconfined` says why.
    """

    agent: Agent
    spec: AgentSpec
    template: Template
    budget: BudgetPart
    price_of: Pricing
    home: Path
    env: Mapping[str, str]
    secrets: tuple[str, ...]
    protect: tuple[str, ...] = ()
    confinement: Confinement | None = None
    unconfined: str = ""
    mission: str = ""


class CampaignAgents:
    """Runs the attempts of a campaign's agent."""

    def __init__(
        self,
        setup: AgentSetup,
        writer: Writer,
        paths: RunPaths,
        *,
        executor: Executor,
        room: Room,
        clock: EngineClock,
        purse: Purse,
    ) -> None:
        self._setup = setup
        self._writer = writer
        self._paths = paths
        self._executor = executor
        self._room = room
        self._clock = clock
        self._purse = purse
        self._run_marker = paths.run_marker

    @property
    def confined(self) -> bool:
        """Whether its program runs in a sandbox of ours."""
        return self._setup.confinement is not None

    async def start(self, state: RunState, turn: OpenIteration, code: Code) -> AgentStarted:
        """The intent to let the agent work; its prompt lies in the attempt's folder already."""
        spec, attempt = self._setup.spec, turn.attempts + 1
        folder = self._paths.attempt(turn.iteration, attempt)
        prompt = assemble(self._setup.template, state, self._occasion(turn, code, attempt))

        async def write() -> None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / PROMPT).write_text(prompt.text, encoding="utf-8")
            (folder / SCHEMA).write_bytes(msgspec.json.encode(schema()))

        await self._room.write(str(folder), write)
        assert turn.candidate is not None  # noqa: S101  (proposed in its transaction)
        return AgentStarted(
            iteration=turn.iteration,
            candidate=turn.candidate,
            attempt=attempt,
            agent=spec.agent,
            model=spec.model,
            effort=spec.effort,
            base=code.base,
            folder=str(folder.relative_to(self._paths.root)),
            prompt_sha256=prompt.sha256,
            parts=prompt.parts,
            directives=prompt.directives,
            escalated=prompt.escalated,
            log=self._paths.log_span(turn.iteration),
        )

    async def run(
        self, started: AgentStarted, turn: OpenIteration, tree: Path
    ) -> AgentFinished | CutOff:
        """Let the agent work to its end; when cancelled, nothing of it is left running."""
        task = self._task(started, tree)
        redactor = Redactor({name: task.env[name] for name in task.secrets if name in task.env})
        log = CheckLog(
            self._paths.log(turn.iteration), _header(started, turn), room=self._room,
            redactor=redactor,
        )  # fmt: skip
        async with log:
            ended = await self._listened_to(started, task, log)
            await log.finish("")
        if isinstance(ended, Interrupted):
            return CutOff(ended.reason, let_down=True)
        span = msgspec.structs.replace(started.log, start=log.start, end=log.end)
        return self._finished(msgspec.structs.replace(started, log=span), ended, redactor)

    def lost(self, turn: OpenIteration, cut_off: CutOff, kept: str = "") -> AgentInterrupted:
        """What to record of an attempt that was cut off, with what it had used by then."""
        lost = lost_attempt(self._paths, turn, cut_off.reason, kept)
        alike = signature(f"interrupted: {cut_off.reason}") if cut_off.let_down else ""
        return msgspec.structs.replace(lost, signature=alike)

    async def _listened_to(
        self, started: AgentStarted, task: AgentTask, log: CheckLog
    ) -> SessionResult | Interrupted:
        questions = Questions(self._writer, started, task.folder, self._room)
        ended: SessionResult | Interrupted = Interrupted("it was cancelled")
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(questions.run)
                ended = await self._session(started, task, log, questions)
                tasks.cancel_scope.cancel()
        finally:
            await questions.close()
        return ended

    async def _session(
        self, started: AgentStarted, task: AgentTask, log: CheckLog, questions: Questions
    ) -> SessionResult | Interrupted:
        spec, step = self._setup.spec, f"{started.iteration}/agent/{started.attempt}"
        minutes = self._minutes_left(self._writer.state.open[started.iteration])
        wall_s = spec.deadline_s if minutes is None else min(spec.deadline_s, minutes * 60)
        return await session.run(
            self._setup.agent,
            task,
            executor=self._executor,
            marker=Marker(self._run_marker, f"{self._run_marker}#{step}"),
            log=log,
            limits=Limits(wall_s=wall_s, silent_s=spec.idle_s),
            on_event=questions.hear,
            may_go_on=lambda used: self._refusal(started, used),
            price_of=self._setup.price_of,
            room=self._room,
            clock=self._clock,
        )

    def _minutes_left(self, turn: OpenIteration) -> float | None:
        """What earlier attempts left of the iteration's minutes."""
        minutes = self._setup.budget.minutes
        return None if minutes is None else max(0.0, minutes - worked_s(turn) / 60)

    def _refusal(self, started: AgentStarted, used: Used) -> str | None:
        state = self._writer.state
        code = state.candidates[started.candidate].code
        before = Used(cost_usd=code.cost_usd, tokens=Tokens(input=code.tokens)) if code else NOTHING
        share = Share(whose="the iteration", each=self._setup.budget, before=before)
        return self._purse.refusal(state, started.folder, share, used)

    def _occasion(self, turn: OpenIteration, code: Code, attempt: int) -> Occasion:
        spec, budget, minutes = self._setup.spec, self._setup.budget, self._minutes_left(turn)
        return Occasion(
            iteration=turn.iteration,
            base=code.base,
            trace=turn.trace_id,
            attempt=attempt,
            shortlist=spec.shortlist,
            escalate_below=spec.escalate_below,
            protected=self._setup.protect,
            minutes=None if minutes is None else round(minutes, 2),
            tokens=budget.tokens,
            usd=budget.usd,
            mission=self._setup.mission,
            instead=self._instead(turn),
        )

    def _instead(self, turn: OpenIteration) -> Instead | None:
        assert turn.candidate is not None  # noqa: S101  (proposed in its transaction)
        return self._writer.state.candidates[turn.candidate].instead

    def _task(self, started: AgentStarted, tree: Path) -> AgentTask:
        spec, setup = self._setup.spec, self._setup
        folder = self._paths.root / started.folder
        numbers = {
            ITERATION_VARIABLE: str(started.iteration),
            ATTEMPT_VARIABLE: str(started.attempt),
        }
        return AgentTask(
            prompt=folder / PROMPT,
            tree=tree,
            folder=folder,
            home=setup.home,
            env={**setup.env, **numbers},
            secrets=setup.secrets,
            model=spec.model,
            effort=spec.effort,
            answer_schema=folder / SCHEMA if spec.answer == "required" else None,
            budget_usd=setup.budget.usd,
            network=spec.network is True,
            options=spec.options,
            confinement=setup.confinement,
            unconfined=setup.unconfined,
        )

    def _finished(
        self, started: AgentStarted, result: SessionResult, redactor: Redactor
    ) -> AgentFinished:
        answer, problems = self._answer(started, result)
        detail = redactor.text(result.detail)[:_DETAIL]
        failed = result.outcome != "answered"
        return AgentFinished(
            iteration=started.iteration,
            candidate=started.candidate,
            attempt=started.attempt,
            outcome=result.outcome,
            detail=detail,
            duration_s=round(result.duration_s, 3),
            log=started.log,
            tokens=result.tokens,
            cost_usd=result.cost_usd,
            model=result.model,
            signature=signature(f"{result.outcome}: {detail}") if failed else "",
            retry_at=_utc(result.retry_at),
            answer=answer,
            problems=problems,
        )

    def _answer(
        self, started: AgentStarted, result: SessionResult
    ) -> tuple[AgentAnswer | None, list[str]]:
        if result.outcome != "answered":
            return None, []
        demands = Demands(shortlist=self._setup.spec.shortlist, escalated=started.escalated)
        reading = read_answer(result.answer, result.structured, demands)
        if reading.answer is None and self._setup.spec.answer == "optional":
            return None, []
        return reading.answer, [problem.text for problem in reading.problems]


def lost_attempt(
    paths: RunPaths, turn: OpenIteration, reason: str, kept: str = ""
) -> AgentInterrupted:
    """What to record of an attempt that was cut off, with what it had used by then."""
    assert turn.agent is not None and turn.candidate is not None  # noqa: S101, PT018
    try:
        used = session.recover(paths.root / turn.agent.folder)
    except OSError:
        used = Used(cost_usd=None)
    return AgentInterrupted(
        iteration=turn.iteration,
        candidate=turn.candidate,
        attempt=turn.agent.number,
        reason=reason,
        tokens=used.tokens,
        cost_usd=used.cost_usd,
        kept=kept,
    )


def _header(started: AgentStarted, turn: OpenIteration) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return (
        f"=== {turn.trace_id} iteration {started.iteration} agent {started.agent} "
        f"attempt {started.attempt} {now}"
    )


def _utc(seconds: float | None) -> str | None:
    """A time since 1970 as events have it: to the second, and never too early."""
    if seconds is None:
        return None
    time = datetime.fromtimestamp(math.ceil(seconds), UTC)
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
