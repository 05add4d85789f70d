"""Lines are put together again wherever they were cut, and long ones do not fill the memory."""

import random
import tracemalloc

import pytest

from engine.agents.answers import structured_in
from engine.agents.lines import Lines, TooLong


def fed(lines: Lines, chunks: list[bytes]) -> list[bytes | TooLong]:
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    return found + lines.finish()


@pytest.mark.parametrize("seed", range(20))
def test_lines_are_the_same_wherever_they_are_cut(seed: int) -> None:
    draw = random.Random(seed)
    whole = b"".join(
        draw.choice([b"a", b"\n", b"\r\n", b"bc" * 9, b"\x00\xff"]) for _ in range(200)
    )
    cuts = sorted(draw.sample(range(len(whole)), 30))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expected = [TooLong(len(line)) if len(line) > 20 else line for line in whole.split(b"\n")]
    if expected[-1] == b"":
        del expected[-1]
    assert fed(Lines(20), chunks) == expected


def test_the_longest_line_is_kept_and_one_byte_more_is_not() -> None:
    assert fed(Lines(10), [b"x" * 10 + b"\n" + b"x" * 11]) == [b"x" * 10, TooLong(11)]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    lines, chunk = Lines(1 << 20), b"x" * (1 << 16)
    tracemalloc.start()
    for _ in range(1000):
        lines.feed(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    assert lines.feed(b"\nnext\n") == [TooLong(1000 << 16), b"next"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', '{"a": 1}'),
        (' {"a": 1}\n', '{"a": 1}'),
        ('Done.\n```json\n{"a": 1}\n```\n', '{"a": 1}'),
        ('```\n{"a": 1}\n```\nand then\n```json\n{"b": 2}\n```', '{"b": 2}'),
        ('```json\n{"a": 1}\n```\n```sh\nls\n```', '{"a": 1}'),
        ("[1, 2]", None),
        ('"text"', None),
        ("{", None),
        ("", None),
        ("[" * 100_000, None),
    ],
)
def test_an_answer_is_found_in_a_text(text: str, found: str | None) -> None:
    assert structured_in(text) == found
