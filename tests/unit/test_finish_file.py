"""FINISH_UP.json: what it means, and that nothing in it is guessed at."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.core.commands import CancelFinish, Finish
from engine.core.finish.times import unix_s, utc
from engine.runfolder.finish_file import WrongFileError, read, wish_of

NOW_S = unix_s("2026-11-21T12:00:00+00:00")


def meant(**keys: Any) -> Finish | CancelFinish:
    return wish_of(json.dumps(keys).encode(), NOW_S)


def test_a_whole_file_means_a_finish() -> None:
    found = meant(
        enabled=True,
        status="scheduled",
        requested_utc="2026-11-21T11:59:00Z",
        activate_at_utc="2026-11-21T19:00:00Z",
        deadline_utc="2026-11-21T20:00:00Z",
        minutes_left=60,
        total_minutes_window=60.0,
        final_training_rounds_target=2,
        report_top_k=5,
        force_report_now=False,
        activation_mode="scheduled_at_utc",
        note="go home",
    )
    assert found == Finish(
        activate_at="2026-11-21T19:00:00.000Z",
        deadline="2026-11-21T20:00:00.000Z",
        final_rounds=2,
        top_k=5,
        note="go home",
    )


def test_a_deadline_does_not_slide_with_whoever_looks() -> None:
    found = meant(minutes_left=10, requested_utc="2026-11-21T11:55:00Z")
    assert isinstance(found, Finish)
    assert found.deadline == "2026-11-21T12:05:00.000Z"
    later = meant(minutes_left=10)
    assert isinstance(later, Finish)
    assert later.deadline == utc(NOW_S + 600)


def test_other_names_of_keys_are_understood() -> None:
    assert meant(immediate_report=True) == Finish(activate_at=utc(NOW_S), report_only=True)
    found = meant(minutes_left=10, last_training_rounds_target=3)
    assert isinstance(found, Finish)
    assert found.final_rounds == 3


@pytest.mark.parametrize(
    "keys", [{"enabled": False}, {"status": "cancelled"}, {"status": "done"}, {"status": "closed"}]
)
def test_one_that_is_switched_off_cancels(keys: dict[str, Any]) -> None:
    assert meant(minutes_left=10, **keys) == CancelFinish()


def test_a_byte_order_mark_is_an_encoding_and_no_more() -> None:
    content = b"\xef\xbb\xbf" + b'{"minutes_left": 10}'
    assert wish_of(content, NOW_S) == meant(minutes_left=10)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({}, "it says no end"),
        ({"minutes_left": 10, "minuets": 1}, "minuets"),
        ({"minutes_left": "10"}, "minutes_left"),
        ({"minutes_left": True}, "minutes_left"),
        ({"minutes_left": 0}, "above 0"),
        ({"minutes_left": None}, "it says no end"),
        ({"minutes_left": 10, "report_top_k": 2.5}, "report_top_k"),
        ({"minutes_left": 10, "status": "maybe"}, "status is 'maybe'"),
        ({"minutes_left": 10, "activation_mode": "soon"}, "activation_mode is one of"),
        ({"minutes_left": 10, "activation_mode": "scheduled_at_utc"}, "needs activate_at_utc"),
        ({"minutes_left": 10, "activate_at_utc": "seven"}, "no time in ISO 8601"),
        ({"minutes_left": 20, "total_minutes_window": 10}, "contradictory times"),
        ({"deadline_utc": "2026-11-21T11:00:00Z"}, "contradictory times"),
        ({"deadline_utc": "2026-11-21T14:00:00Z", "minutes_left": 10}, "contradictory times"),
        (
            {
                "minutes_left": 10,
                "activation_mode": "immediate",
                "activate_at_utc": "2026-11-21T19:00:00Z",
            },
            "contradictory times",
        ),
        ({"force_report_now": True, "immediate_report": False}, "contradict each other"),
    ],
)
def test_what_is_wrong_is_refused_and_never_defaulted(keys: dict[str, Any], reason: str) -> None:
    with pytest.raises(WrongFileError, match=reason):
        meant(**keys)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"minutes_left": 10',
        b"[]",
        b"null",
        b'{"minutes_left": NaN}',
        b'{"minutes_left": 1e999}',
        b'{"minutes_left": 5, "minutes_left": 500}',
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
    ],
)
def test_what_is_torn_or_foreign_is_refused(content: bytes) -> None:
    with pytest.raises(WrongFileError):
        wish_of(content, NOW_S)


def test_a_file_that_is_being_written_is_looked_at_later(tmp_path: Path) -> None:
    path = tmp_path / "FINISH_UP.json"
    assert read(path, NOW_S) is None
    path.write_text("{")
    os.utime(path, (NOW_S, NOW_S))
    assert read(path, NOW_S + 0.1) is None
    assert read(path, NOW_S + 1) == b"{"


def test_what_is_no_plain_file_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "FINISH_UP.json"
    os.mkfifo(path)
    with pytest.raises(WrongFileError, match="not a plain file"):
        read(path, NOW_S)
    path.unlink()
    path.write_bytes(b" " * 70_000)
    with pytest.raises(WrongFileError, match="more than"):
        read(path, NOW_S)
