"""The files of one check of one iteration: what it is handed, and where it answers."""

import logging
from collections.abc import Collection
from pathlib import Path

import msgspec

from engine.checks.files import remove
from engine.core.campaign.checks import CheckSpec, Part
from engine.core.campaign.placeholders import fill, fill_shell, split, with_command
from engine.core.state import Candidate
from engine.runfolder.paths import RunPaths

_log = logging.getLogger(__name__)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files of a check are, and what its placeholders stand for."""

    folder: Path
    candidate_file: Path
    result_file: Path
    values: dict[str, str]

    def variables(self, trace_id: str) -> dict[str, str]:
        """What the contract promises to every check."""
        return {
            "CONTROLROOM_CANDIDATE": str(self.candidate_file),
            "CONTROLROOM_RESULT": str(self.result_file),
            "CONTROLROOM_STEP_DIR": str(self.folder),
            "CONTROLROOM_TRACE_ID": trace_id,
        }

    def command(self, spec: CheckSpec, part: Part = "run") -> tuple[str, ...] | str:
        """A command of the check with its placeholders filled.

        Raises:
            KeyError: a placeholder means nothing for this candidate.
        """
        given = self.values.get("command", "")
        if spec.shell:
            return fill_shell(with_command(spec.words(part)[0], given), self.values)
        words = (each for word in spec.words(part) for each in _words(word, given))
        return tuple(fill(word, self.values) for word in words)

    def write(self, candidate: Candidate) -> None:
        """Make the folder and the candidate's file; an earlier attempt's result goes.

        Raises:
            OSError: it cannot be done; with a full disk it may be tried again.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        remove(self.result_file)
        remove(self.candidate_file)
        self.candidate_file.write_bytes(msgspec.json.encode(described(candidate)))


def described(candidate: Candidate) -> dict[str, object]:
    """The candidate as a check sees it."""
    told: dict[str, object] = {
        "id": candidate.id,
        "parameters": candidate.parameters,
        "seed": candidate.seed,
        "commit": candidate.code.commit if candidate.code else None,
        "parents": candidate.parents,
        "iteration": candidate.iteration,
    }
    if candidate.chosen is not None:
        told |= {"label": candidate.chosen.label, "command": candidate.chosen.command}
    return told


def step_of(
    paths: RunPaths, candidate: Candidate, check: str, python: str, *, beside: bool = False
) -> Step:
    """The files of `check` for `candidate`; with `beside` apart from those of the iteration's."""
    folder = paths.step(candidate.iteration).absolute()
    return step_in(folder / "champion" if beside else folder, candidate, check, python)


def step_in(folder: Path, candidate: Candidate, check: str, python: str) -> Step:
    """The files of `check` for `candidate` in a folder, here or on a host."""
    candidate_file = folder / "candidate.json"
    result_file = folder / f"result-{check}.json"
    values = {
        "python": python,
        "candidate": str(candidate_file),
        "result": str(result_file),
        "step_dir": str(folder),
        "seed": str(candidate.seed),
        "iteration": str(candidate.iteration),
    }
    if candidate.chosen is not None and candidate.chosen.command:
        values["command"] = candidate.chosen.command
    values |= {f"param.{name}": _text(value) for name, value in candidate.parameters.items()}
    return Step(
        folder=folder, candidate_file=candidate_file, result_file=result_file, values=values
    )


def clear_step(paths: RunPaths, iteration: int) -> None:
    """Remove the scratch folder of an iteration, if there is one."""
    _clear(paths.step(iteration))


def clear_other_steps(paths: RunPaths, kept: Collection[int]) -> None:
    """Remove the scratch folders of all iterations but those in `kept`.

    Raises:
        OSError: the folder around them cannot be read.
    """
    names = {paths.step(iteration).name for iteration in kept}
    for folder in paths.steps.iterdir():
        if folder.name not in names:
            _clear(folder)


def _clear(folder: Path) -> None:
    """Remove a scratch folder; one that belongs to another user, a container's say, is left."""
    try:
        remove(folder)
    except OSError as error:
        _log.warning("the scratch folder %s is left: %s", folder, error)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _words(word: str, command: str) -> list[str]:
    """A word of a check's command; where it stands for another command, the words of that."""
    return split(command) if word == "{command}" and command else [with_command(word, command)]
