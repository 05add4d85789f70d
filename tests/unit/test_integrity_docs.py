"""docs/integrity.md answers every line of the checklist, and names only tests that are there."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LINES: Final = 35
SHORTEST_REASON: Final = 40
ATTACKS: Final = (
    "stale output memory", "zeroed inputs", "side streams", "lazy outputs", "patched timers",
    "lower precision", "calling the library", "l2 persistence", "caches by identity",
    "geometric mean", "degenerate tasks", "faster than the hardware", "looked up", "data leak",
    "reviewing model",
)  # fmt: skip
"""What was done in public, in the order of the table."""

_ATTACK: Final = re.compile(r"^\| A(\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
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
    meets(rows()[number])


@pytest.mark.parametrize(("number", "attack"), enumerate(ATTACKS, 1))
def test_a_way_of_gaming_is_met_by_a_test_or_answered(number: int, attack: str) -> None:
    text = (ROOT / "docs" / "integrity.md").read_text()
    found = {int(row): (what, answer) for row, what, answer in _ATTACK.findall(text)}
    assert list(found) == list(range(1, len(ATTACKS) + 1))
    assert attack in found[number][0].lower()
    meets(found[number][1])


def meets(answer: str) -> None:
    """Fails unless the answer gives a reason, or names tests that are there."""
    if not _TEST.search(answer):
        assert len(answer) >= SHORTEST_REASON, "neither a test nor a reason"
    for path, name in _TEST.findall(answer):
        assert (ROOT / path).is_file(), path
        if name:
            text = (ROOT / path).read_text()
            assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{path}::{name}"
