"""The running engine: slots at work, people heard, a pulse, and an orderly end."""

import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from engine.checks.harness import Harness
from engine.core import failpoints
from engine.core.answering import stop
from engine.core.breaker import Breaker
from engine.core.events import (
    AnyEvent,
    EngineStopped,
    FinishCancelled,
    FinishMoved,
    Record,
    RunFinished,
    RunPaused,
    RunResumed,
    StopRequested,
)
from engine.core.jobs.events import JobStopRequested
from engine.core.pairs.decision import prepare
from engine.core.plan import Plan
from engine.core.state import RunState
from engine.executors.clock import EngineClock
from engine.journal import Journal, JournalError
from engine.loop.closing import Closing
from engine.loop.code_steps import Coding
from engine.loop.control import Control, CutOff
from engine.loop.failing import INTERNAL_ERROR, failure_of, first
from engine.loop.finishing import Finishing
from engine.loop.guard import Guard
from engine.loop.iteration import Checks, CodeSteps, Iteration
from engine.loop.jobs import Ender
from engine.loop.mentoring import Mentor, NoMentor
from engine.loop.no_code import NoCode
from engine.loop.pages import Pages
from engine.loop.receipts import ReceiptWriter, record_harness
from engine.loop.rechecks import Rechecks
from engine.loop.repairs import Repairs, Tools
from engine.loop.reporting import Reporter, Reporting
from engine.loop.slots import Slots
from engine.loop.vigil import Vigil
from engine.loop.watch import Watch
from engine.loop.working import NoWorker, Worker
from engine.loop.writer import Trouble, Writer
from engine.proposers.protocol import Proposer
from engine.runfolder.heartbeat import HeartbeatFile
from engine.runfolder.identity import Identity
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

