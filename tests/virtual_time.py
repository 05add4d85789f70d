"""A clock that leaps to the next moment at which something is due: hours go by in seconds.

It is the clock of the event loop, so all of `anyio`'s sleeps and deadlines follow it. Nothing may
be waited for that happens outside of the loop: a thread, a process or the network.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import anyio


class _Leaping(selectors.DefaultSelector):
    """Never waits: where nothing is there, time goes on to where something is due."""

    def __init__(self, leap: Callable[[float], None]) -> None:
        super().__init__()
        self._leap = leap

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "everybody waits, and nothing is due any more"
            self._leap(max(0.0, timeout))
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time begins at 0 and leaps."""

    def __init__(self) -> None:
        self._virtual_s = 0.0
        super().__init__(_Leaping(self._leap))

    def time(self) -> float:
        return self._virtual_s

    def _leap(self, seconds: float) -> None:
        self._virtual_s += seconds


class Clock:
    """The time of day in such a loop, which begins at `began_s` (seconds since 1970)."""

    def __init__(self, began_s: float) -> None:
        self._began_s = began_s

    def alive_s(self) -> float:
        """Seconds since the loop began."""
        return anyio.current_time()

    def now_s(self) -> float:
        """Seconds since 1970."""
        return self._began_s + anyio.current_time()

    def now(self) -> str:
        """The same as the journal stamps it."""
        moment = datetime.fromtimestamp(self.now_s(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def run(main: Callable[[], Awaitable[Any]]) -> None:
    """Run `main` to its end in virtual time."""
    anyio.run(main, backend="asyncio", backend_options={"loop_factory": VirtualLoop})
