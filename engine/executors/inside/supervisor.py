"""The first process of a sandbox: starts the command, watches it, ends what it leaves, tells all.

The command shares nothing with it but a parent: it cannot signal it, since it is the first process
of its namespace; cannot trace it or look at its descriptors, since it is not dumpable; and never
has the descriptor on which it tells. When it ends, the kernel ends all others.
"""

from __future__ import annotations

import _ctypes
import marshal
import os
import resource
import select

from . import looking, watching
from .leaving import Leaving
from .wire import ENDED, OUTDATED, REFUSED_START, STARTED, Ending, Orders, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, NoReturn

HEARD: Final = 3
"""The descriptor on which the command may report, if it may."""

_SET_DUMPABLE: Final = 4
_INTERRUPT, _KILL, _PIPE, _FILE_SIZE, _DEFAULT = 2, 9, 13, 25, 0
_SPARE: Final = 10
"""Descriptors from here on are the supervisor's own."""

_MOST_DESCRIPTORS: Final = 1024
_COUNTS_BY_SANDBOX: Final = (5, 14)
"""Earlier kernels count all processes of a user, wherever they are. Root's are never counted."""

_SEEN_TO_EXCEED: Final = 32
"""So many more threads than allowed there may be: too many are to be seen, not only refused."""

_GONE_TICKS: Final = 10_000
_CANNOT: Final = 127


def main(ordered: int, awaited: int, telling: int, heard: int) -> NoReturn:
    """Wait for orders, do as ordered, and tell it.

    Args:
        ordered: the descriptor of the file that has the orders in the end.
        awaited: the one on which a byte comes once it has; its end says that none will come.
        telling: the descriptor on which the engine is told.
        heard: the one on which the command may report, or -1.
    """
    _call("prctl", _SET_DUMPABLE, 0, 0, 0, 0)
    _call("signal", _INTERRUPT, _DEFAULT)  # the first process ignores what it does not handle
    telling = _moved(telling)
    _tell(telling, STARTED)
    supervisor = Supervisor(_orders(ordered, awaited), telling)
    supervisor.obey(heard)
    os._exit(0)  # the interpreter's own end takes a good millisecond more


def _orders(ordered: int, awaited: int) -> Orders:
    """The orders, once they are there; if none come this ends, and with it the sandbox."""
    if not os.read(awaited, 1):
        os._exit(0)
    os.close(awaited)
    with open(ordered, "rb") as file:
        return Orders(**marshal.load(file))  # noqa: S302  (the engine wrote it)


class Supervisor:
    """What goes on once the command runs.

    Args:
        to_do: the orders.
        telling: the descriptor on which the engine is told.
    """

    def __init__(self, to_do: Orders, telling: int) -> None:
        self._to_do = to_do
        self._telling = telling
        self._status: int | None = None

    def tell(self, kind: bytes, payload: bytes = b"") -> None:
        """Tell the engine."""
        _tell(self._telling, kind, payload)

    def obey(self, heard: int) -> None:
        """Start the command, whose descriptor for reports this is, and attend to its end."""
        if path := looking.wrong(self._to_do):
            self.tell(OUTDATED, os.fsencode(path))
            return
        pid = _start(self._to_do, heard)
        if isinstance(pid, str):
            self.tell(REFUSED_START, pid.encode(errors="replace"))
        else:
            self.attend(pid)

    def attend(self, pid: int) -> None:
        """Wait until the command has ended or took too much, end the rest, and tell what came."""
        over = self._wait(pid) or watching.full(self._to_do)
        background = self._end_all(pid)
        status = -_KILL if self._status is None else self._status
        if self._to_do.produced and not over:
            folder, size = self._to_do.produced
            Leaving(self.tell, self._to_do.most_files, size).hand_out(folder)
        self.tell(ENDED, Ending(status, background, over).packed())

    def _wait(self, pid: int) -> tuple[str, int] | None:
        """What the command took too much of; None once it has ended."""
        poll = select.poll()
        poll.register(self._telling, 0)
        poll.register(os.pidfd_open(pid), select.POLLIN)
        while True:
            ready = poll.poll(self._to_do.look_ms)
            if any(descriptor == self._telling for descriptor, _ in ready):
                os._exit(1)  # the engine is gone
            self._reap(pid)
            if self._status is not None:
                return None
            if over := watching.over(self._to_do):
                return over

    def _reap(self, pid: int) -> int:
        """Take the dead off the process table; how many there were, -1 when nobody is left."""
        reaped = 0
        try:
            while True:
                found, status = os.waitpid(-1, os.WNOHANG)
                if found == 0:
                    return reaped
                reaped += 1
                if found == pid:
                    self._status = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            return -1

    def _end_all(self, pid: int) -> int:
        """How many processes were left but the command's own, which may be one of them."""
        left = [process.pid for process in watching.others() if not process.dead]
        for _ in range(_GONE_TICKS):
            try:
                os.kill(-1, _KILL)
            except ProcessLookupError:
                break
            if self._reap(pid) < 0:
                break
            select.select([], [], [], 0.001)
        return len([each for each in left if each != pid])


