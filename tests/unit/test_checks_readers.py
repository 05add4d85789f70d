"""Metrics, inventories and failures of programs that know nothing of controlroom."""

import os
from pathlib import Path
from typing import Any

import pytest

from engine.checks.files import stamp
from engine.checks.readers import (
    NotFoundError,
    failure_in,
    inventory_from_lines,
    last_words,
    lines_of,
    metric_from_json,
    metric_from_lines,
)
from engine.core.campaign.checks import FailurePattern, JsonMetric, RegexMetric
from engine.core.events import Tests

LINES = ["loss: 3.5", "loss: 1.25 loss: 2e-1", "loss: x", "other"]


def regex(**settings: Any) -> RegexMetric:
    return RegexMetric.model_validate({"regex": r"loss: ([0-9.e-]+)", **settings})


@pytest.mark.parametrize(
    ("pick", "value"), [("last", 0.2), ("first", 3.5), ("min", 0.2), ("max", 3.5)]
)
def test_a_number_is_picked(pick: str, value: float) -> None:
    assert metric_from_lines(regex(pick=pick), LINES) == value


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"regex": "gain: (.*)"}, "no line of the output matches"),
        ({"regex": "loss: (.)$"}, "'x' is not a number"),
        ({"regex": "(loss): x"}, "'loss' is not a number"),
        ({"regex": "loss: (y)?x"}, "'None' is not a number"),
    ],
)
def test_what_is_no_number_is_said(source: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotFoundError, match=r"match|not") as caught:
        metric_from_lines(RegexMetric.model_validate(source), LINES)
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999"])
def test_a_metric_is_finite(text: str) -> None:
    with pytest.raises(NotFoundError, match="is not a finite number"):
        metric_from_lines(regex(regex="loss: (.*)"), [f"loss: {text}"])


def json_metric(path: str) -> JsonMetric:
    return JsonMetric.model_validate({"json": "out.json", "path": path})


def test_a_number_is_found_in_json(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    file.write_text('{"results": [{"loss": 0.5}, {"loss": "0.25"}], "7": {"a": 3}}')
    assert metric_from_json(json_metric("results.0.loss"), file, None) == 0.5
    assert metric_from_json(json_metric("results.1.loss"), file, None) == 0.25
    assert metric_from_json(json_metric("7.a"), file, None) == 3


@pytest.mark.parametrize(
    ("content", "path", "reason"),
    [
        ('{"a": {}}', "a.b", "nothing at a.b (looked for 'b')"),
        ('{"a": [1]}', "a.1", "nothing at a.1"),
        ('{"a": [1]}', "a.-1", "nothing at a.-1"),
        ('{"a": [1]}', "a.99999999999999999999", "nothing at"),
        ('{"a": 1}', "a.b", "nothing at a.b"),
        ('{"a": true}', "a", "'True' is not a number"),
        ('{"a": null}', "a", "'None' is not a number"),
        ('{"a": NaN}', "a", "is not a finite number"),
        ("not json", "a", "is not JSON"),
        ("[" * 100_000, "a", "is not JSON"),
    ],
)
def test_what_json_lacks_is_said(tmp_path: Path, content: str, path: str, reason: str) -> None:
    file = tmp_path / "out.json"
    file.write_text(content)
    with pytest.raises(NotFoundError) as caught:
        metric_from_json(json_metric(path), file, None)
    assert reason in str(caught.value)


def test_an_old_file_is_never_read(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    file.write_text('{"a": 1}')
    before = stamp(file)
    with pytest.raises(NotFoundError, match="was there before the check and was not written by it"):
        metric_from_json(json_metric("a"), file, before)
    file.write_text('{"a": 22}')
    assert metric_from_json(json_metric("a"), file, before) == 22
    replacement = tmp_path / "new.json"
    replacement.write_text('{"a": 3}')
    replacement.rename(file)
    assert metric_from_json(json_metric("a"), file, before) == 3


def test_a_missing_file_and_a_fifo(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"the check did not write out\.json"):
        metric_from_json(json_metric("a"), tmp_path / "out.json", None)
    os.mkfifo(tmp_path / "out.json")
    with pytest.raises(NotFoundError, match="it is not an ordinary file"):
        metric_from_json(json_metric("a"), tmp_path / "out.json", None)


@pytest.mark.parametrize(
    ("line", "tests"),
    [
        ("==== 34 passed in 1.20s ====", Tests(passed=34)),
        ("49 passed, 40 skipped in 0.12s", Tests(passed=49, skipped=40)),
        (
            "= 1 failed, 2 passed, 3 warnings, 1 error in 61.00s (0:01:01) =",
            Tests(passed=2, failed=2),
        ),
        ("2 failed, 1 rerun in 3s", Tests(failed=2)),
        ("no tests ran in 0.01s", None),
        ("12 apples in 3s", None),
        ("34 passed", None),
    ],
)
def test_the_summary_of_pytest(line: str, tests: Tests | None) -> None:
    assert inventory_from_lines(["1 passed in 0.1s", line] if tests else [line]) == tests


def test_the_first_pattern_that_matches_counts() -> None:
    patterns = [
        FailurePattern.model_validate({"pattern": "No space left", "class": "infra"}),
        FailurePattern.model_validate({"pattern": "rror", "class": "compile"}),
    ]
    found = failure_in(patterns, ["Error: x", "OSError: No space left"])
    assert found is not None
    assert found.verdict == "infra"
    assert failure_in(patterns, ["fine"]) is None


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"one\ntwo\n\n", "two"),
        (b"Traceback\nValueError: 3\n  ^^^^\n----\n", "ValueError: 3"),
        (b"\x1b[31mred\x1b[0m\n", "red"),
        (b"10%\r50%\r100%", "100%"),
        (b"a\xff\xfe\x00b", "ab"),
        (b"\x1b]0;title\x07done", "done"),
        (b"", ""),
        (b"\n \n---\n", ""),
        (b"x" * 5000, "x" * 300),
    ],
)
def test_last_words(output: bytes, words: str) -> None:
    assert last_words(output) == words


def test_a_long_line_is_searched_in_part_only() -> None:
    assert [len(line) for line in lines_of(b"x" * 100_000 + b"\nshort")] == [4096, 5]
