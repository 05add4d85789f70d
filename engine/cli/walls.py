"""The sandbox that a campaign's agent gets: what the campaign and this machine have to show."""

import os
from collections.abc import Iterator
from pathlib import Path

from engine.agents import homes
from engine.agents.protocol import Confinement
from engine.agents.walls import Walls, credentials, has_network, walls_of
from engine.checks.environment import EnvironmentFailedError, environments_folder, find_interpreter
from engine.cli.request import Request
from engine.core.campaign.environment import InterpreterEnvironment
from engine.core.campaign.models import Campaign
from engine.core.campaign.proposers import AgentSpec
from engine.executors.interpreters import interpreter_folders
from engine.runfolder.paths import WORK_FOLDER
from engine.workspace.borrowed import git_folders, object_folders


def confined(campaign: Campaign) -> bool:
    """Whether every agent of the campaign gets a sandbox here; cost as of `walls_of`."""
    return all(walls_of(spec).stand for spec in campaign.agents)


def confinement(
    request: Request, campaign: Campaign, spec: AgentSpec, walls: Walls
) -> Confinement | None:
    """The sandbox; None where there is none."""
    if not walls.stand:
        return None
    person = Path(os.environ.get("HOME") or Path.home())
    needed = [each for each in _interpreter(request, campaign) if not person.is_relative_to(each)]
    script = () if spec.script is None else (request.loaded.beside(spec.script),)
    named = [each for name in campaign.sandbox.read for each in _named(request, name)]
    return Confinement(
        read=(*needed, *script, *named, *_of_repository(request, campaign)),
        write=tuple(_git_of_checkout(request, campaign)),
        hide=tuple(_hidden(request, person)),
        hide_in_tree=hidden_in_tree(request, campaign),
        person=person,
        network=has_network(spec),
        nesting=walls.nesting,
        own_proc=walls.own_proc,
    )


def hidden_in_tree(request: Request, campaign: Campaign) -> tuple[Path, ...]:
    """What is the judge's alone, from the top of a tree.

    An agent that saw it could leave a copy elsewhere, for the candidate's half to read.
    """
    loaded = request.loaded
    within = loaded.root.relative_to(loaded.repo) if loaded.repo is not None else Path()
    return tuple(within / name for name in campaign.sandbox.hide)


def _named(request: Request, name: str) -> tuple[Path, Path]:
    """A place that the campaign names, and where it really is."""
    path = os.path.normpath(request.loaded.beside(name).absolute())
    return Path(path), Path(os.path.realpath(path))


def _interpreter(request: Request, campaign: Campaign) -> Iterator[Path]:
    """What the Python of the checks needs: an agent tries its change with it."""
    environment, loaded = campaign.environment, request.loaded
    if isinstance(environment, InterpreterEnvironment):
        name = environment.interpreter
    else:
        yield environments_folder(request.paths)
        name = "path"
    try:
        yield from interpreter_folders(find_interpreter(name, loaded.root, os.environ))
    except EnvironmentFailedError:
        return  # the run itself says so


def _of_repository(request: Request, campaign: Campaign) -> Iterator[Path]:
    """Objects, which its tree borrows, and what is linked; no ref, no setting, no checkout.

    Where something is hidden no objects either: git would show it out of the history.
    """
    repo, spec = request.loaded.repo, campaign.workspace
    if repo is None or spec is None:
        return
    if spec.mode == "worktree":
        yield from () if campaign.sandbox.hide else object_folders(repo)
    else:  # else git there would take what is shown of the run for the person's
        yield from (folder / ".gitignore" for folder in _work_folders(request))
    yield from (repo / link for link in spec.link)


def _git_of_checkout(request: Request, campaign: Campaign) -> Iterator[Path]:
    """In the person's own checkout git is the person's; its files may lie elsewhere."""
    repo, spec = request.loaded.repo, campaign.workspace
    if repo is not None and spec is not None and spec.mode == "in-place":
        yield from (each for each in git_folders(repo) if not each.is_relative_to(repo))


def _hidden(request: Request, person: Path) -> Iterator[Path]:
    """What nothing that is shown may let through: runs, logins, what opens other machines."""
    yield request.paths.root
    yield from _work_folders(request)
    yield homes.data_folder(os.environ).absolute()
    yield from (person / name for name in credentials())


def _work_folders(request: Request) -> list[Path]:
    return [each for each in request.paths.root.parents if each.name == WORK_FOLDER]
