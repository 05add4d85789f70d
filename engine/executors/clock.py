"""Time as the engine lives it: it stands still while the engine is stopped or asleep."""

import time
from collections.abc import Callable
from typing import Final

GAP_S: Final = 5.0
TICK_S: Final = 1.0
"""How often someone has to look at a clock while it matters; a look later than GAP_S is a gap."""


def machine_s() -> float:
    """Seconds since boot; where the system can tell, those in which the machine slept count."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class EngineClock:
    """Seconds of engine life. A gap between two looks is left out and reported.

    Args:
        on_gap: called with the length of each gap in seconds, once for all who use the clock.
        source: a clock that only goes forward, in seconds.
    """

    def __init__(
        self,
        on_gap: Callable[[float], None] | None = None,
        source: Callable[[], float] = machine_s,
    ) -> None:
        self._on_gap = on_gap
        self._source = source
        self._seen_s = source()
        self._life_s = 0.0
        self._users = 0

    def now_s(self) -> float:
        """Seconds of engine life so far. Look at least every TICK_S while something runs."""
        seen_s = self._source()
        passed_s = seen_s - self._seen_s
        self._seen_s = seen_s
        if passed_s <= GAP_S:
            self._life_s += passed_s
        elif self._on_gap is not None:
            self._on_gap(passed_s)
        return self._life_s

    def begin(self) -> float:
        """Like `now_s`, for one who looks from now on; after a time without anyone, no gap."""
        if self._users == 0:
            self._seen_s = max(self._seen_s, self._source() - TICK_S)
        self._users += 1
        return self.now_s()

    def end(self) -> None:
        """One who began looks no more."""
        self._users -= 1
