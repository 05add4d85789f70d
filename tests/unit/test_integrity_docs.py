"""docs/integrity.md answers every line of the checklist, and names only tests that are there."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LINES: Final = 35
SHORTEST_REASON: Final = 40
_ROW: Final = re.compile(r"^\| D(\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
_TEST: Final = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@cache
def rows() -> dict[int, str]:
    text = (ROOT / "docs" / "integrity.md").read_text()
    found = [(int(number), answer) for number, _, answer in _ROW.findall(text)]
    assert [number for number, _ in found] == list(range(1, LINES + 1))
    return dict(found)


@pytest.mark.parametrize("number", range(1, LINES + 1))
def test_a_line_is_met_by_a_test_or_answered(number: int) -> None:
    answer = rows()[number]
    if not _TEST.search(answer):
        assert len(answer) >= SHORTEST_REASON, "neither a test nor a reason"
    for path, name in _TEST.findall(answer):
        assert (ROOT / path).is_file(), path
        if name:
            text = (ROOT / path).read_text()
            assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{path}::{name}"
