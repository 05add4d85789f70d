"""Which process it is: a pid alone is given to another process sooner or later."""

import os
from pathlib import Path
from typing import Final

import msgspec

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_STATE, _START_TICKS = 0, 19  # fields 3 and 22 of /proc/PID/stat, counted after the name


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A process of this or of another machine.

    `start_ticks` are clock ticks since boot; 0, and an empty boot id, where the system has no
    /proc to tell.
    """

    pid: int
    start_ticks: int
    boot_id: str
    host: str


def own() -> Identity:
    """The identity of this process."""
    pid = os.getpid()
    return Identity(
        pid=pid, start_ticks=start_ticks(pid) or 0, boot_id=boot_id(), host=os.uname().nodename
    )


def start_ticks(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; None when there is none, or no /proc.

    A process that ended and that nobody waited for counts as gone.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name, in parentheses, may hold spaces and parentheses itself.
    fields = text[text.rindex(b")") + 2 :].split()
    return None if fields[_STATE] in {b"Z", b"X"} else int(fields[_START_TICKS])


def boot_id() -> str:
    """What tells this boot of the machine from all others; empty where it is not known."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def is_alive(identity: Identity) -> bool:
    """Whether exactly this process runs on this machine now."""
    if identity.host != os.uname().nodename or identity.boot_id != boot_id():
        return False
    if identity.start_ticks:
        return start_ticks(identity.pid) == identity.start_ticks
    try:
        os.kill(identity.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
