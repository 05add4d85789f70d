"""One attempt of an agent while it runs."""

import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, assert_never

import anyio
import anyio.lowlevel
import msgspec

from engine.agents import answers
from engine.agents.files import TRANSCRIPT, AttemptFiles
from engine.agents.hearing import Heard, Hearing
from engine.agents.protocol import (
    AgentTask,
    Answered,
    AnyAgentEvent,
    Asks,
    Began,
    Billed,
    Ended,
    FileChanged,
    Spent,
    StreamReader,
    Trouble,
)
from engine.agents.rendering import rendered
from engine.agents.result import Limits, Recorded, SessionResult
from engine.agents.spending import Ledger, Used
from engine.core.parts import AgentOutcome
from engine.executors.clock import EngineClock
from engine.executors.protocol import (
    Command,
    Exceeded,
    Executor,
    Finished,
    Interrupted,
    LogSink,
    NotStarted,
    TimedOut,
)
from engine.executors.protocol import Ended as CommandEnded
from engine.runfolder.room import Room, has_some

LOOK_S: Final = 0.5
_FLUSH_S: Final = 0.2
_FLUSH_BYTES: Final = 256 << 10
_LAST_WORDS_S: Final = 5.0
MOST_TRANSCRIPT_BYTES: Final = 1 << 30
"""An agent that prints more than this is out of order, and stopped."""


class _Sink:
    """A LogSink that hands on."""

    def __init__(
        self, write: Callable[[bytes], Awaitable[None]], flush: Callable[[], Awaitable[None]]
    ) -> None:
        self._write = write
        self._flush = flush

    async def write(self, data: bytes) -> None:
        await self._write(data)

    async def flush(self) -> None:
        await self._flush()


