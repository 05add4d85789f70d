"""The bridge over real run folders: growing, dying, damaged, gone."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.core import events as e
from engine.core.commands import Pause
from engine.core.ids import IterationNumber, candidate_id
from engine.journal import Journal
from engine.runfolder import create_run_folder, inbox, lock
from engine.runfolder.heartbeat import Heartbeat, HeartbeatFile
from tests.screens import demo_run, fakes
from tui.bridge import RunFeed
from tui.room import Room
from tui.views.log import LogEntry

LIMIT_S = 20.0
Wait = Callable[[Callable[[Room], bool]], Room]


class Followed:
    """A feed and all lines that it gave."""

    def __init__(self, run: Path) -> None:
        self.feed = RunFeed(run, run.parent)
        self.lines: list[LogEntry] = []
        self.feed.start()

    def until(self, holds: Callable[[Room], bool]) -> Room:
        """The room, once this holds."""
        end = time.monotonic() + LIMIT_S
        while True:
            room = self.feed.room()
            self.lines += self.feed.take_lines()
            if holds(room):
                return room
            assert time.monotonic() < end, room
            time.sleep(0.01)

    def said(self, text: str) -> Callable[[Room], bool]:
        return lambda room: any(text in line.text for line in self.lines)


@pytest.fixture
def follow() -> Iterator[Callable[[Path], Followed]]:
    opened: list[Followed] = []

    def begin(run: Path) -> Followed:
        opened.append(Followed(run))
        return opened[-1]

    yield begin
    for each in opened:
        each.feed.close()
        each.feed._thread.join(LIMIT_S)
        assert not each.feed._thread.is_alive()


def beat(run: Path, seq: int) -> None:
    file = HeartbeatFile.open(run / "heartbeat")
    now = Heartbeat(
        pid=4711,
        start_ticks=1,
        boot_id="b",
        host="h",
        time=time.time(),
        seq=seq,
        alive_s=5.0,
        state="running",
    )
    assert file.write(now)
    file.close()


def test_a_killed_run_is_crashed_and_names_the_command(
    tmp_path: Path, follow: Callable[[Path], Followed]
) -> None:
    run = demo_run.build(tmp_path / "demo", 20)
    followed = follow(run)
    room = followed.until(lambda room: room.condition.word == "crashed")
    assert room.header.iteration == 22
    assert "controlroom run configs/gdn-v5p.yaml --seed 0 --run-dir demo" in room.notice.text
    followed.until(followed.said("compiled ok"))
    assert not any("10%" in line.text or "\x1b" in line.text for line in followed.lines)


def test_a_run_is_followed_as_it_grows_and_when_it_dies(
    tmp_path: Path, follow: Callable[[Path], Followed]
) -> None:
    run = demo_run.build(tmp_path / "demo", 20)
    held = lock.take(run / "engine.lock")
    assert isinstance(held, lock.RunLock)
    journal = Journal.open(run / "journal.sqlite")
    beat(run, journal.last_seq)
    followed = follow(run)
    # The heartbeat and the holder of the lock are two processes here: that reads as starting.
    followed.until(lambda room: room.condition.live and room.header.iteration == 22)
    with (run / "logs" / "00021.log").open("a") as log:
        log.write("late news\n")
    followed.until(followed.said("late news"))
    verdict = e.VerdictReached(
        iteration=IterationNumber(21),
        candidate=candidate_id(IterationNumber(21)),
        verdict="promoted",
        reason="much better",
        value=0.5,
    )
    journal.append([verdict], expected_seq=journal.last_seq, time=fakes.iso(fakes.NOW))
    room = followed.until(lambda room: room.board.champion == verdict.candidate)
    assert room.board.rows[0].value == 0.5
    assert room.header.champion.value == "0.500"
    followed.until(followed.said("c-0021 promoted 0.5: much better"))
    journal.close()
    held.release()
    began = time.monotonic()
    followed.until(lambda room: room.condition.word == "crashed")
    assert time.monotonic() - began < 10


def test_a_wish_goes_to_the_inbox_and_is_pending_until_it_is_answered(
    tmp_path: Path, follow: Callable[[Path], Followed]
) -> None:
    run = demo_run.build(tmp_path / "demo", 5)
    held = lock.take(run / "engine.lock")
    assert isinstance(held, lock.RunLock)
    journal = Journal.open(run / "journal.sqlite")
    followed = follow(run)
    followed.until(lambda room: room.condition.live)
    followed.feed.send(Pause())
    pending = followed.feed.room().pending
    assert pending is not None
    assert pending.name == "pause"
    followed.until(lambda room: bool(inbox.pending(run / "inbox")))
    (envelope,) = inbox.pending(run / "inbox")
    assert envelope.by == "screen"
    refused = e.CommandRefused(
        command_id=envelope.id, command="pause", by="screen", reason="too late"
    )
    journal.append([refused], expected_seq=journal.last_seq, time=fakes.iso(fakes.NOW))
    room = followed.until(lambda room: room.said is not None)
    assert room.said.text == "pause was refused: too late"
    assert followed.until(lambda room: room.pending is None)
    journal.close()
    held.release()


def test_a_run_without_a_journal_is_starting(
    tmp_path: Path, follow: Callable[[Path], Followed]
) -> None:
    paths = create_run_folder(tmp_path / "young")
    followed = follow(paths.root)
    room = followed.until(lambda room: room.notice is not None)
    assert room.condition.word == "starting"
    assert "first event" in room.notice.text
    demo_run.build(paths.root, 3)
    followed.until(lambda room: room.header.iteration == 5)


def test_what_is_left_of_a_damaged_journal_is_shown(
    tmp_path: Path, follow: Callable[[Path], Followed]
) -> None:
    run = demo_run.build(tmp_path / "demo", 60)
    journal = run / "journal.sqlite"
    content = bytearray(journal.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = b"\xa5" * 4096
    journal.write_bytes(content)
    room = follow(run).until(lambda room: bool(room.condition.damage))
    assert room.notice.alarm
    assert "Nothing was changed" in room.notice.text
    assert "Shown is what can be read" in room.notice.text
    assert 1 <= room.header.iteration < 62
    assert journal.read_bytes() == content


def test_a_folder_that_goes_away_is_told_and_nothing_breaks(
    tmp_path: Path, follow: Callable[[Path], Followed]
) -> None:
    room = follow(tmp_path / "nowhere").until(lambda room: bool(room.condition.trouble))
    assert "no such folder" in room.notice.text


def test_a_log_that_grows_faster_than_it_is_read_is_shown_by_its_end(
    tmp_path: Path, follow: Callable[[Path], Followed]
) -> None:
    run = demo_run.build(tmp_path / "demo", 5)
    followed = follow(run)
    followed.until(followed.said("compiled ok"))
    with (run / "logs" / "00006.log").open("a") as log:
        log.writelines(f"line {number}\n" for number in range(400_000))
    followed.until(followed.said("line 399999"))
    assert any("MB not shown here" in line.text for line in followed.lines)
    assert len(followed.lines) < 30_000
