"""What a campaign's checks need and do not find, said before the first iteration."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import assert_never

from engine.checks.interpreter import EnvironmentFailedError, find_interpreter
from engine.checks.requirements import RequirementsError, environment_name
from engine.checks.variables import variables
from engine.core.campaign.checks import CheckSpec, JsonMetric
from engine.core.campaign.environment import InterpreterEnvironment, UvEnvironment, VenvEnvironment
from engine.core.campaign.models import Campaign
from engine.core.campaign.placeholders import placeholders
from engine.core.secrets import SHORTEST


def missing_requirements(
    campaign: Campaign, root: Path, environ: Mapping[str, str], *, slots: int | None = None
) -> list[str]:
    """A sentence for each thing that is missing, with what to do; empty when all is there.

    Args:
        campaign: whose checks are to run.
        root: the folder in which they run.
        environ: the variables of the engine.
        slots: iterations side by side, when it is not the campaign's number.
    """
    if not root.is_dir():
        return [f"root: the folder {root} does not exist; correct `root`"]
    side_by_side = (campaign.slots if slots is None else slots) > 1
    found = [*_environment(campaign, root, environ)]
    for check in campaign.checks:
        problems = [
            *_variables(campaign, check, environ),
            *_program(campaign, check, root, environ),
            *(_shared_files(check) if side_by_side else ()),
        ]
        found += [f"check {check.name}: {problem}" for problem in problems]
    return list(dict.fromkeys(found))


def _environment(campaign: Campaign, root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    environment = campaign.environment
    try:
        match environment:
            case InterpreterEnvironment():
                find_interpreter(environment.interpreter, root, environ)
            case VenvEnvironment(venv=spec):
                find_interpreter(spec.interpreter or "path", root, environ)
                environment_name("", "", root / spec.requirements)
            case UvEnvironment(uv=spec):
                find_interpreter("uv", root, environ)
                environment_name("", "", root / spec.requirements)
            case _:
                assert_never(environment)
    except (EnvironmentFailedError, RequirementsError) as error:
        yield f"environment: {error}"


def _variables(campaign: Campaign, check: CheckSpec, environ: Mapping[str, str]) -> Iterator[str]:
    found = variables(campaign.env_of(check), environ)
    for name in found.missing:
        yield f"the variable {name} is not set; export it, or remove it from `env`"
    for name, value in found.secrets.items():
        if len(value.strip()) < SHORTEST:
            yield (
                f"the secret {name} has fewer than {SHORTEST} characters and could not be kept "
                "out of logs; put it under `pass` if it is no secret"
            )


def _program(
    campaign: Campaign, check: CheckSpec, root: Path, environ: Mapping[str, str]
) -> Iterator[str]:
    program = check.words()[0]
    # A shell's line is the shell's to read, and a placeholder is known only when it runs.
    if check.shell or placeholders(program):
        return
    if os.sep in program:
        path = root / program
        if not path.is_file():
            yield f"there is no program {path}; correct `run`"
        elif not os.access(path, os.X_OK):
            yield f"{path} is not executable; chmod +x it, or name its interpreter in `run`"
        return
    made = not isinstance(campaign.environment, InterpreterEnvironment)
    path = variables(campaign.env_of(check), environ).values.get("PATH", os.defpath)
    # An environment that is still to be made may bring the program.
    if not made and shutil.which(program, path=path) is None:
        yield f"there is no program {program} on PATH; install it, or correct `run`"


def _shared_files(check: CheckSpec) -> Iterator[str]:
    for name, source in check.metrics.items():
        if isinstance(source, JsonMetric) and "step_dir" not in placeholders(source.json_file):
            yield (
                f"metric {name} is read from {source.json_file}, which the checks of several "
                "slots would write at once; put {step_dir} into its path, or use one slot"
            )