DRAIN_S: Final = 10.0
LAST_WORD_S: Final = 5.0
"""How long interrupted slots and the last event may take: on a full disk, for ever otherwise."""
INTERRUPTED: Final = 130
PREPARING: Final = "the environment of the checks is being prepared"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What an engine is made of; chosen by the command line.

    `prepare` gives the checks, once what they need is there; `coding` the steps of candidates of
    code, where the campaign has a workspace; `harness` the files that judge, where it has none;
    `reporter` writes the report at the end; `tools` are what checks are repaired with.
    """

    journal: Journal
    state: RunState
    prepare: Callable[[], Awaitable[Checks]]
    proposer: Proposer
    plan: Plan
    breaker: Breaker
    paths: RunPaths
    heartbeat: HeartbeatFile
    identity: Identity
    clock: EngineClock
    gaps: list[float]
    trouble: Trouble
    signals: tuple[signal.Signals, ...]
    reporter: Reporter
    listeners: tuple[Callable[[Record], None], ...] = ()
    mentor: Callable[[Writer, Control], Mentor] | None = None
    worker: Callable[[Writer, Control, Guard, Callable[[], bool]], Worker] | None = None
    coding: Callable[[Writer, Control, Guard], Coding] | None = None
    harness: Callable[[], Harness | None] = lambda: None
    tools: Tools | None = None


class Engine:
    """Runs a run until a stop rule holds, somebody stops it, or nothing is left to propose."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._control = Control()
        self._writer = Writer(parts.journal, parts.state, parts.trouble)
        self._vigil = Vigil(
            self._writer,
            parts.heartbeat,
            parts.identity,
            clock=parts.clock,
            gaps=parts.gaps,
            alive_before_s=parts.state.alive_s,
        )
        pausing = anyio.Lock()
        self._watch = Watch(self._writer, self._control, parts.paths, pausing)
        self._guard = Guard(self._writer, parts.paths, parts.breaker, pausing)
        room = Room(on_wait=lambda reason: parts.trouble.note("receipts", reason))
        self._receipts = ReceiptWriter(parts.paths, room)
        self._pages = Pages(parts.state, parts.paths, room)
        self._jobs = Ender(self._writer, parts.paths)
        self._signal: str | None = None
        self._tasks: TaskGroup | None = None
        self._work_scope = anyio.CancelScope()

    async def run(self) -> int:
        """Work to the end; the exit status of the run.

        Raises:
            EngineFailedError: something outside of the engine keeps it from going on.
        """
        self._writer.listen(self._obey)
        self._writer.witness(self._receipts.witness)
        self._writer.listen(self._pages.hear)
        for listener in self._parts.listeners:
            self._writer.listen(listener)
        if self._parts.state.paused and not self._parts.state.ends_by_halt:
            self._control.close_gate()
        self._vigil.beat()
        try:
            return await self._run_tasks()
        except Exception as error:
            failure = failure_of(error)
            reason = str(failure) if failure else f"internal error: {first(error)!r}"
            with contextlib.suppress(JournalError):
                await self._stopped(reason, failure.status if failure else INTERNAL_ERROR)
            if failure is not None:
                raise failure from error
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._writer.close()

    async def _run_tasks(self) -> int:
        status = INTERNAL_ERROR
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._receipts.run)
            tasks.start_soon(self._pages.run)
            status = await self._work(tasks)
            with anyio.move_on_after(LAST_WORD_S):
                await self._receipts.close()
                await self._pages.close()
            tasks.cancel_scope.cancel()
        return status

    async def _work(self, tasks: TaskGroup) -> int:
        await tasks.start(self._hear_signals, tasks)
        tasks.start_soon(self._vigil.run)
        tasks.start_soon(self._vigil.tell_gaps)
        finished = None
        with self._work_scope:
            await self._watch.look()
            tasks.start_soon(self._watch.run)
            if (checks := await self._prepared()) is not None:
                finished = await self._finished(await self._climb(checks))
        return await self._end(finished)

    async def _prepared(self) -> Checks | None:
        """The checks, with all that they need; None when the engine drains before."""
        while await self._control.may_start():
            self._parts.trouble.note("environment", PREPARING)
            checks = await self._control.attempt(self._parts.prepare)
            self._parts.trouble.note("environment", None)
            if not isinstance(checks, CutOff):
                return checks
        return None

    async def _climb(self, checks: Checks) -> RunFinished | None:
        """Run iterations in all slots; why the run is over, when that is the reason to return."""
        code = await self._code(checks)
        await self._guard.look()
        await self._receipts.catch_up(self._writer.state)
        self._jobs.stop_unwanted()
        if (harness := code.harness or self._parts.harness()) is not None:
            await record_harness(self._writer, self._parts.paths, harness)
        iteration = Iteration(
            self._writer,
            self._control,
            self._guard,
            checks=checks,
            plan=self._parts.plan,
            code=code,
            repairs=self._repairs(),
        )
        rechecks = Rechecks(
            self._writer,
            self._control,
            self._guard,
            checks=checks,
            plan=self._parts.plan,
            code=code,
        )
        slots = Slots(
            self._writer,
            self._control,
            iteration,
            rechecks,
            proposer=self._parts.proposer,
            alive_s=self._vigil.alive_s,
            code=code,
        )
        try:
            closing = self._closing(slots, rechecks)
            minds = (self._mentor().run, self._worker(slots).run)
            return await closing.run(*minds, checks.attend, self._compute_ahead)
        finally:
            with anyio.CancelScope(shield=True):
                await code.close()

    async def _compute_ahead(self) -> None:
        """Let no decision of the referee wait for tables that can be there before it."""
        referee = self._parts.plan.referee
        if referee is not None and referee.noisy:
            await anyio.to_thread.run_sync(prepare, referee.design, referee.confirming)

    def _closing(self, slots: Slots, rechecks: Rechecks) -> Closing:
        parts = self._parts
        return Closing(
            self._writer,
            self._control,
            slots,
            rechecks,
            finishing=Finishing(self._writer, self._control, parts.plan, self._vigil.alive_s),
            reporting=Reporting(self._writer, self._control, parts.reporter),
        )

    def _repairs(self) -> Repairs | None:
        tools, rules = self._parts.tools, self._parts.plan.repair
        if tools is None or rules is None:
            return None
        return Repairs(self._writer, self._control, tools, rules)

    def _mentor(self) -> Mentor:
        """The campaign's mentor; it looks beside the slots, and none of them waits for it."""
        make = self._parts.mentor
        return NoMentor() if make is None else make(self._writer, self._control)

    def _worker(self, slots: Slots) -> Worker:
        """Who decides what runs next, where the campaign has such a proposer."""
        make = self._parts.worker
        if make is None:
            return NoWorker()
        return make(self._writer, self._control, self._guard, slots.may_begin)

    async def _code(self, checks: Checks) -> CodeSteps:
        """The steps of candidates of code, with the workspace ready."""
        if self._parts.coding is None:
            return NoCode()
        coding = self._parts.coding(self._writer, self._control, self._guard)
        await coding.open(checks)
        return coding

    async def _finished(self, finished: RunFinished | None) -> RunFinished | None:
        """Record why the run is over; signals cut this short where the disk is full."""
        if finished is None or self._control.draining:
            return None
        self._watch.finish_up.forget()
        await self._writer.record(finished)
        failpoints.reach("finish.recorded")
        return finished

    async def _end(self, finished: RunFinished | None) -> int:
        if finished is None:
            status = INTERRUPTED if self._signal else 0
            # The drain may be over before the journal has taken what a signal asked for.
            reason = self._writer.state.stopping or self._signal or "stopped"
            await self._stopped(reason, status)
            return status
        await self._stopped(finished.detail, finished.exit_status)
        return finished.exit_status

    async def _stopped(self, reason: str, status: int) -> None:
        with anyio.CancelScope(shield=True):
            await self._jobs.end_left()
        with anyio.move_on_after(LAST_WORD_S, shield=True):
            await self._writer.record(
                EngineStopped(
                    reason=reason, exit_status=status, alive_s=round(self._vigil.alive_s(), 1)
                )
            )
            failpoints.reach("engine.stopped")
            self._vigil.beat()

    def _obey(self, record: Record) -> None:
        """What a recorded decision means for the slots."""
        match record.event:
            case RunPaused() if not self._writer.state.ends_by_halt:
                self._control.close_gate()
            case RunResumed():
                self._control.open_gate()
            case StopRequested():
                self._drain()
            case JobStopRequested(job=job):
                self._jobs.stop(job)
            case FinishMoved():
                # What waits at the gate was cut off, only its end is left: the deadline holds.
                self._control.open_gate()
            case FinishCancelled() if self._writer.state.paused:
                self._control.close_gate()
            case _:
                pass
        # A journal that lost its end is told by a heartbeat that knows of later events.
        self._vigil.beat()

    def _drain(self) -> None:
        if self._control.draining or self._tasks is None:
            return
        self._control.drain()
        self._writer.wake()
        self._tasks.start_soon(self._interrupt, DRAIN_S, "the engine is stopping")

    async def _interrupt(self, after_s: float, reason: str) -> None:
        await anyio.sleep(after_s)
        self._control.interrupt(reason)
        await anyio.sleep(LAST_WORD_S)
        self._work_scope.cancel()

    async def _hear_signals(
        self,
        tasks: TaskGroup,
        *,
        task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """The first signal drains; the second interrupts at once."""
        with anyio.open_signal_receiver(*self._parts.signals) as signals:
            task_status.started()
            async for number in signals:
                name = signal.Signals(number).name
                if self._control.draining:
                    tasks.start_soon(self._interrupt, 0, f"told twice to stop ({name})")
                else:
                    self._signal = f"signal {name}"
                    self._drain()
                    self._tell(stop(self._writer.state, by=name, reason=self._signal))

    def _tell(self, events: Sequence[AnyEvent]) -> None:
        """Record without waiting: a full disk must not make the engine deaf to signals."""
        if self._tasks is not None:
            self._tasks.start_soon(self._writer.record, *events)


def heard_signals() -> tuple[signal.Signals, ...]:
    """The signals that drain: SIGHUP only where it was not inherited as ignored (nohup)."""
    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    return tuple(heard)
