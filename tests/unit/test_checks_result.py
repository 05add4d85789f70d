"""Result files, read strictly, whatever a check puts in their place."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checks.result import NO_RESULT, RESULT_BYTES, Result, parse_result, read_result
from engine.core.events import Tests


def test_a_whole_result() -> None:
    result = parse_result(
        b'{"metrics": {"est_ms": 1.5, "count": 3}, "tests": {"passed": 34, "skipped": 1},'
        b' "failure": {"class": "refused", "detail": "why"}, "artifacts": ["a.json"]}'
    )
    assert result.metrics == {"est_ms": 1.5, "count": 3.0}
    assert result.tests == Tests(passed=34, skipped=1)
    assert result.failure is not None
    assert (result.failure.kind, result.failure.detail) == ("refused", "why")
    assert result.artifacts == ["a.json"]
    assert result.problem is None


@pytest.mark.parametrize("text", ["{}", '{"metrics": null, "tests": null, "failure": null}'])
def test_an_empty_result(text: str) -> None:
    assert parse_result(text.encode()) == NO_RESULT


WRONG = {
    "": "it is not JSON",
    "{": "it is not JSON",
    "[]": "Expected `object`, got `array`",
    "\xff": "it is not JSON",
    '{"metrics": {"a": NaN}}': "metric a is nan, not a finite number",
    '{"metrics": {"a": -Infinity}}': "metric a is -inf, not a finite number",
    '{"metrics": {"a": 1e999}}': "metric a is inf, not a finite number",
    '{"metrics": {"a": "1"}}': 'metric a is "1", not a number',
    '{"metrics": {"a": true}}': "metric a is true, not a number",
    '{"metrics": {"a": null}}': "metric a is null, not a number",
    '{"metrics": {"a": [1]}}': "metric a is [1], not a number",
    '{"metrics": {"a": 1' + "0" * 400 + "}}": "out of range",
    '{"metrics": {"a": 1' + "0" * 5000 + "}}": "4300 digits",
    r'{"metrics": {"\ud800": 1}}': r"metric '\ud800' has half of a character",
    '{"tests": {"passed": 1' + "0" * 30 + "}}": "<= 9007199254740992",
    '{"metrics": [1]}': "Expected `object | null`, got `array` - at `$.metrics`",
    '{"metrics": {"a": 1, "a": 2}}': "'a' is there twice",
    '{"metric": {"a": 1}}': "'metric' is no key of a result; did you mean 'metrics'?",
    '{"tests": {"pased": 1}}': "'pased' is no key of a result at `$.tests`; did you mean 'passed'?",
    '{"tests": {"passed": -1}}': ">= 0",
    '{"tests": {"passed": 1.5}}': "Expected `int`, got `float`",
    '{"tests": {"passed": true}}': "Expected `int`, got `bool`",
    '{"failure": {"class": "oom"}}': "the classes are incorrect, compile, refused",
    '{"failure": {"class": "promoted"}}': "the classes are incorrect",
    '{"failure": "it broke"}': "Expected `object | null`, got `str` - at `$.failure`",
    '{"artifacts": "a.json"}': "Expected `array | null`, got `str` - at `$.artifacts`",
    '{"artifacts": [1]}': "Expected `str`, got `int`",
    "[" * 100_000: "it is nested too deeply",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:30])
def test_a_wrong_result_is_named(text: str) -> None:
    result = parse_result(text.encode("latin-1"))
    assert result.problem is not None
    assert WRONG[text] in result.problem
    assert result == Result(problem=result.problem)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["metrics", "tests", "failure", "artifacts", "class"]), inner
            )
        ),
    )
)
def test_no_document_is_an_exception(document: Any) -> None:
    result = parse_result(json.dumps(document).encode())
    assert result.problem is not None or isinstance(document, dict)


@given(st.binary(max_size=200))
def test_no_bytes_are_an_exception(content: bytes) -> None:
    parse_result(content)


def test_nothing_there(tmp_path: Path) -> None:
    assert read_result(tmp_path / "result.json") == NO_RESULT


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text('{"metrics": {"x": 1}}')
    (tmp_path / "link").symlink_to(good)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "endless").symlink_to("/dev/zero")
    reasons = {
        "link": "it is a symbolic link",
        "dangling": "it is a symbolic link",
        "endless": "it is a symbolic link",
        "fifo": "it is not an ordinary file",
        "folder": "it is not an ordinary file",
    }
    begun_s = time.monotonic()
    for name, reason in reasons.items():
        assert read_result(tmp_path / name).problem == f"the result file cannot be read: {reason}"
    assert time.monotonic() - begun_s < 1


def test_an_enormous_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    problem = read_result(path).problem
    assert problem is not None
    assert f"it has {100 << 20} bytes; at most {RESULT_BYTES} are read" in problem
