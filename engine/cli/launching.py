"""Starting the engine in the background and waiting until the run is its own."""

import os
import sys
import time
from pathlib import Path
from typing import Final

from engine.cli.exits import Exit, fail
from engine.cli.request import Request, make_folder, refuse_held
from engine.core.duration import format_duration
from engine.executors.detached import spawn_detached
from engine.runfolder import RunPaths, heartbeat, lock

READY_S: Final = 60.0
LOOK_S: Final = 0.02


def launch(request: Request) -> int:
    """Start the engine in the background; its pid, once it holds the run.

    Exits as the engine does when it refuses the run.
    """
    paths = request.paths
    make_folder(paths)
    holder = lock.holder(paths.lock)
    if holder is not None:
        sys.exit(refuse_held(paths, holder))
    written = _size(paths.engine_log)
    try:
        engine = spawn_detached(_command(request), paths.engine_log)
    except OSError as error:
        fail(f"the engine cannot be started: {error}", Exit.UNUSABLE)
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        status = engine.poll()
        if status is not None:
            _retell(paths.engine_log, written)
            if status in (Exit.WRONG, Exit.UNUSABLE):
                _forget(paths.engine_log, written)
            sys.exit(status)
        if _works(paths, engine.pid):
            return engine.pid
        time.sleep(LOOK_S)
    return fail(
        f"the engine (pid {engine.pid}) is not ready; see {paths.engine_log}", Exit.UNUSABLE
    )


def _works(paths: RunPaths, pid: int) -> bool:
    """Whether the engine has taken the run: it holds the lock while it looks at the journal too.

    On a full disk the lock cannot be signed; then the heartbeat says it, a little later.
    """
    if lock.holder(paths.lock) != pid:
        return False
    owner, beat = lock.owner(paths.lock), heartbeat.read(paths.heartbeat)
    return pid in (owner and owner.pid, beat and beat.pid)


def _command(request: Request) -> list[str]:
    """The command line of the same run without a screen."""
    words = [sys.executable, "-P", "-m", "engine", "run", str(request.loaded.path), "--no-ui"]
    words += ["--run-dir", str(request.paths.root), "--name", request.run]
    words += ["--seed", str(request.seed), "--slots", str(request.slots)]
    if request.iterations is not None:
        words += ["--iterations", str(request.iterations)]
    if request.for_s is not None:
        words += ["--for", format_duration(request.for_s)]
    if request.accept_changes:
        words += ["--accept-changes"]
    if request.exit_on_halt:
        words += ["--exit-on-halt"]
    if request.unsealed:
        words += ["--unsealed"]
    return words + [word for item in request.overrides for word in ("--set", item)]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _forget(log: Path, size_bytes: int) -> None:
    """Leave the log of a run that was refused as it was: nothing was changed, says the refusal."""
    if size_bytes:
        os.truncate(log, size_bytes)
    else:
        log.unlink()


def _retell(log: Path, start: int) -> None:
    """Print what the engine said before it ended."""
    with log.open("rb") as file:
        os.lseek(file.fileno(), start, os.SEEK_SET)
        sys.stderr.write(file.read().decode(errors="replace"))
