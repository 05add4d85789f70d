"""What a campaign needs and does not find, said before the first iteration."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import assert_never

from engine.checks.interpreter import EnvironmentFailedError, find_interpreter
from engine.checks.preflight_code import missing_for_code
from engine.checks.programs import program_problem
from engine.checks.requirements import RequirementsError, environment_name
from engine.checks.variables import variable_problems, variables
from engine.core.campaign.checks import CheckSpec, JsonMetric, Part
from engine.core.campaign.environment import InterpreterEnvironment, UvEnvironment, VenvEnvironment
from engine.core.campaign.load import LoadedCampaign
from engine.core.campaign.models import Campaign
from engine.core.campaign.placeholders import placeholders
from engine.executors.sandbox import SYSTEM
from engine.executors.trial import available


def missing(
    loaded: LoadedCampaign,
    environ: Mapping[str, str],
    *,
    slots: int | None = None,
    unsealed: bool = False,
) -> list[str]:
    """A sentence for each thing that a campaign lacks, with what to do; empty when all is there.

    Args:
        loaded: the campaign and where it came from.
        environ: the variables of the engine.
        slots: iterations side by side, when it is not the campaign's number.
        unsealed: its sealed checks are to run without a sandbox.
    """
    return [
        *(() if unsealed else _sandbox(loaded)),
        *missing_requirements(loaded.campaign, loaded.root, environ, slots=slots),
        *missing_for_code(loaded, environ, slots=slots),
    ]


def _sandbox(loaded: LoadedCampaign) -> Iterator[str]:
    """Why there is no sandbox for sealed checks, and what any has to show that is not there."""
    campaign = loaded.campaign
    sandbox = available() if campaign.sealed else None
    if sandbox is not None and not sandbox.works:
        yield (
            f"sandbox: {sandbox.why}; sealed checks need bubblewrap 0.7 or newer and user "
            "namespaces (controlroom doctor). With --unsealed they run without, and every score is "
            "marked as one that can be forged"
        )
    for name in campaign.sandbox.read if campaign.sealed or campaign.workspace else ():
        if not loaded.beside(name).exists():
            yield f"sandbox: read: there is no {loaded.beside(name)}; make it, or leave it out"
    for check in campaign.every_check:
        for name in check.read:
            if problem := _unfit(loaded, name):
                yield f"check {check.name}: read: {problem}"


def _unfit(loaded: LoadedCampaign, name: str) -> str:
    """Why a place cannot be the judge's alone; empty where it can."""
    path = loaded.beside(name).resolve()
    if not path.exists():
        return f"there is no {path}; make it, or leave it out"
    shown = (loaded.root, SYSTEM, *(loaded.beside(each) for each in loaded.campaign.sandbox.read))
    for folder in shown:
        if path.is_relative_to(folder.resolve()):
            return f"every sandbox shows {folder}, and {path} with it; lay it elsewhere"
    return ""


def missing_requirements(
    campaign: Campaign, root: Path, environ: Mapping[str, str], *, slots: int | None = None
) -> list[str]:
    """What the checks lack, and the Python that they run in.

    Args:
        campaign: whose checks are to run.
        root: the folder in which they run.
        environ: the variables of the engine.
        slots: iterations side by side, when it is not the campaign's number.
    """
    if not root.is_dir():
        return [f"root: the folder {root} does not exist; correct `root`"]
    side_by_side = (campaign.slots if slots is None else slots) > 1 and not campaign.workspace
    found = [*_environment(campaign, root, environ)]
    for check in campaign.every_check:
        problems = [
            *variable_problems(campaign.env_of(check), environ),
            *(
                problem
                for part in _here(campaign, check)
                for problem in _program(campaign, check, part, (root, environ))
            ),
            *(_shared_files(check) if side_by_side else ()),
        ]
        found += [f"check {check.name}: {problem}" for problem in problems]
    return list(dict.fromkeys(found))


def _here(campaign: Campaign, check: CheckSpec) -> Mapping[Part, object]:
    """The commands of a check that are run on this machine."""
    return {} if campaign.is_remote(check) else check.commands()


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


def _program(
    campaign: Campaign, check: CheckSpec, part: Part, where: tuple[Path, Mapping[str, str]]
) -> Iterator[str]:
    root, environ = where
    program = check.words(part)[0]
    made = not isinstance(campaign.environment, InterpreterEnvironment)
    # A shell's line is the shell's to read; an environment still to be made may bring the program.
    if check.shell or (made and os.sep not in program):
        return
    path = variables(campaign.env_of(check), environ).values.get("PATH", os.defpath)
    if problem := program_problem(program, root, path, key=part):
        yield problem


def _shared_files(check: CheckSpec) -> Iterator[str]:
    for name, source in check.metrics.items():
        if isinstance(source, JsonMetric) and "step_dir" not in placeholders(source.json_file):
            yield (
                f"metric {name} is read from {source.json_file}, which the checks of several "
                "slots would write at once; put {step_dir} into its path, or use one slot"
            )
