"""The time, as a value that a test can hold still."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds since 1970, and the zone in which times of day are shown (None: the machine's)."""

    now: Callable[[], float] = time.time
    zone: tzinfo | None = None
