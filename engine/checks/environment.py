"""What `{python}` stands for: a Python that is there, or one that is made for the run."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from engine.checks.interpreter import EnvironmentFailedError, Interpreter, find_interpreter
from engine.checks.making import Maker, Recipe
from engine.core.campaign.environment import (
    Environment,
    InterpreterEnvironment,
    UvEnvironment,
    VenvEnvironment,
)
from engine.executors.protocol import Executor
from engine.runfolder.paths import WORK_FOLDER, RunPaths

__all__ = ["EnvironmentFailedError", "Interpreter", "find_interpreter", "prepare"]


async def prepare(
    environment: Environment,
    root: Path,
    paths: RunPaths,
    *,
    executor: Executor,
    environ: Mapping[str, str] | None = None,
) -> Interpreter:
    """The interpreter for the checks of a run; an environment is made when it is not there yet.

    What making it prints goes to `logs/environment.log` of the run. When several runs need the
    same environment at once, one makes it and the others wait.

    Raises:
        EnvironmentFailedError: there is no such interpreter, or it could not be made.
    """
    environ = os.environ if environ is None else environ
    match environment:
        case InterpreterEnvironment():
            return Interpreter(find_interpreter(environment.interpreter, root, environ))
        case VenvEnvironment():
            recipe = _venv(environment, root, environ)
        case UvEnvironment():
            recipe = _uv(environment, root, environ)
        case _:
            assert_never(environment)
    return await maker_of(root, paths, executor=executor, environ=environ).made(recipe)


def maker_of(
    root: Path,
    paths: RunPaths,
    *,
    executor: Executor,
    environ: Mapping[str, str] | None = None,
) -> Maker:
    """What makes the environments of a run's checks."""
    environ = os.environ if environ is None else environ
    return Maker(environments_folder(paths), root, paths, executor=executor, environ=environ)


def environments_folder(paths: RunPaths) -> Path:
    """Where environments are kept: shared by the runs of a working folder."""
    for parent in paths.root.absolute().parents:
        if parent.name == WORK_FOLDER:
            return parent / "environments"
    return paths.root.absolute() / "environments"


def _venv(environment: VenvEnvironment, root: Path, environ: Mapping[str, str]) -> Recipe:
    spec = environment.venv
    python = find_interpreter(spec.interpreter or "path", root, environ)
    requirements = root / spec.requirements
    pip = ("-m", "pip", "install", "--disable-pip-version-check", "--no-input")
    return Recipe(
        tool="venv",
        base=(python, "-c", "import sys; print(sys.version, sys.base_prefix)"),
        requirements=requirements,
        commands=(
            (python, "-m", "venv", "{folder}"),
            ("{folder}/bin/python", *pip, "-r", str(requirements)),
        ),
    )


def _uv(environment: UvEnvironment, root: Path, environ: Mapping[str, str]) -> Recipe:
    spec = environment.uv
    try:
        uv = find_interpreter("uv", root, environ)
    except EnvironmentFailedError as error:
        raise EnvironmentFailedError("there is no uv on PATH; install it, or use venv") from error
    requirements = root / spec.requirements
    version = ("--python", spec.python) if spec.python else ()
    return Recipe(
        tool=f"uv {spec.python or ''}",
        base=(uv, "--version"),
        requirements=requirements,
        commands=(
            (uv, "venv", *version, "{folder}"),
            (uv, "pip", "install", "--python", "{folder}/bin/python", "-r", str(requirements)),
        ),
    )
