"""What the machine did not do, by no fault of a candidate: tried again, given up in time."""

import time
from collections.abc import Sequence
from typing import Final

import anyio

from engine.loop.control import Control
from engine.loop.writer import Writer

PAUSES_S: Final = (0.5, 2.0, 8.0)
"""How long each further attempt waits."""


class Setbacks:
    """Counts, for each thing that is tried, how often in a row it came to nothing.

    Args:
        writer: what waits is told there.
        control: nobody waits while the engine drains.
        pauses_s: how long each further attempt waits; after the last there is none.
    """

    def __init__(
        self, writer: Writer, control: Control, pauses_s: Sequence[float] = PAUSES_S
    ) -> None:
        self._writer = writer
        self._control = control
        self._pauses_s = pauses_s
        self._times: dict[str, int] = {}

    async def may_try_again(self, what: str, reason: str) -> bool:
        """Wait before it is tried again; False when that was done often enough.

        Args:
            what: the thing that is tried.
            reason: why it came to nothing.
        """
        times = self._times.get(what, 0)
        if times >= len(self._pauses_s):
            self.over(what)
            return False
        self._times[what] = times + 1
        self._writer.trouble.note(what, f"to be tried again: {reason}")
        try:
            await self._rest(self._pauses_s[times])
        finally:
            self._writer.trouble.note(what, None)
        return True

    def over(self, what: str) -> None:
        """It came to something, or is no more to be tried."""
        self._times.pop(what, None)

    async def _rest(self, pause_s: float) -> None:
        until_s = time.monotonic() + pause_s
        while not self._control.draining and (rest_s := until_s - time.monotonic()) > 0:
            with anyio.move_on_after(rest_s):
                await self._writer.wait_change()
