"""How the screen ends when a person did not ask for it: signals, and a terminal that is gone."""

import asyncio
import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any, Final

PATIENCE_S: Final = 2.0
"""How long an ordinary exit may take before the process ends itself."""

LEAVE_CODES: Final = "\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?7h\x1b[<u"
LEAVE_SCREEN: Final = "\x1b[?1049l\x1b[?25h\x1b[?1004l"
HUNG_UP: Final = 128 + signal.SIGHUP


class Life:
    """Turns HUP, TERM, INT and a closed terminal into one ordinary exit.

    Textual dies of HUP and TERM without giving the terminal back
    (https://github.com/Textualize/textual/issues/5140), and with HUP ignored it spins on a dead
    input (https://github.com/Textualize/textual/pull/6690). Writing to a dead terminal can block
    its loop for good, so a thread watches, and ends the process when the exit does not come.
    """

    def __init__(self, leave: Callable[[int], None]) -> None:
        self._leave = leave
        self._done = threading.Event()
        self._begun = False
        self._attributes: list[Any] | None = None

    def begin(self) -> None:
        """Starts to listen; does nothing where there is no terminal, as in a test."""
        if sys.__stdin__ is None or not sys.__stdin__.isatty():
            return
        self._begun = True
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._asked, 128 + number)
        watch = threading.Thread(
            target=self._watch, args=(loop, sys.__stdin__.fileno()), daemon=True, name="terminal"
        )
        watch.start()

    def end(self) -> None:
        """The exit has come: nothing is left to watch but that it does not hang.

        After this Textual still joins its threads, and on a dead terminal neither its writer nor
        its reader comes back.
        """
        self._done.set()
        if self._begun:
            threading.Thread(target=self._end_anyhow, daemon=True, name="last resort").start()

    def keep_attributes(self) -> None:
        """Remembers how the terminal is set, to set it so again in an emergency."""
        with contextlib.suppress(termios.error, OSError, ValueError):
            self._attributes = termios.tcgetattr(0)

    def _asked(self, status: int) -> None:
        threading.Thread(target=self._insist, args=(status,), daemon=True).start()
        self._leave(status)

    def _watch(self, loop: asyncio.AbstractEventLoop, terminal: int) -> None:
        poll = select.poll()
        poll.register(terminal, 0)
        while not self._done.is_set():
            if poll.poll(1000):
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._leave, HUNG_UP)
                self._insist(HUNG_UP)
                return

    def _insist(self, status: int) -> None:
        if not self._done.wait(PATIENCE_S):
            self._give_back()
            os._exit(status)

    def _end_anyhow(self) -> None:
        """The process takes this thread along when it ends in time."""
        time.sleep(PATIENCE_S)
        self._give_back()
        os._exit(HUNG_UP)

    def _give_back(self) -> None:
        with contextlib.suppress(OSError, termios.error, ValueError):
            if self._attributes is not None:
                termios.tcsetattr(0, termios.TCSANOW, self._attributes)
            os.set_blocking(1, False)
            os.write(1, (LEAVE_CODES + LEAVE_SCREEN).encode())
