"""Starting the command quickly: a process that has imported the program forks one for each call.

What runs is the program as it is; only the import, which costs most of a short run, is done once.
Run as a program this module is that process: it reads requests as JSON lines and answers each.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, NoReturn

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
        assert self.wait_at_most(deadline_s), f"still running:\n{self.output[-4000:]}"
        assert self.returncode is not None
        return self.returncode

    def wait_at_most(self, seconds: float) -> bool:
        """Whether it ends within the time."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                _wait_end(self.pid, seconds)
        return self.poll() is not None

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


def _wait_end(pid: int, seconds: float) -> None:
    """Until a process has ended that is no child of this one, or the time is over."""
    descriptor = os.pidfd_open(pid)
    try:
        select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)


def finished(
    arguments: Sequence[str], cwd: Path, timeout_s: float, env: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """The command at its end, and what it printed.

    Raises:
        subprocess.TimeoutExpired: it did not end in time, and was killed.
    """
    with tempfile.TemporaryDirectory(prefix="warm-") as name:
        output, errors = Path(name, "output"), Path(name, "errors")
        running = WARM.start(arguments, cwd, env, output, errors)
        if not running.wait_at_most(timeout_s):
            running.kill()
            raise subprocess.TimeoutExpired(list(arguments), timeout_s)
        texts = [path.read_text(errors="replace") for path in (output, errors)]
    assert running.returncode is not None
    return subprocess.CompletedProcess(list(arguments), running.returncode, *texts)


def main() -> None:
    """Answer requests until there are no more."""
    for name in _LATE:
        import_module(name)
    gc.freeze()  # what a collection looks at it also writes to, and that would be copied
    for line in sys.stdin:
        request = json.loads(line)
        if "pid" in request:
            answer = _status(request["pid"])
        else:
            answer = os.fork()
            if answer == 0:
                _become(request)
        print(json.dumps(answer), flush=True)


def _status(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _become(request: dict[str, Any]) -> NoReturn:
    for name, descriptor in (("output", 1), ("errors", 2)):
        with Path(request[name]).open("ab") as file:
            _put(file, descriptor)
    with Path(os.devnull).open("rb") as nothing:
        _put(nothing, 0)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["controlroom", *request["arguments"]]
    _end(_status_of(import_module("engine.cli.main").main))


def _status_of(program: Callable[[], object]) -> int:
    """The exit status that an interpreter would give to the program."""
    try:
        program()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001  (what an interpreter does)
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _end(status: int) -> NoReturn:
    """End as an interpreter does, but leave the memory to the system.

    To free all that was imported would first copy it: ten times what a short command takes.
    """
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _put(file: IO[bytes], descriptor: int) -> None:
    os.dup2(file.fileno(), descriptor)


if __name__ == "__main__":
    main()
