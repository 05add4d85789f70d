"""The sandbox round a command: what is told to bubblewrap so that it stands, and whether it can.

A command in it sees the system's programs, what its box names, and an empty home; its processes,
network, host name and shared memory are its own; it has no capabilities and can gain none.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from engine.executors.processes import CannotStartError, MachineLacksError
from engine.executors.protocol import Box

PROGRAM: Final = "bwrap"
HOME: Final = "/tmp/home"  # noqa: S108 (within the sandbox)
TMP: Final = "/tmp"  # noqa: S108
OWN_TMP: Final = "/tmp/own"  # noqa: S108
"""For temporary files where HOME stays: some programs want none of it below the other."""

SHM: Final = "/dev/shm"  # noqa: S108
PRODUCED: Final = "/produced"
SYSTEM: Final = Path("/usr")
USER: Final = "box"
_ID: Final = "1000"
_HIDDEN_BYTES: Final = "4096"

_SYSTEM: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC: Final = ("alternatives", "fonts", "ld.so.cache", "localtime")
_ETC_NETWORK: Final = (
    "ca-certificates", "gai.conf", "hosts", "pki", "protocols", "resolv.conf", "services",
    "ssl/certs",
)  # fmt: skip
_HOSTS: Final = "/etc/hosts"
_OURS: Final = {
    "/etc/passwd": f"{USER}:x:{_ID}:{_ID}::{HOME}:/bin/sh\n",
    "/etc/group": f"{USER}:x:{_ID}:\n",
    _HOSTS: "127.0.0.1 localhost box\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}

_PROC_FIXED: Final = ("pressure", "sys")
_PROC_MASKED: Final = ("kcore", "keys")
# An engine that is root outside owns these too, and to use that it needs no capability.
_PROC_FIXED_FOR_ROOT: Final = (
    "acpi", "asound", "bus", "driver", "fs", "irq", "mtrr", "scsi", "sysrq-trigger",
)  # fmt: skip
_PROC_MASKED_FOR_ROOT: Final = (
    "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "sched_debug", "slabinfo", "timer_list",
    "vmallocinfo",
)  # fmt: skip
_FIRST_IN_PROC: Final = "/proc/1"
_SYS: Final = ("/sys/devices/system/cpu", "/sys/devices/system/node")
"""How many processors there are; allocators of memory, that of the TPU compiler too, ask for it."""

_NO_PLACE: Final = tuple(map(Path, ("/", "/proc", "/dev", "/tmp", "/run", "/etc")))  # noqa: S108


def arguments(
    box: Box, cwd: Path, files: Sequence[tuple[str, int]], refused: int | None
) -> list[str]:
    """What stands before the first process of the sandbox.

    Args:
        box: what is seen.
        cwd: the command's folder.
        files: paths of small files of the sandbox's own, and descriptors of their content.
        refused: the descriptor of a filter for system calls, if there is one.

    Raises:
        CannotStartError: there is no bubblewrap, or the box cannot be as it is wanted.
    """
    _examine(box, cwd)
    return [
        *_walls(box),
        *(() if refused is None else ("--seccomp", str(refused))),
        *_system(network=box.network),
        *(word for path, number in files for word in ("--file", str(number), path)),
        *_kernel(nesting=box.nesting),
        *_scratch(box),
        *_named(box),
        *("--remount-ro", "/", "--chdir", str(cwd), "--"),
    ]


def own_files(*, network: bool) -> dict[str, bytes]:
    """Paths and content of the small files that a sandbox has of its own.

    Args:
        network: it has this machine's, and with it the names that this machine gives to others.
    """
    ours = {path: text for path, text in _OURS.items() if not (network and path == _HOSTS)}
    return {path: text.encode() for path, text in ours.items()}


@functools.cache
def program() -> tuple[str, str]:
    """The path of bubblewrap, and what it says of its options.

    Raises:
        MachineLacksError: it is not there, or too old.
    """
    path = shutil.which(PROGRAM)
    if path is None:
        raise MachineLacksError(f"there is no {PROGRAM} on PATH; install bubblewrap")
    said = subprocess.run([path, "--help"], capture_output=True, text=True, check=False)
    text = said.stdout + said.stderr
    if "--size" not in text:
        raise MachineLacksError(f"{path} is too old: 0.7 or later is needed")
    return path, text


def version() -> str:
    """Which bubblewrap it is; empty without one."""
    path = shutil.which(PROGRAM)
    if path is None:
        return ""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d[\d.]*", said.stdout)
    return found[0] if found else ""


def _examine(box: Box, cwd: Path) -> None:
    for path in (*box.read, *box.write):
        if not path.is_absolute() or path in _NO_PLACE:
            raise CannotStartError(f"the sandbox cannot show {path}")
        if not os.path.exists(path):  # noqa: PTH110
            # The command's own folder may be gone by its own doing, in an earlier command.
            whose = CannotStartError if path == cwd else MachineLacksError
            raise whose(f"{path} does not exist, so the sandbox cannot show it")
    shown = (*box.read, *box.write, SYSTEM)
    own = cwd in {Path(TMP), Path(HOME)}
    if not own and not any(cwd.is_relative_to(path) for path in shown):
        raise CannotStartError(f"the folder {cwd} is not among what the sandbox shows")


def _walls(box: Box) -> Iterator[str]:
    path, options = program()
    yield from (path, "--unshare-user", "--unshare-all", "--uid", _ID, "--gid", _ID)
    if box.network:
        yield "--share-net"
    if not box.nesting and "--disable-userns" in options:
        yield "--disable-userns"
    yield from ("--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL")
    yield from ("--hostname", USER)


@functools.cache
def _system(*, network: bool) -> tuple[str, ...]:
    return tuple(_of_system(network=network))


def _of_system(*, network: bool) -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    prefix = Path(sys.base_prefix)
    if not prefix.is_relative_to("/usr"):
        yield from ("--ro-bind", str(prefix), str(prefix))
    for path in _there("/etc", (*_ETC, *(_ETC_NETWORK if network else ()))):
        yield from ("--ro-bind", path, path)


@functools.cache
def _there(folder: str, names: tuple[str, ...]) -> list[str]:
    """The paths of those that there are."""
    return [path for name in names if os.path.exists(path := f"{folder}/{name}")]  # noqa: PTH110


def _kernel(*, nesting: bool) -> Iterator[str]:
    yield from ("--proc", "/proc")
    root = os.geteuid() == 0
    # A sandbox within can have a /proc of its own only where nothing covers this one.
    if root or not nesting:
        yield from ("--size", _HIDDEN_BYTES, "--tmpfs", _FIRST_IN_PROC)
        yield from ("--remount-ro", _FIRST_IN_PROC)
        for name in _there("/proc", _PROC_FIXED + (_PROC_FIXED_FOR_ROOT if root else ())):
            yield from ("--ro-bind", name, name)
        for name in _there("/proc", _PROC_MASKED + (_PROC_MASKED_FOR_ROOT if root else ())):
            yield from ("--ro-bind", os.devnull, name)
    yield from ("--dev", "/dev")
    for path in _SYS:
        yield from ("--ro-bind-try", path, path)


def _scratch(box: Box) -> Iterator[str]:
    for path in (SHM, TMP):
        yield from ("--size", str(box.scratch_bytes), "--tmpfs", path)
    yield from ("--dir", HOME if box.home is None else OWN_TMP, "--remount-ro", "/dev")
    if box.collects is not None:
        yield from ("--size", str(box.produced_bytes), "--tmpfs", PRODUCED)


def _named(box: Box) -> Iterator[str]:
    """What the box names: the outer before the inner, so that the more particular word counts."""
    named = [(path, 0, "--ro-bind") for path in box.read]
    named += [(path, 0, "--bind") for path in box.write]
    named += [(path, 1, "") for path in masked(box)]  # where both name the same, it is masked
    folders: list[str] = []
    for path, _, option in sorted(named, key=lambda each: (len(each[0].parts), *each)):
        if option:
            yield from (option, str(path), str(path))
        elif path.is_dir():
            yield from ("--size", _HIDDEN_BYTES, "--tmpfs", str(path))
            folders.append(str(path))
        elif path.exists():
            yield from ("--ro-bind", os.devnull, str(path))
    for folder in folders:  # what is shown within one needs a place there first
        yield from ("--remount-ro", folder)


def masked(box: Box) -> set[Path]:
    """Where the box would show what it is to hide."""
    shown = (*box.read, *box.write, SYSTEM, Path(sys.base_prefix))
    real = [(path, _real(path)) for path in dict.fromkeys(shown)]
    return {place for path in box.hide for place in _places(_real(path), real)}


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _places(real: str, shown: Sequence[tuple[Path, str]]) -> Iterator[Path]:
    """Where the sandbox would show what really lies at the path, by the folders and what they are.

    Through whatever links it is named.
    """
    for folder, where in shown:
        if real == where or real.startswith(f"{where}{os.sep}"):
            yield folder / real[len(where) + 1 :]
