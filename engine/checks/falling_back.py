"""Running a candidate with another model than the one it was proposed with."""

import re
from pathlib import Path

import msgspec

from engine.checks.configuration import config_of, with_config
from engine.core.campaign.checks import CheckSpec
from engine.core.repair.parts import Fallback
from engine.core.repair.patching import UnpatchableError, parameter_of, patched
from engine.core.state import Candidate
from engine.runfolder.paths import RunPaths


def fallback_of(
    spec: CheckSpec, candidate: Candidate, root: Path, model: str, *, to: str = "", folder: str = ""
) -> Fallback | None:
    """Where a candidate's model can be replaced; None where it is not named, or is replaced.

    Args:
        spec: the check that knows no such model.
        candidate: what it was run for.
        root: where its command runs.
        model: the name.
        to: the other one.
        folder: where a copy of its configuration would lie, below the run's folder.
    """
    if candidate.fallback is not None:
        return None
    parameter = parameter_of(candidate.parameters, model)
    if parameter is not None:
        return Fallback(model=model, to=to, parameter=parameter)
    fallback = Fallback(model=model, to=to, folder=folder)
    return None if _text_of(spec, root, fallback) is None else fallback


async def fallen_back(
    spec: CheckSpec, candidate: Candidate, root: Path, paths: RunPaths
) -> tuple[CheckSpec, Candidate]:
    """The check and the candidate as they are run: with the other model, where there is one.

    The copy of a configuration is made anew each time, of the file that lies there now.

    Raises:
        OSError: the copy cannot be written; with a full disk it may be tried again.
    """
    fallback = candidate.fallback
    if fallback is None:
        return spec, candidate
    if fallback.parameter:
        parameters = {**candidate.parameters, fallback.parameter: fallback.to}
        return spec, msgspec.structs.replace(candidate, parameters=parameters)
    return _with_copy(spec, root, paths, fallback), candidate


def _with_copy(spec: CheckSpec, root: Path, paths: RunPaths, fallback: Fallback) -> CheckSpec:
    text, file = _text_of(spec, root, fallback), config_of(spec)
    if text is None or file is None:
        return spec
    folder = paths.root.absolute() / fallback.folder
    name = re.sub(r"[^\w.-]", "-", f"{Path(file).stem}-{fallback.to}{Path(file).suffix}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return with_config(spec, str(folder / name))


def _text_of(spec: CheckSpec, root: Path, fallback: Fallback) -> str | None:
    """The configuration of a check with the other model; None where it does not name the first."""
    file = config_of(spec)
    if file is None:
        return None
    try:
        text = (root / file).read_text(encoding="utf-8")
        return patched(text, fallback.model, fallback.to)
    except (OSError, UnicodeDecodeError, UnpatchableError):
        return None
