"""The way to the end: slots at work, the leaders measured again, the report."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import anyio

from engine.core import failpoints
from engine.core.events import FinishReason, RunFinished
from engine.loop.control import Control
from engine.loop.finishing import Finishing
from engine.loop.rechecks import Rechecks
from engine.loop.reporting import Reporting
from engine.loop.slots import Slots
from engine.loop.writer import Writer

IN_ORDER: Final[frozenset[FinishReason]] = frozenset(
    {"iterations", "time", "target", "plateau", "exhausted", "budget", "finish"}
)
"""Endings at which leaders are measured once more: nothing is wrong with the machine."""


Companion = Callable[[], Coroutine[Any, Any, None]]
"""What works beside the slots, for as long as they do."""


class Closing:
    """Brings a run to its end, and back to work when its finish is cancelled before."""

    def __init__(
        self,
        writer: Writer,
        control: Control,
        slots: Slots,
        rechecks: Rechecks,
        *,
        finishing: Finishing,
        reporting: Reporting,
    ) -> None:
        self._writer = writer
        self._control = control
        self._slots = slots
        self._rechecks = rechecks
        self._finishing = finishing
        self._reporting = reporting

    async def run(self, *companions: Companion) -> RunFinished | None:
        """Why the run is over, with its report written; None when the engine drains before."""
        finished: RunFinished | None = None
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._finishing.run)
            finished = await self._work(companions)
            while finished is not None and not await self._ended_well(finished):
                finished = await self._work(companions)
            beside.cancel_scope.cancel()
        return finished

    async def _work(self, companions: Sequence[Companion]) -> RunFinished | None:
        async with anyio.create_task_group() as beside:
            for companion in companions:
                beside.start_soon(companion)
            async with anyio.create_task_group() as tasks:
                for slot in range(self._writer.state.slots):
                    tasks.start_soon(self._slots.run, slot)
            beside.cancel_scope.cancel()
        return self._slots.ending()

    async def _ended_well(self, finished: RunFinished) -> bool:
        """Do what comes last; False when the finish was cancelled meanwhile."""
        if finished.reason not in IN_ORDER or self._writer.trouble.reason is not None:
            # Something is wrong, or cannot be written: no time for what then cannot be told.
            return True

        def is_over() -> bool:
            return finished.reason != "finish" or self._slots.ending() is not None

        await self._rechecks.at_end(is_over)
        failpoints.reach("finish.measured")
        if not is_over():
            return False
        if not self._control.draining:
            await self._reporting.at_end()
        return True
