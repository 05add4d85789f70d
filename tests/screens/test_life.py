"""How the screen's process lives and ends, in a real terminal."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.runfolder import lock
from tests.screens import demo_run
from tui.__main__ import refusal

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_S = 30.0
LEFT = b"\x1b[?1049l"


class Terminal:
    """A screen in a pseudo terminal of 100 by 30."""

    def __init__(self, run: Path, prepare: Callable[[], object] = lambda: None) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(REPOSITORY)
            prepare()
            command = [sys.executable, "-m", "tui", str(run)]
            os.execve(sys.executable, command, os.environ | {"TERM": "xterm-256color"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.written = b""
        self.status: int | None = None

    def until(self, text: bytes) -> None:
        """Reads until the text was written."""
        end = time.monotonic() + LIMIT_S
        while text not in self.written:
            assert time.monotonic() < end, f"{text!r} was not written: {self.written[-2000:]!r}"
            self._read(0.05)

    def _read(self, wait_s: float) -> None:
        if self.fd >= 0 and select.select([self.fd], [], [], wait_s)[0]:
            with contextlib.suppress(OSError):  # how a terminal says that nobody writes any more
                self.written += os.read(self.fd, 1 << 16)

    def ended(self) -> int:
        """The exit status, as `os.waitstatus_to_exitcode` has it."""
        end = time.monotonic() + LIMIT_S
        while self.status is None:
            assert time.monotonic() < end, "the process did not end"
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            self._read(0.02)
        return self.status

    def hang_up(self) -> None:
        """Closes the terminal under the screen."""
        os.close(self.fd)
        self.fd = -1

    def close(self) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.fd >= 0:
            os.close(self.fd)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return demo_run.build(tmp_path / "demo", 12)


@pytest.fixture
def terminal(run: Path) -> Iterator[Terminal]:
    opened = Terminal(run)
    yield opened
    opened.close()


def test_q_leaves_and_says_how_to_go_on(terminal: Terminal) -> None:
    terminal.until(b"c-0012")
    os.write(terminal.fd, b"q")
    terminal.until(LEFT)
    assert terminal.ended() == 0
    assert b"Go on with:" in terminal.written.split(LEFT)[-1]
    assert b"controlroom run configs/gdn-v5p.yaml" in terminal.written.split(LEFT)[-1]


def test_leaving_a_live_run_says_that_it_goes_on(run: Path) -> None:
    held = lock.take(run / "engine.lock")
    assert isinstance(held, lock.RunLock)
    opened = Terminal(run)
    try:
        opened.until(b"c-0012")
        os.write(opened.fd, b"q")
        opened.until(LEFT)
        assert opened.ended() == 0
        assert b"The run goes on" in opened.written.split(LEFT)[-1]
        assert b"controlroom attach" in opened.written.split(LEFT)[-1]
    finally:
        opened.close()
        held.release()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_gives_the_terminal_back(terminal: Terminal, number: signal.Signals) -> None:
    before = termios.tcgetattr(terminal.fd)
    terminal.until(b"c-0012")
    assert termios.tcgetattr(terminal.fd) != before
    os.kill(terminal.pid, number)
    terminal.until(LEFT)
    terminal.until(b"\x1b[?25h")
    assert terminal.ended() == 128 + number
    assert termios.tcgetattr(terminal.fd) == before


def test_a_closed_terminal_ends_the_screen(terminal: Terminal) -> None:
    terminal.until(b"c-0012")
    terminal.hang_up()
    assert terminal.ended() == 128 + signal.SIGHUP


def test_a_closed_terminal_ends_it_even_where_hangups_are_ignored(run: Path) -> None:
    opened = Terminal(run, lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    try:
        opened.until(b"c-0012")
        opened.hang_up()
        assert opened.ended() == 128 + signal.SIGHUP
    finally:
        opened.close()


def test_wrong_arguments_are_refused_with_what_to_do() -> None:
    assert "usage:" in refusal([])
    assert "controlroom attach" in refusal(["no/such/run"])


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw_is_refused_with_a_hint(run: Path, term: str) -> None:
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(REPOSITORY)
        environment = os.environ | {"TERM": term}
        os.execve(sys.executable, [sys.executable, "-m", "tui", str(run)], environment)
    written = b""
    while select.select([fd], [], [], LIMIT_S)[0]:
        try:
            written += os.read(fd, 4096)
        except OSError:
            break
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 2
    assert b"controlroom status" in written
    assert b"--no-ui" in written
