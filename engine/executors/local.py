"""Running commands on this machine."""

import math
import subprocess
from contextlib import ExitStack

import anyio
import msgspec

from engine.core import failpoints
from engine.executors import processes, trees
from engine.executors.boxed import Boxed
from engine.executors.clock import TICK_S, EngineClock
from engine.executors.output import Flow, Output
from engine.executors.pipes import Report
from engine.executors.protocol import (
    MOST_REPORT_BYTES,
    Command,
    Ended,
    Exceeded,
    Finished,
    Interrupted,
    LogSink,
    NotStarted,
    TimedOut,
)

GRACE_S = 2.0
_UNWANTED = Interrupted("nothing is wanted of it any more")
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
        if command.awaits is not None and command.box is None:
            wanted = await command.awaits()
            if wanted is None:
                return _UNWANTED
            command = wanted
        with ExitStack() as opened:
            try:
                streams = _Streams(command, (log, errors), opened, self._clock)
                process = processes.spawn(streams.launch, *streams.writing_ends)
            except processes.CannotStartError as error:
                machine = isinstance(error, processes.MachineLacksError)
                return NotStarted(str(error), machine=machine)
            except OSError as error:
                return NotStarted(f"cannot make a pipe: {error}", machine=True)
            streams.started()
            turn = _Turn(command, streams, process, self._clock)
            failpoints.reach("check.spawned")
            return await turn.attend(self._grace_s, stop or anyio.Event())


class _Streams:
    """All that connects a command with the engine."""

    def __init__(
        self,
        command: Command,
        sinks: tuple[LogSink, LogSink | None],
        opened: ExitStack,
        clock: EngineClock,
    ) -> None:
        box = command.box
        self.flow = Flow(clock.now_s, None if box is None else box.output_bytes)
        self.outputs: list[Output] = []
        for sink in sinks:
            if sink is not None:
                self.outputs.append(Output(sink, self.flow))
                opened.callback(self.outputs[-1].close)
        self.report = None if command.report_to is None else Report(MOST_REPORT_BYTES)
        heard = None
        if self.report is not None:
            opened.callback(self.report.pipe.close)
            heard = self.report.pipe.writing_end
        self.boxed = None if box is None else Boxed(command, box, opened, heard)
        self.launch = self.boxed.launch if self.boxed else processes.launch_of(command, heard)

    @property
    def writing_ends(self) -> tuple[int, int]:
        """For its output and its errors."""
        return self.outputs[0].writing_end, self.outputs[-1].writing_end

    def started(self) -> None:
        """Leave to the command what is its own."""
        for output in self.outputs:
            output.close_writing()
        if self.report is not None:
            self.report.pipe.close_writing()
        if self.boxed is not None:
            self.boxed.started()

    def ends(self) -> list[anyio.Event]:
        """What is set once everything has been read that a stranger may keep from ending."""
        ends = [output.ended for output in self.outputs]
        return ends if self.report is None else [*ends, self.report.pipe.ended]


class _Turn:
    """One command while it runs."""

    def __init__(
        self,
        command: Command,
        streams: _Streams,
        process: "subprocess.Popen[bytes]",
        clock: EngineClock,
    ) -> None:
        reading_ends = (output.reading_end for output in streams.outputs)
        boxed = streams.boxed is not None
        self.step = trees.begin(command.marker, process.pid, *reading_ends, boxed=boxed)
        self._command = command
        self._streams = streams
        self._process = process
        self._flow = streams.flow
        self._clock = clock
        self._waiting = anyio.CancelScope()
        self._begun = anyio.Event()
        self._cut: TimedOut | Exceeded | Interrupted | None = None
        self._killed = 0

    def cut_off(self, how: TimedOut | Exceeded | Interrupted) -> None:
        """Stop waiting for the end and bring it about; the first reason stays."""
        if self._cut is None:
            self._cut = how
            self._waiting.cancel()

    async def attend(self, grace_s: float, stop: anyio.Event) -> Ended:
        """Wait for the end, or bring it about; nothing of the command is left then."""
        async with anyio.create_task_group() as tasks:
            for output in self._streams.outputs:
                tasks.start_soon(self._carry, output)
            for each in (self._streams.report, self._streams.boxed):
                if each is not None:
                    tasks.start_soon(each.attend)
            tasks.start_soon(self._begin)
            tasks.start_soon(self._watch)
            tasks.start_soon(self._heed, stop)
            try:
                with self._waiting:
                    await processes.wait_exit(self._process)
            finally:
                if self._streams.boxed is not None:
                    self._streams.boxed.dismiss()  # sooner than by being killed
                cut = self._process.poll() is None
                at_once = cut and self._command.ends_at_once
                self._killed = await trees.end(self.step, grace_s, at_once=at_once)
                self._process.poll()
            await self._drain()
            tasks.cancel_scope.cancel()
        return self._cut or self._ended()

    def _ended(self) -> Ended:
        status, boxed, report = self._process.poll(), self._streams.boxed, self._streams.report
        ended = boxed.ended(status) if boxed else _finished(status)
        if not isinstance(ended, Finished):
            return ended
        return msgspec.structs.replace(
            ended,
            background=ended.background + self._killed,
            report=report.content if report else None,
            report_cut=report is not None and report.cut,
        )

    async def _carry(self, output: Output) -> None:
        await output.carry()
        if output.failure is not None:
            self.cut_off(Interrupted(f"the log cannot be written: {output.failure}"))
        if self._flow.exceeded and self._command.box is not None:
            self.cut_off(Exceeded("output", self._command.box.output_bytes))

    async def _begin(self) -> None:
        """Let the command begin, at once or when it is known which it is."""
        awaits, boxed = self._command.awaits, self._streams.boxed
        if awaits is not None and boxed is not None:
            wanted = await awaits()
            if wanted is None:
                self.cut_off(_UNWANTED)
                return
            self._command = msgspec.structs.replace(wanted, box=self._command.box)
            boxed.order(wanted)
        self._begun.set()

    async def _heed(self, stop: anyio.Event) -> None:
        await stop.wait()
        self.cut_off(Interrupted("it was told to stop"))

    async def _drain(self) -> None:
        """Read what is left in the pipes; a stranger who holds one open does not hold us."""
        if self._streams.boxed is not None:
            await self._streams.boxed.pipe.ended.wait()  # nobody outside can hold that one
        waiting = True
        ends = self._streams.ends()
        while waiting and not all(end.is_set() for end in ends):
            with anyio.move_on_after(_DRAIN_S):
                for end in ends:
                    await end.wait()
            waiting = self._flow.stuck and not isinstance(self._cut, Interrupted)

    async def _watch(self) -> None:
        await self._begun.wait()
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


def _finished(status: int | None) -> Finished:
    if status is not None and status < 0:
        return Finished(signal=-status)
    return Finished(exit_code=status)
