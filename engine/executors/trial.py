"""Whether a sandbox works on this machine, found out by making one."""

import functools
import os
import shlex
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from engine.executors import sandbox
from engine.executors.boxed import Boxed
from engine.executors.inside import wire
from engine.executors.processes import CannotStartError
from engine.executors.protocol import Box, Command, Marker

_DEADLINE_S: Final = 20.0
_REASONS: Final = {
    "Can't mount proc": "this is itself inside a sandbox or container that covers parts of /proc",
    "No permissions to creat": "user namespaces are forbidden here (a setting of the system's)",
    "setting up uid map": "user namespaces are restricted here (a setting of the system's)",
    "Creating new namespace failed": "user namespaces are forbidden here, or used up",
}
_DONE, _NO_PROC = 7, 8
_WITHIN: Final = "--unshare-user --unshare-pid --ro-bind / / --dev /dev"
"""As agents' own sandboxes are made, whatever else they have."""


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one works; if not, why. `version` is bubblewrap's, empty without one."""

    works: bool
    why: str = ""
    version: str = ""


class Nesting(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a sandbox within a sandbox works; if not, why.

    `own_proc` tells whether the inner one can have a /proc of its own. Where the engine is root it
    cannot: the outer one covers what root owns of it.
    """

    works: bool
    why: str = ""
    own_proc: bool = False


@functools.cache
def available() -> Sandbox:
    """Whether a command can be run in a sandbox here.

    Cost: one command in a sandbox, the first time; it blocks.
    """
    version, ended = sandbox.version(), _tried(f"exit {_DONE}", Box())
    trouble = "" if ended.status == _DONE else ended.words
    return Sandbox(works=not trouble, why=trouble, version=version)


@functools.cache
def nesting() -> Nesting:
    """Whether what runs in a sandbox can make another one within, as some agents do.

    Cost: as `available`.
    """
    outer = available()
    if not outer.works:
        return Nesting(works=False, why=outer.why)
    path = Path(sandbox.program()[0]).resolve()
    inner = f"{shlex.quote(str(path))} {_WITHIN}"
    script = (
        f"{inner} --proc /proc true 2>/dev/null && exit {_DONE}; "
        f"{inner} true && exit {_NO_PROC}; exit 1"
    )
    shown = () if path.is_relative_to(sandbox.SYSTEM) else (path,)
    ended = _tried(script, Box(read=shown, nesting=True))
    if ended.status in (_DONE, _NO_PROC):
        return Nesting(works=True, own_proc=ended.status == _DONE)
    return Nesting(works=False, why=ended.words)


class _Tried(NamedTuple):
    """How a script in a sandbox ended, if it began; else what was said of it."""

    status: int | None
    words: str


def _tried(script: str, box: Box) -> _Tried:
    try:
        return _run(script, box)
    except (CannotStartError, OSError, subprocess.SubprocessError) as error:
        return _Tried(None, str(error))


def _run(script: str, box: Box) -> _Tried:
    command = Command(
        run=script, cwd=sandbox.SYSTEM, env={}, marker=Marker("trial", "trial#1"), box=box
    )
    with ExitStack() as opened:
        boxed = Boxed(command, box, opened, None)
        launch = boxed.launch
        process = subprocess.run(
            launch.argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=launch.cwd,
            env=launch.env,
            pass_fds=launch.handed,
            timeout=_DEADLINE_S,
            check=False,
        )
        boxed.started()
        told = dict(wire.Frames().feed(os.read(boxed.pipe.reading_end, 1 << 16)))
    ended = told.get(wire.ENDED)
    said = told.get(wire.REFUSED_START) or process.stderr
    words = _words(said.decode(errors="replace").strip() or "it ended without a word")
    return _Tried(None if ended is None else wire.unpacked(ended).status, words)


def _words(said: str) -> str:
    for beginning, reason in _REASONS.items():
        if beginning in said:
            return f"{reason}: {said.splitlines()[0]}"
    return said.splitlines()[-1]
