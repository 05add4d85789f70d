"""Becoming the screen: another program takes this process over, so that the engine knows none."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from engine.cli.exits import fail
from engine.client import NoSuchRun, find_run


def attach(run: str | None) -> None:
    """Open the screen on a run."""
    try:
        path = find_run(run, Path.cwd())
    except NoSuchRun as error:
        fail(str(error))
    require_terminal("controlroom status")
    become_screen(path)


def require_terminal(instead: str) -> None:
    """Exit with 2 where no screen can be drawn.

    Args:
        instead: the command that works without one.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail(f"the screen needs a terminal; without one use `{instead}`")
    if os.environ.get("TERM", "") in ("", "dumb"):
        fail(f"the screen needs a terminal that can move its cursor; use `{instead}`")


def become_screen(run_dir: Path) -> NoReturn:
    """Replace this process by the screen."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "tui", str(run_dir)])  # noqa: S606
