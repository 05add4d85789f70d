"""Whether a sandbox works on this machine, found out by making one."""

import functools
import os
import subprocess
from contextlib import ExitStack
from typing import Final

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


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one works; if not, why. `version` is bubblewrap's, empty without one."""

    works: bool
    why: str = ""
    version: str = ""


@functools.cache
def available() -> Sandbox:
    """Whether a command can be run in a sandbox here.

    Cost: one command in a sandbox, the first time; it blocks.
    """
    version = sandbox.version()
    try:
        trouble = _try()
    except (CannotStartError, OSError, subprocess.SubprocessError) as error:
        trouble = str(error)
    return Sandbox(works=not trouble, why=trouble, version=version)


def _try() -> str:
    """What is wrong with a sandbox here; nothing if it works."""
    command = Command(
        run="exit 7", cwd=sandbox.SYSTEM, env={}, marker=Marker("trial", "trial#1"), box=Box()
    )
    with ExitStack() as opened:
        boxed = Boxed(command, Box(), opened, None)
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
    if ended is not None and wire.unpacked(ended).status == 7:
        return ""
    said = told.get(wire.REFUSED_START) or process.stderr
    return _words(said.decode(errors="replace").strip() or "it ended without a word")


def _words(said: str) -> str:
    for beginning, reason in _REASONS.items():
        if beginning in said:
            return f"{reason}: {said.splitlines()[0]}"
    return said.splitlines()[-1]
