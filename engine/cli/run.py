"""`controlroom run`: here, detached, or detached with the screen in front."""

import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from engine.cli.exits import Exit, fail
from engine.cli.screen import become_screen, require_terminal
from engine.core.campaign.load import LoadedCampaign, load_campaign
from engine.core.campaign.problems import CampaignError
from engine.core.duration import format_duration, parse_duration
from engine.core.ids import RunId
from engine.executors.detached import spawn_detached
from engine.runfolder import RunPaths, create_run_folder, lock

READY_S: Final = 60.0
LOOK_S: Final = 0.02


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the command line asks for it."""

    loaded: LoadedCampaign
    overrides: tuple[str, ...]
    paths: RunPaths
    run: RunId
    seed: int
    slots: int
    iterations: int | None
    for_s: float | None
    accept_changes: bool
    as_json: bool


def run(**options: Any) -> None:
    """Do what `controlroom run` was asked to do; never returns into the command line."""
    loaded = _load(options["config"], options["set_"])
    request = _request(loaded, options)
    if options["no_ui"]:
        from engine.cli.foreground import foreground

        sys.exit(foreground(request))
    if options["as_json"]:
        fail(
            "--json goes with --no-ui; for a run in the background use `controlroom events --json`"
        )
    if not options["detach"]:
        require_terminal("controlroom run CONFIG --no-ui")
    pid = _start(request)
    if options["detach"]:
        click.echo(f"{request.run} {pid}")
        return
    become_screen(request.paths.root)


def _load(config: Path, overrides: tuple[str, ...]) -> LoadedCampaign:
    try:
        return load_campaign(config, overrides)
    except CampaignError as error:
        fail(f"the campaign cannot be used:\n{error}")


def _request(loaded: LoadedCampaign, options: dict[str, Any]) -> Request:
    seed: int = loaded.campaign.seed if options["seed"] is None else options["seed"]
    name: str = options["name"] or f"{loaded.campaign.campaign}-s{seed}"
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        fail(f"--name {name!r}: use letters, digits, - _ and .")
    name, paths = _place(name, options["run_dir"], fresh=options["new"])
    return Request(
        loaded=loaded,
        overrides=options["set_"],
        paths=paths,
        run=RunId(name),
        seed=seed,
        slots=options["slots"] or loaded.campaign.slots,
        iterations=options["iterations"],
        for_s=_duration(options["for_"]),
        accept_changes=options["accept_changes"],
        as_json=options["as_json"],
    )


def _place(name: str, run_dir: Path | None, *, fresh: bool) -> tuple[str, RunPaths]:
    """The run's name and folder; with `fresh`, the first that is free."""
    if run_dir is not None:
        paths = RunPaths(run_dir.absolute())
        if fresh and paths.journal.exists():
            fail(f"--new: there is a run in {run_dir} already; choose another folder")
        return name, paths
    paths, tried = RunPaths.of(Path.cwd(), name), name
    number = 2
    while fresh and paths.root.exists():
        tried, number = f"{name}-{number}", number + 1
        paths = RunPaths.of(Path.cwd(), tried)
    return tried, paths


def _duration(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        fail(f"--for {text!r}: {error}")


def make_folder(paths: RunPaths) -> None:
    """The run's folders; exits with 5 when they cannot be made."""
    try:
        create_run_folder(paths.root)
    except OSError as error:
        fail(f"the run folder {paths.root} cannot be made: {error.strerror}", Exit.UNUSABLE)


def refuse_held(paths: RunPaths, pid: int) -> int:
    """Say that another engine holds the run; the exit status."""
    print(  # noqa: T201
        f"controlroom: {paths.root} is held by the engine with pid {pid}; watch it with"
        f" `controlroom attach {paths.root}`",
        file=sys.stderr,
    )
    return Exit.WRONG


def _start(request: Request) -> int:
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
            sys.exit(status)
        if lock.holder(paths.lock) == engine.pid and paths.journal.exists():
            return engine.pid
        time.sleep(LOOK_S)
    return fail(
        f"the engine (pid {engine.pid}) is not ready; see {paths.engine_log}", Exit.UNUSABLE
    )


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
    return words + [word for item in request.overrides for word in ("--set", item)]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _retell(log: Path, start: int) -> None:
    """Print what the engine said before it ended."""
    with log.open("rb") as file:
        os.lseek(file.fileno(), start, os.SEEK_SET)
        sys.stderr.write(file.read().decode(errors="replace"))
