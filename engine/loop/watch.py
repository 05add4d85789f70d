"""The inbox and the PAUSE file: how people reach a running engine."""

from collections.abc import Callable, Sequence
from typing import Final

import anyio

from engine.core import failpoints
from engine.core.answering import answer, pause, resume
from engine.core.commands import Envelope, Pause, Resume, Stop
from engine.core.events import AnyEvent
from engine.core.state import RunState
from engine.loop.control import Control
from engine.loop.writer import Writer
from engine.runfolder import inbox
from engine.runfolder import pause as pause_file
from engine.runfolder.paths import RunPaths

LOOK_EVERY_S: Final = 0.1
BY_HAND: Final = "the PAUSE file"


class Watch:
    """Carries out what lies in the inbox, and follows the PAUSE file."""

    def __init__(self, writer: Writer, control: Control, paths: RunPaths) -> None:
        self._writer = writer
        self._control = control
        self._paths = paths

    async def run(self) -> None:
        """Look ten times a second, for ever."""
        while True:
            await self.look()
            await anyio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Answer every command that waits, then follow the PAUSE file."""
        for envelope in inbox.pending(self._paths.inbox):
            failpoints.reach("command.read")
            await self._carry_out(envelope)
        await self._follow_file()

    async def _carry_out(self, envelope: Envelope) -> None:
        """The file says what the state is to be, so it is changed before the event is recorded."""
        if envelope.id not in self._writer.state.answers:
            match envelope.command:
                case Pause(reason=reason):
                    pause_file.write(self._paths.pause, reason or f"paused by {envelope.by}")
                    failpoints.reach("pause.written")
                case Resume():
                    pause_file.remove(self._paths.pause)
                    failpoints.reach("pause.removed")
                case Stop():
                    pass
        await self._writer.decide(lambda state: answer(state, envelope))
        failpoints.reach("command.recorded")
        if getattr(envelope.command, "now", False):
            self._control.interrupt(f"{type(envelope.command).__name__.lower()} --now")
        inbox.remove(self._paths.inbox, envelope.id)

    async def _follow_file(self) -> None:
        reason = pause_file.read(self._paths.pause)
        if reason is not None and self._writer.state.paused is None:
            await self._decide(lambda state: pause(state, by=BY_HAND, reason=reason))
        elif reason is None and self._writer.state.paused is not None:
            await self._decide(lambda state: resume(state, by=BY_HAND))

    async def _decide(self, decision: Callable[[RunState], Sequence[AnyEvent]]) -> None:
        await self._writer.decide(decision)