def _tell(telling: int, kind: bytes, payload: bytes = b"") -> None:
    """Tell the engine; without one, all ends here."""
    rest = frame(kind, payload)
    try:
        while rest:
            rest = rest[os.write(telling, rest) :]
    except OSError:
        os._exit(1)


def _call(name: str, *numbers: int) -> None:
    """Call a function of the system's library."""
    # The modules around this one take longer to load than the rest of the program.
    ours = _ctypes.dlopen(None, os.RTLD_NOW)  # pyright: ignore[reportArgumentType]
    _ctypes.call_function(_ctypes.dlsym(ours, name), numbers)


def _moved(descriptor: int) -> int:
    """The same with a number that is no command's; it is closed where a program begins."""
    copies = [os.dup(descriptor)]
    while copies[-1] < _SPARE:
        copies.append(os.dup(descriptor))
    for each in (descriptor, *copies[:-1]):
        os.close(each)
    return copies[-1]


def _start(to_do: Orders, heard: int) -> int | str:
    """The pid of the command, or why it cannot be started."""
    reading, writing = os.pipe()
    words = _moved(writing)
    pid = os.fork()
    if pid == 0:
        _become(to_do, heard, words)
    os.close(words)
    if heard >= 0:
        os.close(heard)
    with open(reading, "rb") as file:  # noqa: PTH123
        why = file.read()
    return why.decode(errors="replace") or pid


def _become(to_do: Orders, heard: int, words: int) -> NoReturn:
    """Turn this process into the command; what hinders it is written to `words`."""
    try:
        os.setsid()
        os.closerange(_hand_on(heard), words)
        os.closerange(words + 1, _MOST_DESCRIPTORS)
        _call("signal", _PIPE, _DEFAULT)
        _call("signal", _FILE_SIZE, _DEFAULT)
        # The supervisor comes before all others, where it may; a storm of processes cannot stop it.
        os.sched_setscheduler(0, to_do.policy, os.sched_param(0))
        _limit(to_do)
        _volunteer()
        env = dict(each.split(b"=", 1) for each in to_do.env)
        os.execve(to_do.argv[0], to_do.argv, env)  # noqa: S606
    except OSError as error:
        program = os.fsdecode(to_do.argv[0])
        os.write(words, f"cannot start {program} in the sandbox: {error.strerror}".encode())
    finally:
        os._exit(_CANNOT)


def _limit(to_do: Orders) -> None:
    """What the kernel alone sees to."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (to_do.file_bytes, to_do.file_bytes))
    major, minor = (int(each) for each in os.uname().release.split(".")[:2])
    if (major, minor) >= _COUNTS_BY_SANDBOX:
        most = to_do.processes * watching.THREADS_EACH + _SEEN_TO_EXCEED
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def _volunteer() -> None:
    """Where the machine runs out of memory, this process goes first, and not the engine."""
    _call("prctl", _SET_DUMPABLE, 1, 0, 0, 0)  # else its own files are not its own
    try:
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:
        return
    os.write(descriptor, b"1000")
    os.close(descriptor)


def _hand_on(heard: int) -> int:
    """Give the command its descriptor for reports, if it has one; the first that it has not."""
    if heard < 0:
        return HEARD
    if heard == HEARD:
        os.set_inheritable(heard, True)
    else:
        os.dup2(heard, HEARD)
    return HEARD + 1
