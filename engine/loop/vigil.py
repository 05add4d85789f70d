"""The heartbeat, and how long the engine has lived."""

import time
from datetime import datetime
from typing import Final

import anyio

from engine.core.events import ClockJumped
from engine.core.state import RunState
from engine.executors.clock import EngineClock
from engine.loop.writer import Writer
from engine.runfolder.heartbeat import Heartbeat, HeartbeatFile, SlotBeat
from engine.runfolder.identity import Identity

BEAT_S: Final = 1.0


class Vigil:
    """Overwrites the heartbeat file each second with what the engine does.

    Args:
        writer: whose state is told.
        file: where to.
        identity: this process.
        clock: engine time; time asleep is not in it.
        gaps: seconds of sleep that the clock noticed; each is recorded once and taken out.
        alive_before_s: how long earlier engines of the run lived.
    """

    def __init__(
        self,
        writer: Writer,
        file: HeartbeatFile,
        identity: Identity,
        *,
        clock: EngineClock,
        gaps: list[float],
        alive_before_s: float,
    ) -> None:
        self._writer = writer
        self._file = file
        self._identity = identity
        self._clock = clock
        self._gaps = gaps
        self._before_s = alive_before_s - clock.begin()

    def alive_s(self) -> float:
        """Seconds that engines of this run have lived; time asleep is not counted."""
        return self._before_s + self._clock.now_s()

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            self.beat()
            await anyio.sleep(BEAT_S)

    async def tell_gaps(self) -> None:
        """Record every gap, for ever; apart, because a full disk must not stop the heartbeat."""
        while True:
            while self._gaps:
                await self._writer.record(ClockJumped(gap_s=round(self._gaps.pop(0), 1)))
            await anyio.sleep(BEAT_S)

    def beat(self) -> None:
        """Write the heartbeat once; a file that cannot be written shows as an old heartbeat."""
        self._file.write(self._heartbeat(self._writer.state))

    def _heartbeat(self, state: RunState) -> Heartbeat:
        return Heartbeat(
            pid=self._identity.pid,
            start_ticks=self._identity.start_ticks,
            boot_id=self._identity.boot_id,
            host=self._identity.host,
            time=time.time(),
            seq=state.seq,
            alive_s=self.alive_s(),
            state=_word(state),
            waiting=self._writer.trouble.reason,
            slots=[
                SlotBeat(
                    slot=turn.slot,
                    iteration=turn.iteration,
                    phase=turn.phase,
                    since=datetime.fromisoformat(turn.phase_since).timestamp(),
                )
                for turn in state.turns
            ],
        )


def _word(state: RunState) -> str:
    if state.stopping is not None:
        return "stopping"
    return "paused" if state.paused else "running"
