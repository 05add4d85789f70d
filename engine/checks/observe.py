"""Gathering what a check that ended has reported: result file, output, JSON files."""

from functools import partial
from pathlib import Path
from typing import Final, Protocol

import anyio.to_thread
import msgspec

from engine.checks import readers
from engine.checks.classify import Observed
from engine.checks.files import Stamp, stamp
from engine.checks.result import Result, read_result
from engine.checks.step import Step
from engine.core.campaign.checks import CheckSpec, FailureName, JsonMetric, RegexMetric
from engine.core.campaign.placeholders import fill
from engine.core.events import Tests
from engine.executors.jobs.protocol import Lost, Stopped
from engine.executors.protocol import Exceeded, Finished, NotStarted, TimedOut

_SMALL_BYTES: Final = 65536


class Printed(Protocol):
    """What a command has printed."""

    @property
    def recent(self) -> bytes:
        """The last 64 KiB of it."""
        ...

    async def output(self) -> bytes:
        """What is kept of it, once it is complete."""
        ...


class Before(msgspec.Struct, frozen=True):
    """Where a check's answers will be, and what was at their places before it started."""

    result_file: Path
    json_files: dict[str, tuple[Path, Stamp | None]]


NOTHING: Final = Before(Path(), {})
"""For a check that answers in no file."""


def before(spec: CheckSpec, root: Path, step: Step) -> Before:
    """What to look at after the check; call it before the check starts."""
    files: dict[str, tuple[Path, Stamp | None]] = {}
    for name, source in spec.metrics.items():
        if isinstance(source, JsonMetric):
            path = root / fill(source.json_file, step.values)
            files[name] = (path, stamp(path))
    return Before(step.result_file, files)


async def observe(
    spec: CheckSpec,
    ended: Finished | TimedOut | Exceeded | NotStarted | Stopped | Lost,
    log: Printed,
    before: Before,
    result: Result | None = None,
) -> Observed:
    """All that is known of the check now that it has ended and its log is finished.

    What it reported is in its result file, unless the caller has it.
    """
    if isinstance(ended, NotStarted | Lost):
        return Observed(ended=ended)
    words = readers.last_words(log.recent)
    result = read_result(before.result_file) if result is None else result
    read = partial(_read, spec, result, before)
    if not _needs_output(spec, result):
        return _observed(ended, result, read(b""), words)
    output = await log.output()
    if len(output) <= _SMALL_BYTES:
        return _observed(ended, result, read(output), words)
    return _observed(ended, result, await anyio.to_thread.run_sync(read, output), words)


class _Read(msgspec.Struct):
    metrics: dict[str, float]
    missing: dict[str, str]
    tests: Tests | None
    pattern: FailureName | None


def _needs_output(spec: CheckSpec, result: Result) -> bool:
    by_regex = any(isinstance(source, RegexMetric) for source in spec.metrics.values())
    return by_regex or bool(spec.failures) or (spec.tests is not None and result.tests is None)


def _read(spec: CheckSpec, result: Result, before: Before, output: bytes) -> _Read:
    lines = readers.lines_of(output)
    metrics = dict(result.metrics)
    missing: dict[str, str] = {}
    for name, source in spec.metrics.items():
        metrics.pop(name, None)  # the declared source is the one that counts
        try:
            if isinstance(source, JsonMetric):
                metrics[name] = readers.metric_from_json(source, *before.json_files[name])
            else:
                metrics[name] = readers.metric_from_lines(source, lines)
        except readers.NotFoundError as error:
            missing[name] = str(error)
    for name in spec.must_report():
        if name not in metrics:
            missing.setdefault(name, "it is not in the result file")
    tests = result.tests or (readers.inventory_from_lines(lines) if spec.tests else None)
    pattern = readers.failure_in(spec.failures, lines)
    return _Read(metrics, missing, tests, pattern and pattern.verdict)


def _observed(
    ended: Finished | TimedOut | Exceeded | Stopped, result: Result, read: _Read, words: str
) -> Observed:
    return Observed(
        ended=ended,
        result=result,
        metrics=read.metrics,
        tests=read.tests,
        missing=read.missing,
        pattern=read.pattern,
        last_words=words,
    )
