"""Reading what a program that knows nothing of controlroom says: its output, its JSON files."""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, assert_never, cast

from engine.checks.files import Stamp, UnreadableError, read_plain, stamp
from engine.core.campaign.checks import FailurePattern, JsonMetric, RegexMetric
from engine.core.events import Tests

JSON_BYTES: Final = 16 << 20
LINE_CHARACTERS: Final = 4096
"""So much of a line is searched: an expression may need time that grows with its square."""

_ESCAPES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]")
_DETAIL_CHARACTERS: Final = 300


class NotFoundError(Exception):
    """A metric could not be read; the text says why."""


def lines_of(output: bytes) -> list[str]:
    """The output as lines without escapes; of a line that was written over, the last state."""
    text = _ESCAPES.sub("", output.decode(errors="replace"))
    return [line.rstrip("\r").rpartition("\r")[2][:LINE_CHARACTERS] for line in text.split("\n")]


def last_words(output: bytes) -> str:
    """The last line of the output that says something, shortened; empty when none does."""
    for line in reversed(lines_of(output[-16384:])):
        words = _CONTROL.sub("", line).strip()
        if any(character.isalnum() for character in words):
            return words[:_DETAIL_CHARACTERS]
    return ""


def metric_from_lines(source: RegexMetric, lines: Iterable[str]) -> float:
    """The number that the expression finds in the output.

    Raises:
        NotFoundError: there is none, or it is not a finite number.
    """
    pattern = re.compile(source.regex)
    texts = [found[source.group] for line in lines for found in pattern.finditer(line)]
    if not texts:
        raise NotFoundError(f"no line of the output matches {source.regex!r}")
    match source.pick:
        case "last":
            return _number(texts[-1])
        case "first":
            return _number(texts[0])
        case "min":
            return min(map(_number, texts))
        case "max":
            return max(map(_number, texts))
        case _:
            assert_never(source.pick)


def metric_from_json(source: JsonMetric, path: Path, before: Stamp | None) -> float:
    """The number at the source's path in a JSON file that was written since `before`.

    Raises:
        NotFoundError: the file is missing, unusable or old, or there is no finite number.
    """
    name = source.json_file
    now = stamp(path)
    if now is not None and now == before:
        raise NotFoundError(f"{name} was there before the check and was not written by it")
    try:
        content = read_plain(path, JSON_BYTES, follow=True)
    except UnreadableError as error:
        raise NotFoundError(f"{name} cannot be read: {error}") from error
    if content is None:
        raise NotFoundError(f"the check did not write {name}")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotFoundError(f"{name} is not JSON: {error}") from error
    return _number(_at(data, source.path, name))


def failure_in(patterns: Iterable[FailurePattern], lines: list[str]) -> FailurePattern | None:
    """The first of the patterns that matches any line."""
    for pattern in patterns:
        expression = re.compile(pattern.pattern)
        if any(expression.search(line) for line in lines):
            return pattern
    return None


_SUMMARY: Final = re.compile(r"^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s\b")
_COUNT: Final = re.compile(r"(\d+) ([a-z]+)")
_FAILED: Final = frozenset({"failed", "error", "errors"})


def inventory_from_lines(lines: Iterable[str]) -> Tests | None:
    """The inventory in the last summary line of pytest; None when there is none."""
    summaries = [found[1] for line in lines if (found := _SUMMARY.match(line.strip()))]
    if not summaries:
        return None
    counts = {word: int(count) for count, word in _COUNT.findall(summaries[-1])}
    if not counts.keys() & (_FAILED | {"passed", "skipped"}):
        return None
    return Tests(
        passed=counts.get("passed", 0),
        failed=sum(counts.get(word, 0) for word in _FAILED),
        skipped=counts.get("skipped", 0),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise NotFoundError(f"{str(value)[:80]!r} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise NotFoundError(f"{str(value)[:80]!r} is not a number") from None
    if not math.isfinite(number):
        raise NotFoundError(f"{number} is not a finite number")
    return number


def _at(data: Any, path: str, name: str) -> object:
    place = data
    for key in path.split("."):
        match place:
            case Mapping() if key in place:
                place = cast("Mapping[str, Any]", place)[key]
            case list() if _position(key) < len(cast("list[Any]", place)):
                place = cast("list[Any]", place)[_position(key)]
            case _:
                raise NotFoundError(f"{name} has nothing at {path} (looked for {key!r})")
    return place


def _position(key: str) -> int:
    """The position that a key of a path names; beyond every list when it is no number."""
    return int(key) if key.isascii() and key.isdecimal() and len(key) < 10 else sys.maxsize
