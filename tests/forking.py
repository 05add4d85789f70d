"""Commands that only look, without the start of an interpreter for each.

A process that has everything imported already forks one process for each command: what a command
does, prints and ends with is what it would be otherwise. Where the environment matters, or more
than looking is done, tests start the real program; that it starts is tried there.
"""

import atexit
import contextlib
import functools
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Final, NoReturn

from engine.cli.main import main

LOOKING: Final = frozenset({"events", "leaderboard", "logs", "show", "status", "verify"})
_LASTING: Final = frozenset({"--follow", "--watch", "--wait"})
_MAIN: Final = Path(__file__).parent.parent / "engine" / "__main__.py"
_MOST_BYTES: Final = 1 << 20


def fits(arguments: tuple[str, ...]) -> bool:
    """Whether the command only looks, and comes to its end by itself."""
    looks = bool(arguments) and arguments[0] in LOOKING
    return looks and hasattr(os, "fork") and not _LASTING & set(arguments)


def run(
    arguments: tuple[str, ...], cwd: Path, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """The finished command.

    Raises:
        subprocess.TimeoutExpired: it did not end in time, and was killed.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _connected() as there:
        request = {"arguments": arguments, "cwd": str(cwd), "timeout_s": timeout_s}
        content = json.dumps(request).encode()
        assert len(content) < _MOST_BYTES
        socket.send_fds(there, [content], [out.fileno(), err.fileno()])
        if not (told := there.recv(64)):
            raise subprocess.TimeoutExpired(arguments, timeout_s)
        texts = [_text(file.fileno()) for file in (out, err)]
    return subprocess.CompletedProcess(arguments, int(told), *texts)


def _text(descriptor: int) -> str:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()


def _connected() -> socket.socket:
    there = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    there.connect(_server())
    return there


@functools.cache
def _server() -> str:
    """The address of the process that forks; it lives as long as this one."""
    folder = tempfile.mkdtemp(prefix="forking-")
    address = str(Path(folder, "socket"))
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", f"from tests.forking import serve; serve({address!r})"],
        env=os.environ | {"PYTHONPATH": str(_MAIN.parent.parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    atexit.register(_end, process, address)
    return address


def _end(process: "subprocess.Popen[bytes]", address: str) -> None:
    process.kill()
    process.wait()
    Path(address).unlink()
    Path(address).parent.rmdir()


def serve(address: str) -> None:
    """Fork for everyone who asks, until the process that started this one is gone."""
    os.environ.pop("PYTHONPATH")
    _import_all()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as here:
        here.bind(address)
        here.listen()
        print("ready", flush=True)
        while 0 not in (ready := select.select([0, here], [], [])[0]):
            assert ready
            there, _ = here.accept()
            with there:
                if os.fork() == 0:
                    _attend(there)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _import_all() -> None:
    """What the commands import once they are called."""
    for name in ("looking", "main", "show", "verify"):
        importlib.import_module(f"engine.cli.{name}")


def _attend(there: socket.socket) -> NoReturn:
    """Run the command that is asked for in a further process, and tell how that ended."""
    content, descriptors, _, _ = socket.recv_fds(there, _MOST_BYTES, 2)
    request = json.loads(content)
    pid = os.fork()
    if pid == 0:
        there.close()
        _become(request["arguments"], request["cwd"], *descriptors)
    ended = os.pidfd_open(pid)
    if select.select([ended], [], [], request["timeout_s"])[0]:
        there.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    else:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)


def _become(arguments: list[str], cwd: str, out: int, err: int) -> NoReturn:
    """Be the command."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((nothing, 0), (out, 1), (err, 2)):
            os.dup2(descriptor, number)
        os.chdir(cwd)
        sys.argv = [str(_MAIN), *arguments]
        sys.modules["__main__"].__package__ = "engine"
        status = _status()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _status() -> int:
    """The exit status of the command, as the interpreter would make it."""
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:  # noqa: BLE001  (the interpreter does the same)
        traceback.print_exc()
        return 1
    return 0
