"""Sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.size import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("1KiB", 1024), ("512MiB", 512 << 20), ("8 GiB", 8 << 30), ("1.5GiB", 3 << 29)],
)
def test_a_size_is_read(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["8", "8GB", "GiB", "-1GiB", "0KiB", "9999999GiB", "1e9KiB", ""])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"size such as|must be at least"):
        parse_size(text)


@given(st.integers(1, 1 << 40))
def test_a_size_is_read_back(kib: int) -> None:
    assert parse_size(format_size(kib * 1024)) == kib * 1024
