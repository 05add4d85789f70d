"""A real terminal for tests: tmux, driven and read as a person would."""

import os
import shlex
import signal
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from tests.driving import wait_for


class Terminal:
    """A tmux session of its own server; `close` leaves nothing behind."""

    def __init__(self, folder: Path, *, columns: int = 120, rows: int = 40) -> None:
        self._socket = f"test-{uuid.uuid4().hex[:12]}"
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-s", "main",
            "-x", str(columns), "-y", str(rows), "-c", str(folder),
            "env", "-u", "NO_COLOR", "-u", "COLUMNS", "-u", "LINES", "PS1=ready> ", "sh",
        )  # fmt: skip
        self.wait_text("ready>")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=True
        )
        return done.stdout

    def type(self, *command: str) -> None:
        """Type a command line and press Enter."""
        self.type_line(shlex.join(command))

    def type_line(self, line: str) -> None:
        """Type a line, as it stands, and press Enter."""
        self._tmux("send-keys", "-t", "main", "-l", line)
        self._tmux("send-keys", "-t", "main", "Enter")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", "-t", "main", *keys)

    def text(self) -> str:
        """What is on the screen."""
        return self._tmux("capture-pane", "-p", "-t", "main")

    def wait_text(self, *wanted: str, deadline_s: float = 60.0) -> str:
        """The screen, as soon as all of the texts are on it."""

        text = ""

        def look() -> bool:
            nonlocal text
            text = self.text()
            return all(word in text for word in wanted)

        try:
            wait_for(look, deadline_s)
        except AssertionError:
            raise AssertionError(f"{wanted} never appeared in\n{text}") from None
        return text

    def processes(self, word: str) -> Sequence[int]:
        """The processes below the terminal's shell whose command line holds a word."""
        shell = int(self._tmux("list-panes", "-F", "#{pane_pid}").split()[0])
        return [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and word in _command_line(entry) and _below(entry, shell)
        ]

    def hang_up(self) -> None:
        """Close the window, as a person would with the mouse."""
        self._tmux("kill-server")

    def close(self) -> None:
        """End everything that still runs in it."""
        subprocess.run(
            ["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False
        )


def kill(pids: Sequence[int]) -> None:
    """Kill processes the hard way."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _command_line(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _below(entry: Path, ancestor: int) -> bool:
    pid = int(entry.name)
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        pid = int(stat.rpartition(")")[2].split()[1])
    return False
