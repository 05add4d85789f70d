"""The inbox, the PAUSE file and FINISH_UP.json: how people reach a running engine."""

import contextlib
import time
from typing import Final

import anyio

from engine.core import failpoints
from engine.core.answering import answer, pause, refuse, resume
from engine.core.commands import (
    AnyCommand,
    CancelFinish,
    Envelope,
    Finish,
    Pause,
    Resume,
    Stash,
    Stop,
    name_of,
)
from engine.loop.control import Control
from engine.loop.finish_up import FinishUp
from engine.loop.writer import Writer
from engine.runfolder import inbox
from engine.runfolder import pause as pause_file
from engine.runfolder.paths import RunPaths

LOOK_EVERY_S: Final = 0.1
BY_HAND: Final = "the PAUSE file"


class Watch:
    """Carries out what lies in the inbox, and follows the PAUSE file.

    Args:
        writer: records what comes of them.
        control: cuts off what runs.
        paths: the run's folder.
        pausing: held while the PAUSE file and what is recorded of it are brought together.
    """

    def __init__(
        self, writer: Writer, control: Control, paths: RunPaths, pausing: anyio.Lock
    ) -> None:
        self._writer = writer
        self._control = control
        self._paths = paths
        self._pausing = pausing
        self.finish_up = FinishUp(writer, paths)

    async def run(self) -> None:
        """Look ten times a second, for ever."""
        while True:
            await self.look()
            await anyio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Answer every command that waits, then follow the PAUSE file."""
        async with self._pausing:
            for envelope in inbox.pending(self._paths.inbox):
                failpoints.reach("command.read")
                await self._carry_out(envelope)
            await self._follow_file()
            await self.finish_up.look()

    async def _carry_out(self, envelope: Envelope) -> None:
        if envelope.id not in self._writer.state.answers:
            await self._answer(envelope)
        # One that cannot be taken out is known by its id from now on.
        with contextlib.suppress(OSError):
            inbox.remove(self._paths.inbox, envelope.id)

    async def _answer(self, envelope: Envelope) -> None:
        """The file says what the state is to be, so it is changed before the event is recorded."""
        command = envelope.command
        try:
            self._set_file(command, envelope.by)
        except OSError as error:
            reason = f"the PAUSE file cannot be changed: {error.strerror}"
            await self._writer.decide(lambda state: refuse(state, envelope, reason))
            return
        await self._writer.decide(lambda state: answer(state, envelope, time.time()))
        failpoints.reach("command.recorded")
        if isinstance(command, Finish | CancelFinish):
            self._planned(envelope)
        self._interrupt(command)

    def _planned(self, envelope: Envelope) -> None:
        failpoints.reach("finish.planned")
        if self._writer.state.answers[envelope.id].accepted:
            self.finish_up.forget()

    def _interrupt(self, command: AnyCommand) -> None:
        """Cut off what runs, where the command says so and was accepted."""
        match command:
            case Pause(now=True) | Stop(now=True):
                self._control.interrupt(f"{name_of(command)} --now")
            case Stash():
                for turn in self._writer.state.open.values():
                    if turn.put_aside is not None:
                        self._control.interrupt("put aside", turn.iteration)
            case _:
                pass

    def _set_file(self, command: AnyCommand, by: str) -> None:
        match command:
            case Pause(reason=reason):
                pause_file.write(self._paths.pause, reason or f"paused by {by}")
                failpoints.reach("pause.written")
            case Resume():
                pause_file.remove(self._paths.pause)
                failpoints.reach("pause.removed")
            case _:
                pass

    async def _follow_file(self) -> None:
        reason = pause_file.read(self._paths.pause)
        if reason is not None and self._writer.state.paused is None:
            await self._writer.decide(lambda state: pause(state, by=BY_HAND, reason=reason))
        elif (
            reason is None
            and self._writer.state.paused is not None
            and not self._writer.state.ends_by_halt
        ):
            await self._writer.decide(lambda state: resume(state, by=BY_HAND))
