"""The halves of sealed checks: where each runs, in which sandbox, and what it is told."""

from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from engine.checks.boxes import Boxes, Ground
from engine.checks.sayings import result_place
from engine.checks.turn import Turn
from engine.core.campaign.checks import CheckSpec, Part
from engine.executors.protocol import PRODUCED_VARIABLE, Box, Command, Marker
from engine.executors.sandbox import PRODUCED, TMP

REPORT_VARIABLE: Final = "CONTROLROOM_REPORT_FD"
TOKEN_VARIABLE: Final = "CONTROLROOM_TOKEN"  # noqa: S105  (the name of one)


class Half(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two: what it is about, and what only the judge is told."""

    part: Part
    ground: Ground
    told: Path
    produced: str
    box: Box | None
    seed: int | None = None
    token: str | None = None

    @property
    def candidate_file(self) -> Path:
        """What it is told."""
        return self.told / "candidate.json"

    @property
    def cwd(self) -> Path:
        """Where it runs: the judge on the protected base."""
        return self.ground.judge_root if self.part == "judge" else self.ground.root


class Folders(NamedTuple):
    """Of one check: for what the candidate leaves, and for what the two halves are told.

    What is left may be that of an earlier check.
    """

    produced: Path
    told: Path
    judge_told: Path

    @classmethod
    def of(cls, folder: Path, check: str, made_by: str | None = None) -> "Folders":
        """Those of a check in the scratch folder of its iteration."""
        told = (folder / f"{half}-{check}" for half in ("produce", "judge"))
        return cls(folder / f"produced-{made_by or check}", *told)


class Halves:
    """Makes the two halves of a check, and their commands.

    Args:
        boxes: makes their sandboxes; without them they run as they are.
        run_marker: by which what belongs to the run is found.
    """

    def __init__(self, boxes: Boxes | None, run_marker: str) -> None:
        self._boxes = boxes
        self._run_marker = run_marker

    @property
    def boxed(self) -> bool:
        """Whether they run in sandboxes."""
        return self._boxes is not None

    def producing(self, ground: Ground, folders: Folders) -> Half:
        """The candidate's half."""
        box = self._boxes and self._boxes.produce(ground, folders.told, folders.produced)
        return Half(
            part="produce",
            ground=ground,
            told=folders.told,
            produced=PRODUCED if box else str(folders.produced),
            box=box,
        )

    def judging(self, ground: Ground, folders: Folders, check: CheckSpec) -> Half:
        """The half that judges, which does not know yet by what seed."""
        boxes = self._boxes
        return Half(
            part="judge",
            ground=ground,
            told=folders.judge_told,
            produced=str(folders.produced),
            box=boxes and boxes.judge(ground, folders.judge_told, folders.produced, check.read),
        )

    def early(self, half: Half, name: str) -> Command:
        """What a half's sandbox is made for, before it is known what runs there."""
        return Command(
            run=(),
            cwd=half.cwd,
            env={},
            marker=self._marker(name),
            box=half.box,
            report_to=_report_to(half),
        )

    def command(self, turn: Turn, half: Half) -> Command:
        """What runs a half of this very check."""
        judges = half.part == "judge"
        values = {"candidate": str(half.candidate_file), "produced": half.produced}
        step = msgspec.structs.replace(
            turn.step, values=turn.step.values | values | {"seed": str(half.seed)}
        )
        env = turn.variables.values | {
            "CONTROLROOM_CANDIDATE": str(half.candidate_file),
            "CONTROLROOM_TRACE_ID": turn.trace_id,
            PRODUCED_VARIABLE: half.produced,
        }
        if not judges:
            # Nobody reads it: what is written there is shown beside what was measured.
            env["CONTROLROOM_RESULT"] = result_place(half.produced)
        if half.token is not None:
            env[TOKEN_VARIABLE] = half.token
        if judges and half.box is not None:
            # Compiled modules beside the judge's are no part of what was compared: none is read.
            env["PYTHONPYCACHEPREFIX"] = f"{TMP}/pycache"
        return Command(
            run=step.command(turn.spec, half.part),
            cwd=half.cwd,
            env=env,
            marker=self._marker(turn.name),
            deadline_s=turn.spec.deadline_s,
            idle_s=turn.spec.idle_s,
            box=half.box,
            report_to=_report_to(half),
        )

    def _marker(self, name: str) -> Marker:
        return Marker(self._run_marker, f"{self._run_marker}#{name}")


def _report_to(half: Half) -> str | None:
    return REPORT_VARIABLE if half.part == "judge" else None
