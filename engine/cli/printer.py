"""Printing that cannot stop the engine: a closed or stalled terminal costs lines, nothing else."""

import os
import queue
import sys
import threading
from typing import Final

WAITING_LINES: Final = 10_000
CLOSE_S: Final = 2.0

GATHER_S: Final = 0.05
"""Lines that come within this time are printed together: waking the thread is what costs."""


class Printer:
    """Prints lines from a thread of its own; goes silent for good when stdout is closed."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._dropped = 0
        self._thread = threading.Thread(target=self._print, name="printer", daemon=True)
        self._thread.start()

    def line(self, text: str) -> None:
        """Print a line when the terminal has time for it."""
        if self._lines.qsize() < WAITING_LINES:
            self._lines.put(text)
        else:
            self._dropped += 1

    def close(self) -> None:
        """Wait a moment for what is still to be printed."""
        if self._dropped:
            self._lines.put(f"({self._dropped} lines were not printed: the terminal was too slow)")
        self._lines.put(None)
        self._closing.set()
        self._thread.join(CLOSE_S)

    def _print(self) -> None:
        while (text := self._lines.get()) is not None:
            try:
                sys.stdout.write(text + "\n")
                if self._lines.empty():
                    sys.stdout.flush()
                    self._closing.wait(GATHER_S)
            except (OSError, ValueError):
                _hush()


def _hush() -> None:
    """Send everything that is still written to nowhere, so that exiting does not fail either."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
