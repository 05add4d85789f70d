"""Starting the command quickly: a process that has imported the program forks one for each call.

What runs is the program as it is; only the import, which costs most of a short run, is done once.
Run as a program this module is that process: it reads requests as JSON lines and answers each.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final

REPOSITORY: Final = Path(__file__).parent.parent
_LATE: Final = (
    "anyio._backends._asyncio",
    "engine.cli.main",
    "engine.cli.run",
    "engine.cli.foreground",
    "engine.cli.looking",
    "engine.cli.show",
    "engine.cli.steering",
    "engine.cli.verify",
)
"""What the command line imports when it is used, and what those import in turn."""

_LOOKING: Final = frozenset({"events", "leaderboard", "logs", "show", "status", "verify"})
_LASTING: Final = frozenset({"--follow", "--watch", "--wait"})


class Running:
    """A command that was started; `output` is what it printed so far, standard error included."""

    def __init__(self, server: "Warm", pid: int, output: Path) -> None:
        self._server = server
        self._output = output
        self.pid = pid
        self.returncode: int | None = None

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.ask({"pid": self.pid})
        return self.returncode

    def wait(self, deadline_s: float = 60.0) -> int:
        """Its exit status; fails when it does not end in time."""
        end = time.monotonic() + deadline_s
        while (status := self.poll()) is None:
            assert time.monotonic() < end, f"still running:\n{self.output[-4000:]}"
            time.sleep(0.005)
        return status

    def wait_at_most(self, seconds: float) -> bool:
        """Whether it ends within the time."""
        end = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        return self.returncode is not None

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, unless it ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Warm:
    """The process that forks; it ends when this one does."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._asking = threading.Lock()

    def start(
        self,
        arguments: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        output: Path,
        errors: Path | None = None,
    ) -> Running:
        """The command, started in the folder; what it prints goes to the end of the file.

        Its standard error goes there too, unless there is a file for that.
        """
        request = {"arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}
        pid = self.ask({**request, "output": str(output), "errors": str(errors or output)})
        assert pid is not None
        return Running(self, pid, output)

    def ask(self, request: Mapping[str, Any]) -> int | None:
        """The answer to a request: a process id, or an exit status, if there is one."""
        with self._asking:
            process = self._process = self._process or _spawn()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        assert answer, "the program cannot be imported"
        return json.loads(answer)


def _spawn() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, __file__],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


WARM: Final = Warm()


def only_looks(arguments: Sequence[str]) -> bool:
    """Whether the command changes nothing, and comes to its end by itself."""
    return bool(arguments) and arguments[0] in _LOOKING and not _LASTING & set(arguments)


def finished(
    arguments: Sequence[str], cwd: Path, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """The command at its end, and what it printed.

    Raises:
        subprocess.TimeoutExpired: it did not end in time, and was killed.
    """
    with tempfile.TemporaryDirectory(prefix="warm-") as name:
        output, errors = Path(name, "output"), Path(name, "errors")
        running = WARM.start(arguments, cwd, os.environ, output, errors)
        if not running.wait_at_most(timeout_s):
            running.kill()
            raise subprocess.TimeoutExpired(list(arguments), timeout_s)
        texts = [output.read_text(), errors.read_text()]
    assert running.returncode is not None
    return subprocess.CompletedProcess(list(arguments), running.returncode, *texts)


def main() -> None:
    """Answer requests until there are no more; a command that was forked returns here, too."""
    for name in _LATE:
        import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        if "pid" in request:
            answer = _status(request["pid"])
        else:
            answer = os.fork()
            if answer == 0:
                _become(request)
                return
        print(json.dumps(answer), flush=True)


def _status(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _become(request: dict[str, Any]) -> None:
    for name, descriptor in (("output", 1), ("errors", 2)):
        with Path(request[name]).open("ab") as file:
            _put(file, descriptor)
    with Path(os.devnull).open("rb") as nothing:
        _put(nothing, 0)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["controlroom", *request["arguments"]]
    import_module("engine.cli.main").main()


def _put(file: IO[bytes], descriptor: int) -> None:
    os.dup2(file.fileno(), descriptor)


if __name__ == "__main__":
    main()
