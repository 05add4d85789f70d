"""Handing orders over to the first process of a sandbox, which may be waiting for them by then."""

import marshal
import os
from contextlib import ExitStack, suppress

from engine.executors.inside.wire import Orders


class Handing:
    """Orders that can be given once, at any time.

    Args:
        opened: closes what is open when the command is over.

    Raises:
        OSError: there are no descriptors left.
    """

    def __init__(self, opened: ExitStack) -> None:
        self.ordered = os.memfd_create("orders")
        opened.callback(os.close, self.ordered)
        self.awaited, self._saying = os.pipe()
        opened.callback(self.withhold)
        opened.callback(self.started)

    def started(self) -> None:
        """The process has been started: leave to it what is its own."""
        if self.awaited >= 0:
            os.close(self.awaited)
            self.awaited = -1

    def give(self, orders: Orders) -> None:
        """Let the process do this. It may be gone by now."""
        content = memoryview(marshal.dumps(orders.packed()))
        written = 0
        while written < len(content):
            # Not through a file: the process reads from where this one would leave off.
            written += os.pwrite(self.ordered, content[written:], written)
        with suppress(BrokenPipeError):
            os.write(self._saying, b"!")
        self._close()

    def withhold(self) -> None:
        """Let the process end, unless it has its orders."""
        if self._saying >= 0:
            self._close()

    def _close(self) -> None:
        os.close(self._saying)
        self._saying = -1
