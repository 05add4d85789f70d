"""The finish while the run goes on: looks what is due, records it, and cuts off what hangs."""

import time
from collections.abc import Callable
from typing import Final

import anyio

from engine.core import failpoints
from engine.core.events import FinishBegan, FinishPlanned, IterationCut, Record
from engine.core.finishing import finish_step, next_moment
from engine.core.plan import Plan
from engine.loop.control import Control
from engine.loop.writer import Writer

LOOK_S: Final = 1.0
"""The engine's life, which `stop.for` counts, can be told from no clock of the day."""

LEAST_S: Final = 0.005


class Finishing:
    """Carries out what `finish_step` says, when it is due.

    Args:
        writer: records it.
        control: cuts off what runs.
        plan: how candidates are measured.
        alive_s: how long engines of this run have lived.
        now_s: the time of day, in seconds since 1970.
    """

    def __init__(
        self,
        writer: Writer,
        control: Control,
        plan: Plan,
        alive_s: Callable[[], float],
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._writer = writer
        self._control = control
        self._plan = plan
        self._alive_s = alive_s
        self._now_s = now_s

    async def run(self) -> None:
        """Look whenever something happened or is due, for ever."""
        while True:
            if not await self.look():
                await self._wait()

    async def look(self) -> bool:
        """Do what is due now; False where nothing was."""
        records = await self._writer.decide(
            lambda state: finish_step(state, self._plan, self._now_s(), self._alive_s())
        )
        if any(isinstance(record.event, IterationCut) for record in records):
            failpoints.reach("finish.cut")
        for record in records:
            self._act(record)
        return bool(records)

    def _act(self, record: Record) -> None:
        match record.event:
            case FinishPlanned():
                failpoints.reach("finish.planned")
            case FinishBegan():
                failpoints.reach("finish.began")
            case IterationCut(iteration=number, reason=reason, recheck=None):
                self._control.interrupt(reason, number)
            case IterationCut(reason=reason):
                # What measures again belongs to no iteration, and is one at a time.
                self._control.interrupt(reason, 0)
            case _:
                pass

    async def _wait(self) -> None:
        moment = next_moment(self._writer.state)
        left_s = LOOK_S if moment is None else moment - self._now_s()
        with anyio.move_on_after(min(LOOK_S, max(LEAST_S, left_s))):
            await self._writer.wait_change()
