"""A check's candidate and its result, in the forms of the check contract."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from kernels.gdn.failure import Failure

CHECKS = ("audit", "correctness", "cost", "acceptance")


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What is judged: parameters of a member, and the seed that the inputs are drawn from."""

    parameters: dict[str, Any]
    seed: int


@dataclasses.dataclass
class Result:
    """What the check found, in the form of the check contract, and the lines for people."""

    metrics: dict[str, float] = dataclasses.field(default_factory=dict)
    passed: int = 0
    failed: int = 0
    failure: Failure | None = None
    hotspots: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    lines: list[str] = dataclasses.field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The result file's content."""
        content: dict[str, Any] = {
            "metrics": self.metrics,
            "tests": {"passed": self.passed, "failed": self.failed, "skipped": 0},
        }
        if self.hotspots:
            content["hotspots"] = self.hotspots
        if self.failure is not None:
            content["failure"] = {"class": self.failure.kind, "detail": self.failure.detail}
        return content

    def fail(self, failure: Failure) -> None:
        """The candidate failed, for this reason unless there is an earlier one."""
        self.failed += 1
        self.failure = self.failure or failure

    def add(self, verdicts: list[Any]) -> None:
        """Counts the verdicts and writes a line for each; the worst failed one is the failure."""
        failed = [v for v in verdicts if not v.passed]
        self.failed += len(failed)
        self.passed += len(verdicts) - len(failed)
        self.metrics["worst_excess"] = _finite(max(v.excess for v in verdicts))
        self.lines += [_line(v) for v in verdicts]
        if failed and self.failure is None:
            first = max(failed, key=lambda v: v.excess)
            self.failure = Failure("incorrect", f"{first.case}: {first.detail}")


class UsageError(Exception):
    """The command line or the candidate file cannot be used; the message says what to do."""


def read(path: Path) -> dict[str, Any]:
    """The candidate file's content, which has an object "parameters".

    Raises:
        UsageError: it has none, or cannot be read.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"the candidate file cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("parameters"), dict):
        raise UsageError('the candidate file must be an object with an object "parameters"')
    return content


def _finite(excess: float) -> float:
    """The figure to two places; results are JSON, which has no infinity."""
    return round(min(excess, 1e9), 2)


def _line(verdict: Any) -> str:
    mark = "pass" if verdict.passed else "FAIL"
    return f"{mark}  {verdict.case}" + (f": {verdict.detail}" if verdict.detail else "")
