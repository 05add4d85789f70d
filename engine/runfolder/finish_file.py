"""The file FINISH_UP.json: a wish for the end of a run, read strictly and never guessed at."""

import contextlib
import json
import math
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from engine.core.commands import CancelFinish, Finish
from engine.core.finish.times import utc

_MAX_BYTES: Final = 64 * 1024
_SETTLED_S: Final = 0.3
"""A file that was just written may not be whole yet: not everybody renames one into place."""

_SLACK_S: Final = 90.0
"""Times that were rounded to the minute do not contradict each other."""

_INACTIVE: Final = frozenset({"cancelled", "done", "closed"})
_STATUSES: Final = frozenset({"scheduled", "requested"}) | _INACTIVE
_MODES: Final = frozenset({"immediate", "scheduled_in_minutes", "scheduled_at_utc"})


class WrongFileError(ValueError):
    """What lies there is no wish; the text says why."""


class _Wish(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    enabled: bool = True
    status: str = "requested"
    requested_utc: str | None = None
    activate_at_utc: str | None = None
    deadline_utc: str | None = None
    minutes_left: float | None = None
    total_minutes_window: float | None = None
    final_training_rounds_target: int | None = None
    last_training_rounds_target: int | None = None
    report_top_k: int | None = None
    force_report_now: bool | None = None
    immediate_report: bool | None = None
    activation_mode: str | None = None
    note: str = ""


def read(path: Path, now_s: float | None = None) -> bytes | None:
    """What the file holds; None where there is none, or one that is just being written.

    Raises:
        WrongFileError: it is no plain file, or too big.
        OSError: it cannot be read.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    # A pipe or a device must not stop the engine at `open`.
    if not stat.S_ISREG(found.st_mode):
        raise WrongFileError("it is not a plain file")
    if found.st_size > _MAX_BYTES:
        raise WrongFileError(f"it has more than {_MAX_BYTES} bytes")
    if abs((time.time() if now_s is None else now_s) - found.st_mtime) < _SETTLED_S:
        return None
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def exists(path: Path) -> bool:
    """Whether there is such a file, whatever it holds."""
    return path.is_symlink() or path.exists()


def remove(path: Path) -> None:
    """The wish is fulfilled, or is none any more.

    Raises:
        OSError: it cannot be removed.
    """
    path.unlink(missing_ok=True)


def set_aside(path: Path, refused: Path, name: str, reason: str) -> None:
    """Move the file to the refused ones, with the reason beside it.

    Raises:
        OSError: it cannot be moved.
    """
    refused.mkdir(parents=True, exist_ok=True)
    path.replace(refused / name)
    (refused / f"{name}.reason").write_text(f"{reason}\n", encoding="utf-8", errors="replace")


def wish_of(content: bytes, now_s: float) -> Finish | CancelFinish:
    """The command that a file means; times that it leaves open count from `now_s`.

    Raises:
        WrongFileError: it is torn, has a key that nobody knows, or contradicts itself.
    """
    wish = _parsed(content)
    _words(wish)
    if not wish.enabled or wish.status in _INACTIVE:
        return CancelFinish()
    report_now = _same("force_report_now", wish.force_report_now, wish.immediate_report)
    rounds = _same(
        "final_training_rounds_target",
        wish.final_training_rounds_target,
        wish.last_training_rounds_target,
    )
    activate_s, deadline_s = _times(wish, now_s, report_now=bool(report_now))
    return Finish(
        activate_at=utc(activate_s),
        deadline=None if deadline_s is None else utc(deadline_s),
        final_rounds=rounds,
        top_k=wish.report_top_k,
        note=wish.note,
        report_only=bool(report_now),
    )


def _parsed(content: bytes) -> _Wish:
    try:
        # A byte order mark, as some editors write one, is a matter of encoding.
        data = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise WrongFileError(f"it is no JSON: {error}") from error
    try:
        return msgspec.convert(data, _Wish)
    except msgspec.ValidationError as error:
        raise WrongFileError(str(error)) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise WrongFileError("a key stands there twice")
    return found


def _no_constant(name: str) -> float:
    raise WrongFileError(f"{name} is no number")


def _words(wish: _Wish) -> None:
    if wish.status not in _STATUSES:
        raise WrongFileError(f"status is {wish.status!r}: it is one of {_listed(_STATUSES)}")
    if wish.activation_mode is not None and wish.activation_mode not in _MODES:
        raise WrongFileError(f"activation_mode is one of {_listed(_MODES)}")
    for name in ("minutes_left", "total_minutes_window"):
        minutes = cast("float | None", getattr(wish, name))
        if minutes is not None and not (math.isfinite(minutes) and 0 < minutes <= 525_600):
            raise WrongFileError(f"{name} must be above 0, and a year at most")


def _same(name: str, one: Any, other: Any) -> Any:
    """The value of a key and of its other name."""
    if one is not None and other is not None and one != other:
        raise WrongFileError(f"{name} and its other name contradict each other")
    return other if one is None else one


def _times(wish: _Wish, now_s: float, *, report_now: bool) -> tuple[float, float | None]:
    """When it begins and when it is over; None for the time that a report at once has."""
    requested_s = _seconds("requested_utc", wish.requested_utc)
    activate_s = _activation(wish, requested_s, now_s)
    window_s = _window_s(wish)
    deadline_s = _seconds("deadline_utc", wish.deadline_utc)
    if deadline_s is None:
        if window_s is None and not report_now:
            raise WrongFileError("it says no end: give minutes_left or deadline_utc")
        return activate_s, None if window_s is None else activate_s + window_s
    if deadline_s <= activate_s or (requested_s is not None and deadline_s <= requested_s):
        raise WrongFileError("contradictory times: deadline_utc is not after its beginning")
    if window_s is not None and abs(activate_s + window_s - deadline_s) > _SLACK_S:
        raise WrongFileError("contradictory times: deadline_utc is not that many minutes later")
    return activate_s, deadline_s


def _activation(wish: _Wish, requested_s: float | None, now_s: float) -> float:
    activate_s = _seconds("activate_at_utc", wish.activate_at_utc)
    begun_s = now_s if requested_s is None else requested_s
    if activate_s is None:
        if wish.activation_mode not in {None, "immediate"}:
            raise WrongFileError(f"{wish.activation_mode} needs activate_at_utc")
        return begun_s
    if wish.activation_mode == "immediate" and activate_s > begun_s + _SLACK_S:
        raise WrongFileError("contradictory times: immediate, and activate_at_utc is later")
    return activate_s


def _window_s(wish: _Wish) -> float | None:
    left, total = wish.minutes_left, wish.total_minutes_window
    if left is not None and total is not None and left > total:
        raise WrongFileError("contradictory times: minutes_left is above total_minutes_window")
    minutes = left if left is not None else total
    return None if minutes is None else minutes * 60


def _seconds(name: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongFileError(f"{name} is no time in ISO 8601: {text!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _listed(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))
