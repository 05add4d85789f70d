"""What a check reported: its result file, read strictly."""

import difflib
import json
import math
import re
from pathlib import Path
from typing import Annotated, Any, Final, cast, get_args

import msgspec

from engine.checks.files import UnreadableError, read_plain
from engine.core.campaign.checks import FailureName
from engine.core.events import Tests
from engine.core.parts import Hotspot

RESULT_BYTES: Final = 1 << 20
"""A result holds a few numbers and a sentence. A bigger file is refused."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the check says that the candidate failed. Without a class the exit status names it."""

    kind: FailureName | None = msgspec.field(default=None, name="class")
    detail: str = ""


class _Inventory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    passed: Count = 0
    failed: Count = 0
    skipped: Count = 0


class _Hotspot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    metrics: dict[str, float] | None = None
    tests: _Inventory | None = None
    failure: Failure | None = None
    artifacts: list[str] | None = None
    hotspots: list[_Hotspot] | None = None
    token: str | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What stood in a result. `problem` says why it cannot be used, if so.

    `token` is the one with which a judge shows that it is the judge.
    """

    metrics: dict[str, float] = {}
    tests: Tests | None = None
    failure: Failure | None = None
    artifacts: list[str] = []
    hotspots: list[Hotspot] = []
    token: str = ""
    problem: str | None = None


NO_RESULT: Final = Result()


def read_result(path: Path) -> Result:
    """The result that a check wrote; empty when it wrote none, with a `problem` when unusable."""
    try:
        content = read_plain(path, RESULT_BYTES)
    except UnreadableError as error:
        return Result(problem=f"the result file cannot be read: {error}")
    return NO_RESULT if content is None else parse_result(content)


def parse_result(
    content: bytes, *, what: str = "the result file", with_token: bool = False
) -> Result:
    """The result in `content`, which is called `what`; only a judge's report has a token."""
    try:
        document = msgspec.convert(_plain(content), _Document)
        if document.token is not None and not with_token:
            raise ValueError("Object contains unknown field `token`")
    except (ValueError, RecursionError, OverflowError) as error:
        return Result(problem=f"{what} is wrong: {_explained(error)}")
    tests = document.tests
    return Result(
        metrics=document.metrics or {},
        tests=tests and Tests(passed=tests.passed, failed=tests.failed, skipped=tests.skipped),
        failure=document.failure,
        artifacts=document.artifacts or [],
        hotspots=[Hotspot(name=spot.name, share=spot.share) for spot in document.hotspots or []],
        token=document.token or "",
    )


def _plain(content: bytes) -> Any:
    # The standard parser is the one that can say which number was NaN.
    data = json.loads(content, object_pairs_hook=_without_repeats)
    if isinstance(data, dict):
        _look_at(cast("dict[str, object]", data).get("metrics"))
    return cast("Any", data)


def _look_at(metrics: object) -> None:
    if not isinstance(metrics, dict):
        return
    for name, value in cast("dict[str, object]", metrics).items():
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise ValueError(f"metric {name!r} has half of a character (a surrogate) in its name")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"metric {name} is {json.dumps(value)[:80]}, not a number")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"metric {name} is {value}, not a finite number")


def _without_repeats(pairs: "list[tuple[str, Any]]") -> "dict[str, Any]":
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return data


_UNKNOWN: Final = re.compile(r"unknown field `(.*?)`(.*)")
_KEYS: Final = (
    *("metrics", "tests", "failure", "artifacts", "hotspots"),
    *("passed", "failed", "skipped", "class", "detail", "name", "share"),
)


def _explained(error: Exception) -> str:
    """The mistake in words, with the nearest known key and the failure classes where they help."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = str(error)
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return f"it is not JSON: {text}"
    if unknown := _UNKNOWN.search(text):
        near = difflib.get_close_matches(unknown[1], _KEYS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{unknown[1]!r} is no key of a result{unknown[2].replace(' - ', ' ')}{hint}"
    if "$.failure.class" in text:
        return f"{text}; the classes are {', '.join(get_args(FailureName))}"
    return text