class Attempt:
    """Listens to the program of one attempt, and stops it when it has to be; run it once.

    Args:
        task: what the agent is to do.
        reader: reads what the program prints.
        files: the files of the attempt.
        log: takes what it does as text for a person.
        limits: what it may use.
        ledger: adds up what it uses.
        on_event: called with each event.
        may_go_on: called with what was used; a text stops the attempt.
        room: where to wait when the disk is full.
        clock: counts the time.
    """

    def __init__(
        self,
        task: AgentTask,
        reader: StreamReader,
        files: AttemptFiles,
        log: LogSink,
        *,
        limits: Limits,
        ledger: Ledger,
        on_event: Callable[[AnyAgentEvent], None],
        may_go_on: Callable[[Used], str | None],
        room: Room,
        clock: EngineClock,
    ) -> None:
        self._task = task
        self._files = files
        self._log = log
        self._limits = limits
        self._ledger = ledger
        self._on_event = on_event
        self._may_go_on = may_go_on
        self._room = room
        self._clock = clock
        secrets = {name: task.env[name] for name in task.secrets if name in task.env}
        self._hearing = Hearing(reader, secrets)
        self._stop = anyio.Event()
        self._cut: Ended | None = None
        self._said: Ended | None = None
        self._unheard: list[AnyAgentEvent] = []
        self._broken: OSError | None = None
        self._answer = Answered(text="")
        self._events = 0
        self._taking = 0
        self._heard_s = 0.0
        self._asks_until_s = 0.0
        self._retrying_from_s: float | None = None
        self._flushed_s = 0.0

    async def run(self, executor: Executor, command: Command) -> SessionResult | Interrupted:
        """How it ended; see `engine.agents.session.run`.

        Raises:
            OSError: its files or the log can never be written.
        """
        begun_s = time.monotonic()
        try:
            await self._tell_of_walls(command)
            ended = await self._execute(executor, command)
            if self._broken is not None:
                raise self._broken
            if isinstance(ended, Interrupted) and self._cut is None:
                await self._heard_out(ended)
                return ended
            said = await self._last_events(ended)
            if said.outcome == "crashed" and not has_some(self._task.tree):
                # It may have failed for want of room, which says nothing about the agent.
                await self._room.wait_for_some(self._task.tree)
                return Interrupted("it failed while the disk was full")
            return await self._result(said, time.monotonic() - begun_s)
        except anyio.get_cancelled_exc_class():
            # Its last call may be told in what is not read yet, and is paid for like the others.
            with suppress(OSError), anyio.move_on_after(_LAST_WORDS_S, shield=True):
                await self._heard_out(Interrupted("it was cancelled"))
            raise
        finally:
            with anyio.move_on_after(_LAST_WORDS_S, shield=True):
                await self._files.flush()

    async def _tell_of_walls(self, command: Command) -> None:
        """Say in the attempt's own record whether a sandbox stands round the program."""
        if self._task.unconfined:
            await self._take(Trouble(text=f"not in a sandbox of ours: {self._task.unconfined}"))
        elif command.box is not None:
            network = "" if command.box.network else ", no network"
            await self._log.write(f"* in a sandbox: its tree and a home{network}\n".encode())

    async def _execute(self, executor: Executor, command: Command) -> CommandEnded:
        ended: CommandEnded = Interrupted("it was cancelled")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._stop_when_cancelled)
            tasks.start_soon(self._watch)
            # Not cancelled but told to stop, so that its last words are kept and counted.
            with anyio.CancelScope(shield=True):
                ended = await executor.run(
                    command,
                    log=_Sink(self._hear, self._show),
                    errors=_Sink(self._hear_errors, self._show),
                    stop=self._stop,
                )
            await anyio.lowlevel.checkpoint_if_cancelled()
            tasks.cancel_scope.cancel()
        return ended

    async def _stop_when_cancelled(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self._stop.set()

    async def _hear(self, data: bytes) -> None:
        shown, heard = self._hearing.output(data)
        self._files.transcript.add(shown)
        if self._files.transcript.size_bytes > MOST_TRANSCRIPT_BYTES:
            self._cut_off("crashed", f"it printed more than {MOST_TRANSCRIPT_BYTES >> 20} MiB")
        await self._take_in(heard)

    async def _hear_errors(self, data: bytes) -> None:
        shown = self._hearing.errors(data)
        self._files.errors.add(shown)
        self._heard_s = self._clock.now_s()
        await self._log.write(shown)
        await self._flush_in_time()

    async def _show(self) -> None:
        await self._files.flush()
        await self._log.flush()

    async def _take_in(self, heard: list[Heard]) -> None:
        self._taking += 1
        try:
            for line in heard:
                self._note(line)
                for event in line.events:
                    await self._take(event)
            await self._flush_in_time()
        finally:
            self._taking -= 1
            self._heard_s = self._clock.now_s()

    def _note(self, line: Heard) -> None:
        if line.progress:
            self._retrying_from_s = None
        elif line.retrying and self._retrying_from_s is None:
            self._retrying_from_s = self._clock.now_s()

    async def _flush_in_time(self) -> None:
        now_s = time.monotonic()
        if now_s - self._flushed_s >= _FLUSH_S or self._files.waiting_bytes >= _FLUSH_BYTES:
            self._flushed_s = now_s
            await self._files.flush()

    async def _take(self, event: AnyAgentEvent) -> None:
        """Count, keep, show and hand on an event."""
        match event:
            case Spent():
                event = self._ledger.spend(event)
            case Billed():
                self._ledger.settle(event)
            case Began(model=model) if model:
                self._ledger.model = model
            case Answered():
                self._answer = event
            case FileChanged():
                event = msgspec.structs.replace(event, path=self._in_tree(event.path))
            case Asks():
                self._asks_until_s = max(self._asks_until_s, self._clock.now_s() + event.wait_s)
            case _:
                pass
        self._events += 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._files.events.add(msgspec.json.encode(Recorded(now, event)) + b"\n")
        await self._log.write(rendered(event).encode(errors="replace"))
        self._on_event(event)
        if isinstance(event, Spent | Billed):
            await self._files.flush()  # what was spent is known also when the engine dies now
            self._look_into_purse()

    def _in_tree(self, path: str) -> str:
        return path.removeprefix(f"{self._task.tree}/")

    def _look_into_purse(self) -> None:
        used, limits = self._ledger.used, self._limits
        if limits.tokens is not None and used.tokens.total > limits.tokens:
            self._cut_off("ceiling", f"{used.tokens.total} tokens, of {limits.tokens} that it may")
        elif limits.usd is not None and used.cost_usd is None:
            model = self._ledger.unpriced
            self._cut_off("ceiling", f"no price of {model} is known, but there is a limit in USD")
        elif limits.usd is not None and (used.cost_usd or 0.0) > limits.usd:
            self._cut_off("ceiling", f"${used.cost_usd:.4f}, of ${limits.usd:.4f} that it may")
        elif (reason := self._may_go_on(used)) is not None:
            self._cut_off("ceiling", reason)

    def _cut_off(self, outcome: AgentOutcome, detail: str) -> None:
        if self._cut is None:
            self._cut = Ended(outcome=outcome, detail=detail)
            self._stop.set()

    async def _watch(self) -> None:
        self._heard_s = max(self._heard_s, self._clock.begin())
        try:
            while not self._stop.is_set():
                await anyio.sleep(LOOK_S)
                for event in self._hearing.look():
                    await self._take(event)
                self._look_at_clock(self._clock.now_s())
        except OSError as error:
            self._broken = error
            self._stop.set()
        finally:
            self._clock.end()

    def _look_at_clock(self, now_s: float) -> None:
        if self._taking:
            return  # the time in which our own files wait for the disk is not the agent's
        # While a person is asked there is nothing for it to say.
        silent_s = now_s - max(self._heard_s, self._asks_until_s)
        if silent_s >= (self._limits.silent_s or math.inf):
            self._cut_off("timeout", f"it said nothing for {silent_s:.0f} s")
        if self._retrying_from_s is None:
            return
        retrying_s = now_s - self._retrying_from_s
        if retrying_s >= (self._limits.retrying_s or math.inf):
            self._cut_off("unreachable", f"for {retrying_s:.0f} s it tried in vain to go on")

    async def _last_events(self, ended: CommandEnded) -> Ended:
        said = await self._heard_out(ended)
        for event in _left_behind(ended):
            await self._take(event)
        end = self._end(ended, said)
        await self._take(end)
        await self._show()
        return end

    async def _heard_out(self, ended: CommandEnded) -> Ended:
        """Take in all that is not read yet, once; how the program says that it ended."""
        if self._said is None:
            shown, errors, heard = self._hearing.finish()
            self._files.transcript.add(shown)
            self._files.errors.add(errors)
            events, self._said = self._hearing.close(_exit_code(ended))
            self._unheard += [*(event for line in heard for event in line.events), *events]
            await self._log.write(errors)
        while self._unheard:  # cancelled in the midst of it, it goes on where it was
            await self._take(self._unheard.pop(0))
        return self._said

    def _end(self, ended: CommandEnded, said: Ended) -> Ended:
        """How it ended: by the engine's doing, or as the program itself says."""
        match ended:
            case NotStarted(reason):
                return Ended(outcome="crashed", detail=reason)
            case TimedOut(_, after_s):
                return Ended(outcome="timeout", detail=f"still at work after {after_s:.0f} s")
            case Exceeded():
                return Ended(outcome="crashed", detail=ended.words)
            case Finished():
                # One that came to its end while it was cut off did its work, but over its ceiling.
                over = self._cut is not None and self._cut.outcome == "ceiling"
                return self._cut if over and self._cut else said
            case Interrupted(reason):
                cut = self._cut or Ended(outcome="crashed", detail=reason)
                known = cut.outcome == "unreachable" and said.outcome in _PROVIDERS
                return said if known else cut
            case _:
                assert_never(ended)

    async def _result(self, end: Ended, duration_s: float) -> SessionResult:
        structured = self._answer.structured
        if structured is None or not answers.is_object(structured):
            structured = answers.structured_in(self._answer.text)
        if structured is not None:
            await self._files.keep_answer(structured)
        return SessionResult(
            outcome=end.outcome,
            detail=end.detail,
            retry_at=end.retry_at,
            tokens=self._ledger.used.tokens,
            cost_usd=self._ledger.used.cost_usd if self._ledger.told else None,
            model=self._ledger.model,
            answer=self._answer.text,
            structured=structured,
            duration_s=round(duration_s, 6),
            transcript=self._task.folder / TRANSCRIPT,
            events=self._events,
        )


_PROVIDERS: Final = ("limited", "unreachable", "login")


def _exit_code(ended: CommandEnded) -> int | None:
    match ended:
        case Finished(exit_code=None, signal=int(signal)):
            return -signal
        case Finished(exit_code=exit_code):
            return exit_code
        case _:
            return None


def _left_behind(ended: CommandEnded) -> list[AnyAgentEvent]:
    if not isinstance(ended, Finished) or not ended.background:
        return []
    return [Trouble(text=f"it left {ended.left_behind} behind, killed since")]
