"""A run as the command line asks for it."""

import re
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.cli.exits import Exit, fail
from engine.core.campaign.load import LoadedCampaign
from engine.core.duration import parse_duration
from engine.core.ids import RunId
from engine.runfolder import RunPaths, create_run_folder

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


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
    exit_on_halt: bool
    unsealed: bool
    as_json: bool


def request_of(
    loaded: LoadedCampaign, overrides: tuple[str, ...], options: dict[str, Any]
) -> Request:
    """What the options ask for; exits with 2 when they make no sense."""
    seed: int = loaded.campaign.seed if options["seed"] is None else options["seed"]
    name: str = options["name"] or f"{loaded.campaign.campaign}-s{seed}"
    if not NAME.fullmatch(name):
        fail(
            f"--name {name!r}: use at most 100 letters, digits, - _ and ., a letter or digit first"
        )
    name, paths = _place(name, options["run_dir"], fresh=options["new"])
    return Request(
        loaded=loaded,
        overrides=overrides,
        paths=paths,
        run=RunId(name),
        seed=seed,
        slots=options["slots"] or loaded.campaign.slots,
        iterations=options["iterations"],
        for_s=_duration(options["for_"]),
        accept_changes=options["accept_changes"],
        exit_on_halt=options["exit_on_halt"],
        unsealed=options["unsealed"],
        as_json=options["as_json"],
    )


def _place(name: str, run_dir: Path | None, *, fresh: bool) -> tuple[str, RunPaths]:
    """The run's name and folder; with `fresh`, the first that is free."""
    if run_dir is not None:
        paths = RunPaths(run_dir.absolute())
        _refuse_foreign(paths)
        if fresh and paths.journal.exists():
            fail(f"--new: there is a run in {run_dir} already; choose another folder")
        return name, paths
    paths, tried = RunPaths.of(Path.cwd(), name), name
    number = 2
    while fresh and paths.root.exists():
        tried, number = f"{name}-{number}", number + 1
        paths = RunPaths.of(Path.cwd(), tried)
    return tried, paths


def _refuse_foreign(paths: RunPaths) -> None:
    """Exit with 2 when the folder is used for something else: a run tidies up in its own."""
    if paths.journal.exists() or paths.lock.exists() or not paths.root.is_dir():
        return
    ours = {paths.pause.name, paths.inbox.name, paths.logs.name}
    foreign = [
        entry.name
        for entry in sorted(paths.root.iterdir())
        if entry.name not in ours and not (entry in (paths.steps, paths.artifacts) and _bare(entry))
    ]
    if foreign:
        fail(
            f"--run-dir {paths.root}: the folder holds other things ({foreign[0]}, say); "
            "name a new one"
        )


def _bare(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


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
        fail(
            f"the run folder {paths.root} cannot be made: {error.strerror}; choose another one:"
            " --run-dir DIR",
            Exit.UNUSABLE,
        )


def refuse_held(paths: RunPaths, pid: int) -> int:
    """Say that another engine holds the run; the exit status."""
    print(  # noqa: T201
        f"controlroom: {paths.root} is held by the engine with pid {pid}; watch it with"
        f" `controlroom attach {paths.root}`",
        file=sys.stderr,
    )
    return Exit.WRONG
