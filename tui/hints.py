"""The command lines that a person is told, right for the folder they are in."""

import os
import shlex
from pathlib import Path

from engine.core.state import RunState

RUNS = Path(".controlroom") / "runs"


def attach_command(run_dir: Path, folder: Path) -> str:
    """The command that opens this screen again."""
    return f"controlroom attach {shlex.quote(_name_or_path(run_dir, folder))}"


def resume_command(state: RunState | None, run_dir: Path, folder: Path) -> str:
    """The command that goes on with the run where it is."""
    if state is None:
        return "the same `controlroom run` command"
    words = ["controlroom", "run", _relative(Path(state.campaign_path), folder)]
    words += ["--seed", str(state.seed)]
    if not _among_runs(run_dir, folder):
        words += ["--run-dir", _relative(run_dir, folder)]
    elif run_dir.name != f"{state.campaign}-s{state.seed}":
        words += ["--name", run_dir.name]
    return shlex.join(words)


def farewell(*, live: bool, word: str, attach: str, resume: str) -> str:
    """What is said after the screen was closed."""
    if live:
        return f"The run goes on without the screen. Come back with:  {attach}"
    return f"No engine works on the run now ({word}). Go on with:  {resume}"


def _name_or_path(run_dir: Path, folder: Path) -> str:
    return run_dir.name if _among_runs(run_dir, folder) else _relative(run_dir, folder)


def _among_runs(run_dir: Path, folder: Path) -> bool:
    return run_dir.absolute().parent == folder.absolute() / RUNS


def _relative(path: Path, folder: Path) -> str:
    """The path as seen from the folder, unless that leads far up."""
    short = os.path.relpath(folder / path, folder)
    return str(path) if short.startswith("../..") else short
