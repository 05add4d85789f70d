"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("250ms", 0.25),
        ("0.5s", 0.5),
        ("1.1h", 3960.0),
        ("2d", 172_800.0),
    ],
)
def test_reading(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("120", "'120' has no unit: write 120s, 120m or 120h"),
        ("", "'' is not a duration such as"),
        ("5 minutes", "is not a duration such as"),
        ("-5s", "is not a duration such as"),
        ("1h1h", "has a unit twice"),
        ("0s", "must be more than zero"),
        ("0.0001s", "must be more than zero"),
        ("9999d", "at most ten years"),
    ],
)
def test_what_is_no_duration(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5400, "1h30m"), (60, "1m"), (0.25, "250ms"), (90061.5, "1d1h1m1s500ms"), (0, "0s")],
)
def test_writing(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(1, 10**11))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000
