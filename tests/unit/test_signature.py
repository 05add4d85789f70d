"""Signatures of failures: equal for alike failures, different for different ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.signature import normalised, signature

ALIKE = [
    (
        "ssh: connect to host 10.0.0.12 port 22: Connection timed out\n",
        "ssh: connect to host 10.0.0.131 port 2222: Connection timed out",
    ),
    (
        "RESOURCE_EXHAUSTED: Ran out of memory in memory space vmem. Used 17.44M of 16.00M vmem.",
        "RESOURCE_EXHAUSTED: Ran out of memory in memory space vmem. Used 7M of 64.00M vmem.",
    ),
    (
        "Traceback (most recent call last):\n"
        '  File "/srv/a/RUN/trees/00/kernels/gdn/body.py", line 88, in _within\n'
        "ValueError: shapes (64, 128) and (128, 128, 2) differ at 0x7f3a12bc",
        "Traceback (most recent call last):\n"
        '  File "/home/x/.controlroom/runs/r-s1/trees/03/kernels/gdn/body.py", line 9, in _within\n'
        "ValueError: shapes (32, 256) and (256, 256) differ at 0x55d012",
    ),
    (
        "2026-11-21T14:20:26.123Z fatal: Unable to create '/tmp/tmpab12cd_x/.git/index.lock'",
        "2026-11-22 02:00:01,5 fatal: Unable to create '/var/tmp/tmpzzz2cd_x/.git/index.lock'",
    ),
    ("killed after its deadline of 120 s: step 7", "killed after its deadline of 90 s: step 12"),
    ("commit 1a2b3c4d5e6f is broken", "commit ffeeddccbbaa0011223344 is broken"),
    (
        "run 123e4567-e89b-12d3-a456-426614174000 gone",
        "run 00000000-e89b-12d3-a456-426614174fff gone",
    ),
    ("10%|#    | 1/10\r20%|##   | 2/10\rError: boom", "\x1b[31mError: boom\x1b[0m"),
    ("took 1m, gave up", "took 59.5s, gave up"),
    ("max relative error 3.2e-05 > 1e-05", "max relative error 4E+1 > 1e-5"),
    ("try again at 3:17 PM.", "try again at 11:05 am."),
    ("POST https://a.example/v1/x?y=1 failed: 503", "POST http://127.0.0.1:8080/v1 failed: 503"),
    ("retrying\nretrying\nretrying\ngave up", "retrying\ngave up"),
    ("Boom:  too   far\n\n\nend", "boom: too far\r\nend"),
    ("pid 8471 died", "pid 12 died"),
    ("[1, 2, 3] != [4]", "[1, 2, 3, 4, 5] != [1]"),
    ("/dev/vfio/0 is busy", "/dev/vfio/3 is busy"),
]

DIFFERENT = [
    ("Connection timed out", "Connection refused"),
    ("bf16 products differ", "fp32 products differ"),
    ("no file body.py", "no file inverses.py"),
    ("/a/b/body.py: bad", "/a/b/schedule.py: bad"),
    ("exit status 1: boom", "exit status 1: bang"),
    ("AssertionError\nat the end", "AssertionError\nat the start"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_alike_failures_have_one_signature(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert signature(one) == signature(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_failures_have_different_ones(one: str, other: str) -> None:
    assert signature(one) != signature(other)


def test_names_and_small_words_are_left() -> None:
    text = "bf16 vs float32 on v5p; either/or, a / b and n/a"
    assert normalised(text) == text


def test_nothing_said_is_no_signature() -> None:
    assert signature("") == signature(" \n\t\x1b[0m") == ""


def test_people_can_read_it() -> None:
    assert signature("Ran out of memory: 17 of 16 MiB") == (
        "ran out of memory: <n> of <n> mib [4d1f27c8]"
    )


def test_of_a_long_text_the_end_counts() -> None:
    noise = "\n".join(f"{chr(97 + n % 26)} step" for n in range(50_000))
    assert signature(f"first\n{noise}\nboom") == signature(f"{noise}\nboom")
    assert len(signature("x" * 10**6)) < 110


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_number_never_tells(words: str, one: int, other: int) -> None:
    assert signature(f"{words} : {one} ; x") == signature(f"{words} : {other} ; x")


@settings(deadline=None)
@given(st.text(max_size=400))
def test_it_is_one_line_of_text(text: str) -> None:
    found = signature(text)
    found.encode("utf-8", "replace")
    assert len(found.splitlines()) <= 1


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "part", ["a.", "/a", "/", "\r", "<n>,", "1 2 ", "f", "1e", "\x1b[", "x:/", "1_", "a-", "~/"]
)
def test_no_text_takes_long(part: str) -> None:
    """Each of these would take minutes if a pattern tried everything twice."""
    signature(part * 10_000)
