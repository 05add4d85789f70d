"""System calls that a command in a sandbox is refused, as a filter for the kernel.

They are those with which memory is taken that nobody counts, namespaces are made, and what belongs
to the whole machine is reached: keys, kernel programs, counters, what is typed into a terminal.
"""

import errno
import platform
import struct
import termios
from typing import Final

import msgspec

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24  # offsets of what is looked at
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000
_NEW_USER: Final = 0x10000000
_NEW_CGROUP: Final = 0x02000000
"""Who has one of its own may mount the control groups, and with root's rights outside freeze or
kill what is in the same group as the engine: this is refused to sandboxes within, too."""

_OTHER_NUMBERS: Final = 0x40000000
"""From here on the numbers on x86-64 are those of another convention, for the same calls."""

_LINUX_TERMINAL: Final = 0x541C
_FIRST_PROCESS: Final = 1
_OF_USER: Final = (2, 3)
"""All processes of a user at once, for each of `priorities`."""


class _Machine(msgspec.Struct, frozen=True, kw_only=True):
    architecture: int
    ioctl: int
    clone: int
    unshare: int
    of_others: tuple[int, ...]
    priorities: tuple[int, ...]
    harmful: tuple[int, ...]
    uncounted: tuple[int, ...]


# Their numbers, in this order:
#   of_others   prlimit64 sched_setparam sched_setscheduler sched_setaffinity sched_setattr
#   priorities  setpriority ioprio_set
#   harmful     add_key request_key keyctl perf_event_open open_by_handle_at bpf kexec_load
#               kexec_file_load init_module finit_module delete_module userfaultfd io_uring_setup
#               clone3, whose flags no filter sees: who wants it uses clone instead
#   uncounted   memfd_create memfd_secret shmget msgget
# Who has the same user may set limits and priorities of the first process, and so end it.
_MACHINES: Final = {
    "x86_64": _Machine(
        architecture=0xC000003E,
        ioctl=16,
        clone=56,
        unshare=272,
        of_others=(302, 142, 144, 203, 314),
        priorities=(141, 251),
        harmful=(248, 249, 250, 298, 304, 321, 246, 320, 175, 313, 176, 323, 425, 435),
        uncounted=(319, 447, 29, 68),
    ),
    "aarch64": _Machine(
        architecture=0xC00000B7,
        ioctl=29,
        clone=220,
        unshare=97,
        of_others=(261, 118, 119, 122, 274),
        priorities=(140, 30),
        harmful=(217, 218, 219, 241, 265, 280, 104, 294, 105, 273, 106, 282, 425, 435),
        uncounted=(279, 447, 194, 186),
    ),
}


def program(*, nesting: bool) -> bytes:
    """The filter; empty on a machine whose numbers are not known.

    Args:
        nesting: leave what is needed for a sandbox within.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return b""
    missing = _REFUSE | errno.ENOSYS
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        *_refused(machine.architecture, missing, otherwise=True),
        (_LOAD, 0, 0, _NUMBER),
        *((_AT_LEAST, 0, 1, _OTHER_NUMBERS), (_ANSWER, 0, 0, missing)),
    ]
    for number in machine.harmful:
        steps += _refused(number, missing)
    for number in machine.of_others:
        steps += _guarded(number, [(_FIRST, _FIRST_PROCESS)])
    for number, of_user in zip(machine.priorities, _OF_USER, strict=True):
        steps += _guarded(number, [(_SECOND, _FIRST_PROCESS), (_FIRST, of_user)])
    steps += _guarded(machine.ioctl, [(_SECOND, termios.TIOCSTI), (_SECOND, _LINUX_TERMINAL)])
    if not nesting:
        for number in machine.uncounted:
            steps += _refused(number, missing)
    spaces = _NEW_CGROUP if nesting else _NEW_CGROUP | _NEW_USER
    for number in (machine.clone, machine.unshare):
        steps += _guarded(number, [(_FIRST, spaces)], comparison=_ANY_BIT)
    steps.append((_ANSWER, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


_Step = tuple[int, int, int, int]


def _refused(value: int, answer: int, *, otherwise: bool = False) -> list[_Step]:
    """Give the answer where what was loaded is the value, or where it is not."""
    on_equal, on_other = (1, 0) if otherwise else (0, 1)
    return [(_EQUAL, on_equal, on_other, value), (_ANSWER, 0, 0, answer)]


def _guarded(number: int, values: list[tuple[int, int]], comparison: int = _EQUAL) -> list[_Step]:
    """Refuse a call only where one of its arguments has some value."""
    inner: list[_Step] = []
    for argument, value in values:
        inner += [(_LOAD, 0, 0, argument), (comparison, 0, 1, value)]
        inner.append((_ANSWER, 0, 0, _REFUSE | errno.EPERM))
    inner.append((_ANSWER, 0, 0, _ALLOW))
    return [(_EQUAL, 0, len(inner), number), *inner]
