"""Finding runs: by name, by path, or the newest one of a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.client.errors import NoSuchRun
from engine.runfolder import WORK_FOLDER, RunPaths, lock


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a folder. `started` is when an engine last took it, in seconds since 1970."""

    name: str
    path: Path
    started: float
    live: bool


def find_run(run: str | Path | None, folder: Path) -> Path:
    """The folder of a run.

    Args:
        run: a name among the runs of `folder`, a path, or None for the newest one.
        folder: the working folder.

    Raises:
        NoSuchRun: there is none; the message names those that are there.
    """
    if run is None:
        return _newest(folder)
    named = RunPaths.of(folder, str(run))
    if len(Path(run).parts) == 1 and _is_run(named.root):
        return named.root
    path = folder / Path(run).expanduser()
    if _is_run(path):
        return path.absolute()
    raise NoSuchRun(_missing(run, path, folder))


def _newest(folder: Path) -> Path:
    runs = list_runs(folder)
    if not runs:
        raise NoSuchRun(
            f"no run in {folder / WORK_FOLDER / 'runs'}: start one with `controlroom run CONFIG`, "
            "or name one by its path"
        )
    return runs[0].path


def list_runs(folder: Path) -> list[RunSummary]:
    """The runs of a working folder, the one that was started last first."""
    found = [_summary(path) for path in _run_folders(folder)]
    return sorted(found, key=lambda run: (-run.started, run.name))


def _run_folders(folder: Path) -> Iterator[Path]:
    try:
        paths = list((folder.absolute() / WORK_FOLDER / "runs").iterdir())
    except OSError:
        return iter(())
    return (path for path in paths if _is_run(path))


def _is_run(path: Path) -> bool:
    paths = RunPaths(path)
    try:
        return paths.journal.exists() or paths.lock.exists()
    except OSError:
        return False


def _summary(path: Path) -> RunSummary:
    paths = RunPaths(path)
    return RunSummary(
        name=path.name, path=path, started=_started(paths), live=lock.holder(paths.lock) is not None
    )


def _started(paths: RunPaths) -> float:
    # The lock file is written when an engine takes the run, and at no other time: with two live
    # runs "the newest" does not change from one command to the next.
    for path in (paths.lock, paths.journal, paths.root):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0


def _missing(run: str | Path, path: Path, folder: Path) -> str:
    names = [each.name for each in list_runs(folder)]
    if os.path.isdir(path):  # noqa: PTH112  (a name that is too long is no folder either)
        return f"{path} is a folder, but no run is in it (no journal.sqlite)"
    if not names:
        return f"no run {str(run)!r}: there are no runs in {folder / WORK_FOLDER / 'runs'}"
    return f"no run {str(run)!r}; the runs here are: {', '.join(names[:10])}"
