"""From how a check ended and what it reported to what that makes of the candidate. Pure."""

import signal
from typing import Final, Literal, assert_never

import msgspec

from engine.checks.result import Result
from engine.core.campaign.checks import CheckSpec, FailureName, TestsSpec
from engine.core.events import Tests
from engine.executors.jobs.protocol import Lost, Stopped
from engine.executors.protocol import Exceeded, Finished, NotStarted, TimedOut

CANNOT_RUN: Final = (126, 127)
"""Exit statuses by which a shell says that it could not run a command."""

Judgement = FailureName | Literal["inconclusive"]

_FROM_OUTSIDE: Final = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT}
)

_NOT_ITS_OWN: Final[frozenset[FailureName | None]] = frozenset({"infra", "flaky"})
"""What no candidate can say of itself."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a check that ended.

    `missing` says for each metric that has to be reported and was not found, why. `pattern` is the
    class of the first failure pattern that matches the output.
    """

    ended: Finished | TimedOut | Exceeded | NotStarted | Stopped | Lost
    result: Result = Result()
    metrics: dict[str, float] = {}
    tests: Tests | None = None
    missing: dict[str, str] = {}
    pattern: FailureName | None = None
    last_words: str = ""


class Judged(msgspec.Struct, frozen=True):
    """Passed when `verdict` is None. The detail says why not; inconclusive is what was stopped.

    `own` tells that the failure is the candidate's own doing, however often it comes back.
    """

    verdict: Judgement | None
    detail: str = ""
    own: bool = False


def classify(spec: CheckSpec, seen: Observed) -> Judged:
    """What the check makes of the candidate.

    A failure that the check itself names wins over everything but a command that was killed or
    never ran; then a declared pattern; then what the exit status means.
    """
    match seen.ended:
        case NotStarted(reason) | Lost(reason):
            return Judged("infra", reason)
        case Stopped(reason=reason, asked=True):
            return Judged("inconclusive", reason, own=True)
        case Stopped(reason=reason):
            return Judged(seen.pattern or spec.fails_as, reason)
        case TimedOut(kind):
            deadline = f"killed after its deadline of {spec.deadline_s:g} s"
            idle = f"killed after {spec.idle_s or 0:g} s without output"
            return Judged("timeout", _with_words(deadline if kind == "deadline" else idle, seen))
        case Exceeded():
            return Judged(spec.fails_as, _with_words(seen.ended.words, seen))
        case Finished():
            return _finished(spec, seen, seen.ended)
        case _:
            assert_never(seen.ended)


def classify_produced(spec: CheckSpec, seen: Observed) -> Judged:
    """What the first half of a sealed check makes of the candidate, whose code it ran.

    However it ends is its own doing: by an exit status, a signal, a folder that it removed or words
    that it printed it cannot say that it was the machine's.
    """
    match seen.ended:
        case NotStarted(reason, machine=True):
            return Judged("infra", f"produce: {reason}")
        case NotStarted(reason):
            return _own(spec.fails_as, f"produce: {reason}")
        case Finished():
            return _produced(spec, seen, seen.ended)
        case _:
            judged = classify(spec, seen)
            return _own(judged.verdict or spec.fails_as, f"produce: {judged.detail}")


def _produced(spec: CheckSpec, seen: Observed, ended: Finished) -> Judged:
    produced = ended.produced
    if ended.signal is not None or ended.exit_code != 0:
        said = f"ended by {_signal_name(ended.signal)}" if ended.signal else None
        said = said or f"exit status {ended.exit_code}"
        kind = spec.fails_as if seen.pattern in _NOT_ITS_OWN else seen.pattern or spec.fails_as
        return _own(kind, _with_words(f"produce: {said}", seen))
    if ended.background:
        return _own("invalid", f"produce: it left {ended.left_behind} behind, killed since")
    if produced is not None and produced.refused:
        return _own("invalid", f"produce: no plain data: {'; '.join(produced.refused)}")
    return Judged(None)


def _own(verdict: Judgement, detail: str) -> Judged:
    return Judged("incorrect" if verdict in _NOT_ITS_OWN else verdict, detail, own=True)


def classify_judged(spec: CheckSpec, seen: Observed) -> Judged:
    """What the second half of a sealed check makes of the candidate.

    What judges worked for the baseline: a failure of which it does not say that the machine was at
    fault is what the candidate left.
    """
    judged = classify(spec, seen)
    own = judged.verdict is not None and judged.verdict not in _NOT_ITS_OWN
    return msgspec.structs.replace(judged, own=own)


def _finished(spec: CheckSpec, seen: Observed, ended: Finished) -> Judged:
    failure = seen.result.failure
    status = _status_trouble(spec, ended)
    if failure is not None:
        kind = failure.kind or seen.pattern or (status and status[0]) or spec.fails_as
        words = failure.detail.strip() or _with_words("the check reports a failure", seen)
        return Judged(kind, words)
    if status is not None:
        kind = seen.pattern or status[0] or spec.fails_as
        return Judged(kind, _with_words(status[1], seen))
    trouble = seen.result.problem or _report_trouble(seen) or _inventory_trouble(spec, seen)
    if trouble is None:
        return Judged(None)
    return Judged(seen.pattern or spec.fails_as, trouble)


def _status_trouble(spec: CheckSpec, ended: Finished) -> tuple[FailureName | None, str] | None:
    """What the exit status says is wrong; no class where it only says that something is."""
    if ended.signal is not None:
        name = _signal_name(ended.signal)
        if ended.signal in _FROM_OUTSIDE:
            # Programs do not kill themselves like this: the out-of-memory killer does, or a person.
            return "infra", f"ended by {name} from outside"
        return None, f"ended by {name}"
    code = ended.exit_code if ended.exit_code is not None else -1
    if code in spec.exit:
        return None
    if code in CANNOT_RUN:
        return "infra", f"exit status {code}: the command cannot be run"
    return None, f"exit status {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _report_trouble(seen: Observed) -> str | None:
    if not seen.missing:
        return None
    return "; ".join(f"metric {name}: {why}" for name, why in seen.missing.items())


def _inventory_trouble(spec: CheckSpec, seen: Observed) -> str | None:
    """A failed test is a failure even when nobody said how many tests there are."""
    if spec.tests is None:
        failed = seen.tests.failed if seen.tests is not None else 0
        return f"{failed} of its tests failed" if failed else None
    expected = _inventory(spec.tests)
    if seen.tests is None:
        return f"it reports no tests; expected are {_shown(expected)}"
    if seen.tests != expected:
        return f"tests: {_shown(seen.tests)}; expected are {_shown(expected)}"
    return None


def _inventory(spec: TestsSpec) -> Tests:
    return Tests(passed=spec.passed, failed=spec.failed, skipped=spec.skipped)


def _shown(tests: Tests) -> str:
    return f"{tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped"


def _with_words(text: str, seen: Observed) -> str:
    return f"{text}: {seen.last_words}" if seen.last_words else text
