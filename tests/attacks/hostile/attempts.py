"""What the hostile programs share: try something, and say whether it worked."""

import ctypes
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORLD: dict[str, Any] = json.loads(Path(__file__).with_name("world.json").read_text())
"""Where everything is that is not to be reached: an attacker may know it all."""

NUMBERS = {  # on x86-64 and on aarch64
    "add_key": (248, 217),
    "bpf": (321, 280),
    "finit_module": (313, 273),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "open_by_handle_at": (304, 265),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "shmget": (29, 194),
    "userfaultfd": (323, 282),
}

LIBC = ctypes.CDLL(None, use_errno=True)


def attempt(name: str, action: Callable[[], object]) -> None:
    """Print `GOT name` when the action comes back, `held name` when it is refused.

    With words on the command line only what they name is tried.
    """
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    try:
        gained = action()
    except BaseException as error:  # noqa: BLE001
        print(f"held {name}: {type(error).__name__}: {error}", flush=True)
    else:
        print(f"GOT {name}: {str(gained)[:200]}", flush=True)


def call(name: str, *words: Any) -> int:
    """A function of the system's library; OSError where it says -1."""
    ctypes.set_errno(0)
    answer = getattr(LIBC, name)(*words)
    if answer == -1:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return answer


def system_call(name: str, *words: Any) -> int:
    """A system call that the library has no function for."""
    number = NUMBERS[name][0 if platform.machine() == "x86_64" else 1]
    return call("syscall", ctypes.c_long(number), *words)
