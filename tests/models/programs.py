"""The real agent programs: where they are, what is around them, and running them."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from engine.executors import procfs
from engine.executors.protocol import RUN_VARIABLE
from tests.driving import wait_for


def codex() -> Path:
    """The native codex program."""
    return _carried("codex_cli_bin", "bin/codex")


def claude() -> Path:
    """The native claude program."""
    return _carried("claude_agent_sdk", "_bundled/claude")


def _carried(package: str, path: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None, f"{package} is not installed; make test installs it"
    assert found.origin is not None
    program = Path(found.origin).parent / path
    assert os.access(program, os.X_OK), program
    return program


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A program that came to its end; `events` are the objects that it printed, a line each."""

    status: int
    events: list[dict[str, Any]]
    stderr: str
    lasted_s: float

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of a type."""
        return [event for event in self.events if event["type"] == kind]

    def only(self, kind: str) -> dict[str, Any]:
        """The one event of a type."""
        (event,) = self.of(kind)
        return event


class Place:
    """A repository with one commit, and an isolated home beside it.

    Leave the `with` block to end what the programs left behind.

    Attributes:
        repository: the workspace, with `train.py` that says `LR = 0.1`.
        home: the agent's home.
        state: the folder in there for what the program keeps.
        env: the whole environment of the program.
    """

    def __init__(self, folder: Path, state_variable: str) -> None:
        self.repository = folder / "repository"
        self.home = folder / "home"
        self.state = self.home / "state"
        for made in (self.repository, self.state):
            made.mkdir(parents=True)
        # Claude's sandbox puts sockets in there, and their paths may have 108 bytes at the most;
        # codex complains of a home below it.
        self._tmp = tempfile.TemporaryDirectory(prefix="a")
        self._leaders: list[int] = []
        self.env = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "HOME": str(self.home),
            "TMPDIR": self._tmp.name,
            state_variable: str(self.state),
            RUN_VARIABLE: str(self.repository),
        }
        (self.repository / "train.py").write_text("LR = 0.1\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "base")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: not self.left())
        self._tmp.cleanup()

    def left(self) -> list[procfs.Process]:
        """What lives of the programs: in the session of one, or with the mark of this place."""
        mine = [p for p in procfs.everything() if p.session in self._leaders and not p.dead]
        return mine + procfs.carrying(RUN_VARIABLE, str(self.repository))

    def git(self, *arguments: str) -> str:
        """What a git command prints."""
        command = ["git", "-C", str(self.repository), *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=self.env
        ).stdout

    def changes(self) -> list[str]:
        """The changed lines of the work tree, and the files that are new."""
        lines = self.git("diff", "-U0").splitlines()
        changed = [line for line in lines if line[0] in "+-" and line[:3] not in {"+++", "---"}]
        return changed + self.git("ls-files", "-o", "--exclude-standard").splitlines()

    def start(self, argv: Sequence[str], prompt: str) -> "Running":
        """The program, started with a prompt on its standard input."""
        running = Running(argv, self.repository, self.env, prompt)
        self._leaders.append(running.process.pid)
        return running

    def run(self, argv: Sequence[str], prompt: str, deadline_s: float = 60.0) -> Ended:
        """The program, at its end."""
        return self.start(argv, prompt).end(deadline_s)


class Running:
    """A program that runs, in a session of its own."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: dict[str, str], prompt: str) -> None:
        self._began_s = time.monotonic()
        self._out = cwd.parent / f"out-{time.monotonic_ns()}"
        self._err = self._out.with_suffix(".err")
        asked = self._out.with_suffix(".in")
        asked.write_text(prompt)
        with asked.open() as stdin, self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=stdin, stdout=out, stderr=err, start_new_session=True
            )

    def events(self) -> list[dict[str, Any]]:
        """What it printed until now."""
        whole, _, _rest = self._out.read_bytes().rpartition(b"\n")
        return [msgspec.json.decode(line) for line in whole.splitlines() if line]

    def end(self, deadline_s: float = 60.0) -> Ended:
        """How it ended. It is killed when that takes too long, and the test fails."""
        try:
            status = self.process.wait(deadline_s)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        return Ended(
            status=status,
            events=self.events(),
            stderr=self._err.read_text(),
            lasted_s=time.monotonic() - self._began_s,
        )

    def terminate(self, deadline_s: float = 20.0) -> Ended:
        """How it ended after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.end(deadline_s)
