"""One check of one candidate while it is under way, and what is written round its output."""

from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

import msgspec

from engine.checks.boxes import Ground
from engine.checks.classify import Judged, Observed
from engine.checks.step import Step
from engine.checks.variables import Variables
from engine.core.campaign.checks import CheckSpec, Part
from engine.core.event import LogSpan
from engine.core.ids import TraceId
from engine.core.repair.parts import Found
from engine.core.secrets import Redactor
from engine.core.state import Candidate
from engine.executors.protocol import Exceeded, Finished, NotStarted, TimedOut


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a candidate: what it is to be run with, and where.

    `beside` tells that it is the champion's, which the iteration's candidate is compared with.
    `product` is the digest of what an earlier check has left, where that is judged. `secret_seed`
    is what its judge draws from, where that is not for the judge alone.
    """

    spec: CheckSpec
    candidate: Candidate
    attempt: int
    trace_id: TraceId
    step: Step
    ground: Ground
    variables: Variables
    redactor: Redactor
    beside: bool = False
    product: str = ""
    secret_seed: int | None = None

    @property
    def name(self) -> str:
        """Which step this is, within its run."""
        return f"{self.candidate.iteration}/{self.spec.name}/{self.attempt}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a check that ended, and what that makes of the candidate.

    `start` and `end` are where its output lies in the iteration's log. `folders` are those that
    artifacts may be taken from. `seed` is what the judge drew its inputs from, `product` the
    digest of what it judged. `voided` says why nothing that it reports counts. A job has a `log`
    of its own, and says itself how long it `took_s`. `found` is what it said that it lacks.
    `said` is what the candidate's half of a sealed check says of the metric, by where.
    """

    seen: Observed
    judged: Judged
    start: int
    end: int
    folders: tuple[Path, Path]
    seed: int | None = None
    product: str = ""
    voided: str = ""
    log: LogSpan | None = None
    took_s: float | None = None
    found: Found | None = None
    said: dict[str, float] = {}


def header(turn: Turn, part: Part = "run") -> str:
    """The line above a command's output."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    half = "" if part == "run" else f" {part}"
    return (
        f"=== {turn.trace_id} iteration {turn.candidate.iteration} check {turn.spec.name}{half} "
        f"attempt {turn.attempt} {now}"
    )


def footer(ended: Finished | TimedOut | Exceeded | NotStarted) -> str:
    """What the log should say that the command cannot have said itself."""
    match ended:
        case Finished(background=0, signal=None):
            return ""
        case Finished(background=0):
            return f"=== ended by signal {ended.signal}"
        case Finished():
            return f"=== it left {ended.left_behind} behind, killed since"
        case TimedOut(kind, after_s):
            return f"=== killed after {after_s:.1f} s ({kind})"
        case Exceeded():
            return f"=== killed: {ended.words}"
        case NotStarted(reason):
            return f"=== not started: {reason}"
        case _:
            assert_never(ended)


def voided(reason: str) -> Judged:
    """What becomes of a candidate where what judges was tampered with: nothing is known of it."""
    return Judged("infra", reason)
