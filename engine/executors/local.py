"""Running commands on this machine."""

import math
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack

import anyio

from engine.core import failpoints
from engine.executors import processes, trees
from engine.executors.clock import TICK_S, EngineClock
from engine.executors.output import Flow, Output
from engine.executors.protocol import (
    Command,
    Ended,
    Finished,
    Interrupted,
    LogSink,
    NotStarted,
    TimedOut,
)

GRACE_S = 2.0
_DRAIN_S = 2.0
"""How long the rest of the output is read once every process that we know of is gone."""


class Local:
    """Executor for this machine. Commands run side by side, each in a session of its own.

    Create it and call it in the thread that lives as long as the engine: its end kills what it
    started. It needs anyio's asyncio backend.

    Args:
        clock: counts deadlines; shared, so that a gap is reported once.
        grace_s: seconds between TERM and KILL.
    """

    def __init__(self, clock: EngineClock | None = None, *, grace_s: float = GRACE_S) -> None:
        self._clock = clock or EngineClock()
        self._grace_s = grace_s
        processes.adopt_orphans()

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> Ended:
        """How the command ended; see Executor."""
        flow = Flow(self._clock.now_s)
        with ExitStack() as opened:
            try:
                outputs = [_open(opened, sink, flow) for sink in (log, errors) if sink is not None]
                process = processes.spawn(command, outputs[0].writing_end, outputs[-1].writing_end)
            except processes.CannotStartError as error:
                return NotStarted(str(error))
            except OSError as error:
                return NotStarted(f"cannot make a pipe: {error}")
            for output in outputs:
                output.close_writing()
            turn = _Turn(command, outputs, process, flow, self._clock)
            failpoints.reach("check.spawned")
            return await turn.attend(self._grace_s, stop or anyio.Event())


def _open(opened: ExitStack, sink: LogSink, flow: Flow) -> Output:
    output = Output(sink, flow)
    opened.callback(output.close)
    return output


class _Turn:
    """One command while it runs."""

    def __init__(
        self,
        command: Command,
        outputs: Sequence[Output],
        process: "subprocess.Popen[bytes]",
        flow: Flow,
        clock: EngineClock,
    ) -> None:
        reading_ends = (output.reading_end for output in outputs)
        self.step = trees.begin(command.marker, process.pid, *reading_ends)
        self._command = command
        self._outputs = outputs
        self._process = process
        self._flow = flow
        self._clock = clock
        self._waiting = anyio.CancelScope()
        self._cut: TimedOut | Interrupted | None = None
        self._killed = 0

    def cut_off(self, how: TimedOut | Interrupted) -> None:
        """Stop waiting for the end and bring it about; the first reason stays."""
        if self._cut is None:
            self._cut = how
            self._waiting.cancel()

    async def attend(self, grace_s: float, stop: anyio.Event) -> Ended:
        """Wait for the end, or bring it about; nothing of the command is left then."""
        async with anyio.create_task_group() as tasks:
            for output in self._outputs:
                tasks.start_soon(self._carry, output)
            tasks.start_soon(self._watch)
            tasks.start_soon(self._heed, stop)
            try:
                with self._waiting:
                    await processes.wait_exit(self._process)
            finally:
                self._killed = await trees.end(self.step, grace_s)
                self._process.poll()
            await self._drain()
            tasks.cancel_scope.cancel()
        return self._cut or _finished(self._process.poll(), self._killed)

    async def _carry(self, output: Output) -> None:
        await output.carry()
        if output.failure is not None:
            self.cut_off(Interrupted(f"the log cannot be written: {output.failure}"))

    async def _heed(self, stop: anyio.Event) -> None:
        await stop.wait()
        self.cut_off(Interrupted("it was told to stop"))

    async def _drain(self) -> None:
        """Read what is left in the pipes; a stranger who holds one open does not hold us."""
        waiting = True
        while waiting and not all(output.ended.is_set() for output in self._outputs):
            with anyio.move_on_after(_DRAIN_S):
                for output in self._outputs:
                    await output.ended.wait()
            waiting = self._flow.stuck and not isinstance(self._cut, Interrupted)

    async def _watch(self) -> None:
        begun_s = self._clock.begin()
        try:
            while self._cut is None:
                rest_s = self._rest_s(begun_s)
                await anyio.sleep(min(rest_s, TICK_S))
        finally:
            self._clock.end()

    def _rest_s(self, begun_s: float) -> float:
        """Seconds until the next deadline; cuts the command off when one has passed."""
        now_s = self._clock.now_s()
        # The time in which the log waited for the disk is not the command's.
        passed_s = now_s - begun_s - self._flow.storing_s()
        silent_s = 0.0 if self._flow.stuck else now_s - max(begun_s, self._flow.last_s)
        deadline_s = self._command.deadline_s or math.inf
        idle_s = self._command.idle_s or math.inf
        if passed_s >= deadline_s:
            self.cut_off(TimedOut(kind="deadline", after_s=passed_s))
        elif silent_s >= idle_s:
            self.cut_off(TimedOut(kind="idle", after_s=silent_s))
        return max(0.0, min(deadline_s - passed_s, idle_s - silent_s))


def _finished(status: int | None, killed: int) -> Finished:
    if status is not None and status < 0:
        return Finished(signal=-status, background=killed)
    return Finished(exit_code=status, background=killed)
