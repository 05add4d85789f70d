"""What programs write becomes plain lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.text import MAX_CELLS, LineReducer, reduce_line


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;32mok\x1b[0m done", "ok done"),
        (" 10%\r 50%\r100%", "100%"),
        ("long first part\rshort", "shortfirst part"[:5] + " first part"[-10:]),
        ("long first part\r\x1b[Kshort", "short"),
        ("long first part\x1b[2K\rshort", "short"),
        ("windows\r", "windows"),
        ("abc\b\bX", "aX"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\tb", "a   b"),
        ("nul\x00bell\x07", "nulbell"),
        ("turned \u202etxt", "turned txt"),
        ("[red]not markup[/red]", "[red]not markup[/red]"),
    ],
)
def test_a_line_is_shown_as_a_terminal_would_have_left_it(raw: str, shown: str) -> None:
    assert reduce_line(raw) == shown


def test_lines_are_whole_however_the_bytes_are_cut() -> None:
    content = "grün \x1b[31mrot\x1b[0m\nzwei\r\ndrei".encode()
    for cut in range(len(content)):
        reducer = LineReducer()
        lines = reducer.feed(content[:cut]) + reducer.feed(content[cut:]) + reducer.finish()
        assert lines == ["grün rot", "zwei", "drei"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert LineReducer().feed(b"\xff\xfe ok\n") == ["�� ok"]


def test_a_line_without_end_stays_small() -> None:
    reducer = LineReducer()
    for _ in range(100):
        assert reducer.feed(b"x" * 10_000) == []
    (line,) = reducer.finish()
    assert len(line) == MAX_CELLS


@given(st.text(max_size=200))
def test_nothing_that_steers_a_terminal_is_left(raw: str) -> None:
    shown = reduce_line(raw.replace("\n", ""))
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    assert reduce_line(shown) == shown
