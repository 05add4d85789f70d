"""The files of a run beside its journal."""

import fcntl
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.commands import AnyCommand, Envelope, Pause, Resume, Stop, encode
from engine.core.ids import CommandId
from engine.runfolder import (
    Heartbeat,
    HeartbeatFile,
    Identity,
    RunPaths,
    SlotBeat,
    create_run_folder,
    heartbeat,
    identity,
    inbox,
    lock,
    look,
    pause,
)
from tests.journal_child import Child
from tests.mounts import read_only


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return create_run_folder(RunPaths.of(tmp_path, "made-s0").root)


class TestPaths:
    def test_where_things_lie(self, tmp_path: Path) -> None:
        paths = RunPaths.of(tmp_path, "gdn-s7")
        assert paths.root == tmp_path / ".controlroom" / "runs" / "gdn-s7"
        assert paths.name == "gdn-s7"
        assert paths.log(42) == paths.root / "logs" / "00042.log"
        assert paths.step(42) == paths.root / "steps" / "00042"

    def test_markers_name_the_real_folder(self, tmp_path: Path) -> None:
        create_run_folder(RunPaths.of(tmp_path / "real", "a").root)
        (tmp_path / "link").symlink_to(tmp_path / "real")
        real, linked = RunPaths.of(tmp_path / "real", "a"), RunPaths.of(tmp_path / "link", "a")
        assert linked.run_marker == real.run_marker == str(real.root.resolve())

    def test_the_work_folder_is_kept_out_of_git(self, tmp_path: Path) -> None:
        create_run_folder(RunPaths.of(tmp_path, "a").root)
        assert (tmp_path / ".controlroom" / ".gitignore").read_text() == "*\n"

    def test_a_work_folder_that_was_there_stays_as_it_was(self, tmp_path: Path) -> None:
        (tmp_path / ".controlroom").mkdir()
        paths = create_run_folder(RunPaths.of(tmp_path, "a").root)
        assert [each.name for each in (tmp_path / ".controlroom").iterdir()] == ["runs"]
        paths.log(1).write_text("kept")
        create_run_folder(paths.root)
        assert paths.log(1).read_text() == "kept"

    def test_a_run_elsewhere_gets_no_gitignore(self, tmp_path: Path) -> None:
        paths = create_run_folder(tmp_path / "elsewhere" / "run")
        assert paths.inbox.is_dir()
        assert list(tmp_path.rglob(".gitignore")) == []


class TestLock:
    def test_a_free_lock_is_free(self, paths: RunPaths) -> None:
        assert lock.holder(paths.lock) is None
        paths.lock.touch()
        assert lock.holder(paths.lock) is None
        assert lock.owner(paths.lock) is None

    def test_a_held_lock_names_its_holder(self, paths: RunPaths) -> None:
        with Child(paths.root) as child:
            child.ready()
            assert lock.holder(paths.lock) == child.process.pid
            refused = lock.take(paths.lock)
            assert isinstance(refused, lock.LockHeld)
            assert refused.pid == child.process.pid
            assert refused.owner is not None
            assert identity.is_alive(refused.owner)
            assert lock.holder(paths.lock) == child.process.pid
        assert lock.holder(paths.lock) is None

    def test_it_dies_with_its_holder_although_a_child_has_the_descriptor(
        self, paths: RunPaths
    ) -> None:
        code = (
            "import os, subprocess, sys; from pathlib import Path;"
            "from engine.runfolder import lock;"
            "held = lock.take(Path(sys.argv[1])); os.set_inheritable(held._descriptor, True);"
            "child = subprocess.Popen(['sleep', '600'], close_fds=False, stdout=2);"
            "print(child.pid, flush=True); sys.stdin.read()"
        )
        engine = subprocess.Popen(
            [sys.executable, "-c", code, str(paths.lock)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert engine.stdout is not None
        heir = int(engine.stdout.readline())
        assert lock.holder(paths.lock) == engine.pid
        engine.kill()
        engine.communicate()
        try:
            assert lock.holder(paths.lock) is None
            mine = lock.take(paths.lock)
            assert isinstance(mine, lock.RunLock)
            mine.release()
        finally:
            os.kill(heir, 9)

    def test_asking_in_the_holding_process_does_not_let_go(self, paths: RunPaths) -> None:
        """Closing any descriptor of the file would; so it is not opened a second time."""
        mine = lock.take(paths.lock)
        assert isinstance(mine, lock.RunLock)
        assert lock.holder(paths.lock) == os.getpid()
        assert lock.owner(paths.lock) == identity.own()
        assert isinstance(lock.take(paths.lock), lock.LockHeld)
        code = (
            "import sys; from pathlib import Path; from engine.runfolder import lock;"
            "print(lock.holder(Path(sys.argv[1])))"
        )
        ask = [sys.executable, "-c", code, str(paths.lock)]
        assert int(subprocess.check_output(ask)) == os.getpid()
        mine.release()
        mine.release()
        assert subprocess.check_output(ask).strip() == b"None"

    def test_it_can_be_taken_without_changing_a_byte(self, paths: RunPaths) -> None:
        paths.lock.write_text("of an earlier engine")
        mine = lock.take(paths.lock, sign=False)
        assert isinstance(mine, lock.RunLock)
        assert paths.lock.stat().st_size == len("of an earlier engine")
        mine.sign()
        mine.release()
        assert lock.owner(paths.lock) == identity.own()

    def test_it_can_be_asked_where_nothing_can_be_written(
        self, paths: RunPaths, tmp_path: Path
    ) -> None:
        with Child(paths.root) as child, read_only(paths.root, tmp_path / "seen") as seen:
            child.ready()
            assert lock.holder(seen / "engine.lock") == child.process.pid

    def test_the_answer_in_the_layout_of_other_systems(self) -> None:
        held = struct.pack("qqihh", 0, 0, 4711, fcntl.F_WRLCK, os.SEEK_SET)
        free = struct.pack("qqihh", 0, 0, 0, fcntl.F_UNLCK, os.SEEK_SET)
        assert lock.unpack_answer(held, "darwin") == 4711
        assert lock.unpack_answer(free, "darwin") is None
        assert len(lock.pack_question("darwin")) == 24

    def test_a_holder_that_has_no_name_here_still_holds(self) -> None:
        foreign = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, -1)
        assert lock.unpack_answer(foreign, "linux") == 0


class TestIdentity:
    def test_this_process_is_alive(self) -> None:
        own = identity.own()
        assert own.pid == os.getpid()
        assert own.start_ticks > 0
        assert own.boot_id
        assert identity.is_alive(own)

    def test_a_process_that_ended_is_not(self) -> None:
        child = subprocess.Popen(["sleep", "600"])
        own = identity.own()
        ticks = identity.start_ticks(child.pid)
        assert ticks
        other = Identity(pid=child.pid, start_ticks=ticks, boot_id=own.boot_id, host=own.host)
        assert identity.is_alive(other)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not identity.is_alive(other), "nobody has waited for it, but it is gone"
        child.wait()
        assert not identity.is_alive(other)

    @pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "x"}, {"host": "y"}])
    def test_the_same_pid_elsewhere_or_later_is_another(self, change: dict[str, object]) -> None:
        own = identity.own()
        fields = {"pid": own.pid, "start_ticks": own.start_ticks} | {
            "boot_id": own.boot_id,
            "host": own.host,
        }
        assert not identity.is_alive(Identity(**(fields | change)))  # type: ignore[arg-type]

    def test_a_name_with_spaces_and_parentheses(self, tmp_path: Path) -> None:
        program = tmp_path / "a) Z (b"
        program.symlink_to("/bin/sleep")
        child = subprocess.Popen([str(program), "600"])
        assert identity.start_ticks(child.pid)
        child.kill()
        child.wait()


def beat(**changes: object) -> Heartbeat:
    fields: dict[str, object] = {
        "pid": 4711,
        "start_ticks": 99,
        "boot_id": "b",
        "host": "h",
        "time": 1_790_000_000.25,
        "seq": 12,
        "alive_s": 60.5,
        "state": "running",
    }
    return Heartbeat(**(fields | changes))  # type: ignore[arg-type]


class TestHeartbeat:
    def test_it_is_read_as_it_was_written(self, paths: RunPaths) -> None:
        slots = [SlotBeat(slot=0, iteration=3, phase="cost", since=1.5)]
        file = HeartbeatFile.open(paths.heartbeat)
        assert heartbeat.read(paths.heartbeat) is None
        assert file.write(beat(slots=slots, waiting="lease"))
        assert heartbeat.read(paths.heartbeat) == beat(slots=slots, waiting="lease")
        file.write(beat())
        assert heartbeat.read(paths.heartbeat) == beat()
        file.close()

    def test_it_is_always_the_same_file_of_the_same_size(self, paths: RunPaths) -> None:
        file = HeartbeatFile.open(paths.heartbeat)
        before = paths.heartbeat.stat()
        for count in (0, 3, 200):
            slots = [SlotBeat(slot=i, iteration=i, phase="p" * 30, since=0.0) for i in range(count)]
            file.write(beat(slots=slots, state="s" * 5000 if count else "running"))
            found = heartbeat.read(paths.heartbeat)
            assert found is not None
            assert found.slots == slots[: len(found.slots)]
            after = paths.heartbeat.stat()
            assert (after.st_ino, after.st_size) == (before.st_ino, 4096)
        file.close()

    def test_a_later_engine_goes_on_with_it(self, paths: RunPaths) -> None:
        first = HeartbeatFile.open(paths.heartbeat)
        first.write(beat(seq=1))
        first.close()
        second = HeartbeatFile.open(paths.heartbeat)
        assert heartbeat.read(paths.heartbeat) == beat(seq=1)
        second.write(beat(seq=2))
        assert heartbeat.read(paths.heartbeat) == beat(seq=2)
        second.close()

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            bytes(4096),
            b"\xff" * 4096,
            b"{}",
            heartbeat.pack(beat())[:60],
            heartbeat.pack(beat()).replace(b"4711", b"4712"),
            heartbeat.pack(beat())[:100] + heartbeat.pack(beat(pid=1))[100:],
            b"%08x {}\n" % 0xA505DF1B,
        ],
    )
    def test_what_is_torn_or_foreign_reads_as_nothing(
        self, content: bytes, paths: RunPaths
    ) -> None:
        paths.heartbeat.write_bytes(content)
        assert heartbeat.read(paths.heartbeat) is None

    def test_what_is_not_there_reads_as_nothing(self, paths: RunPaths) -> None:
        assert heartbeat.read(paths.heartbeat) is None
        paths.heartbeat.mkdir()
        assert heartbeat.read(paths.heartbeat) is None


def envelope(name: str, command: AnyCommand | None = None) -> Envelope:
    return Envelope(id=CommandId(name), by="cli", command=command or Stop())


class TestInbox:
    def test_commands_come_in_the_order_of_their_ids(self, paths: RunPaths) -> None:
        sent = [envelope("2", Resume()), envelope("1", Pause(reason="ü", now=True)), envelope("3")]
        for each in sent:
            inbox.put(paths.inbox, each)
        assert inbox.pending(paths.inbox) == [sent[1], sent[0], sent[2]]
        assert len(inbox.pending(paths.inbox)) == 3, "they wait until they are removed"
        inbox.remove(paths.inbox, CommandId("2"))
        inbox.remove(paths.inbox, CommandId("2"))
        assert [each.id for each in inbox.pending(paths.inbox)] == ["1", "3"]

    def test_ids_sort_by_time_and_are_never_the_same(self) -> None:
        ids = [inbox.new_id() for _ in range(200)]
        assert [each[:20] for each in ids] == sorted(each[:20] for each in ids)
        assert len(set(ids)) == 200

    def test_an_inbox_that_is_not_there_is_empty_and_is_made(self, paths: RunPaths) -> None:
        paths.inbox.rmdir()
        assert inbox.pending(paths.inbox) == []
        inbox.put(paths.inbox, envelope("1"))
        assert len(inbox.pending(paths.inbox)) == 1

    @pytest.mark.parametrize("name", ["", ".", "..", "../1", "a/b", "a\0b", "-x\n", "x" * 200])
    def test_an_id_that_is_no_file_name_is_refused(self, name: str, paths: RunPaths) -> None:
        with pytest.raises(ValueError, match="cannot be the id"):
            inbox.put(paths.inbox, envelope(name))
        assert list(paths.inbox.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("1.json", b"", "truncated"),
            ("1.json", b"{", "malformed|truncated"),
            ("1.json", b"\xff\xfe", "malformed|invalid"),
            ("1.json", b'{"id":"1","by":"x","command":{"command":"dance"}}', "Invalid value"),
            ("1.json", encode(envelope("2")), "not that of its command"),
            ("notes.txt", encode(envelope("1")), "not that of its command"),
            ("1.json", b" " * 70_000, "more than 65536 bytes"),
        ],
    )
    def test_what_is_no_command_is_put_aside_with_the_reason(
        self, name: str, content: bytes, reason: str, paths: RunPaths
    ) -> None:
        (paths.inbox / name).write_bytes(content)
        inbox.put(paths.inbox, envelope("9"))
        assert [each.id for each in inbox.pending(paths.inbox)] == ["9"]
        assert (paths.inbox / "refused" / name).read_bytes() == content
        note = (paths.inbox / "refused" / f"{name}.reason").read_text()
        assert any(part in note for part in reason.split("|")), note

    def test_a_pipe_or_a_folder_does_not_stop_the_engine(self, paths: RunPaths) -> None:
        os.mkfifo(paths.inbox / "1.json")
        (paths.inbox / "2.json").mkdir()
        (paths.inbox / "3.json").symlink_to("/dev/zero")
        assert inbox.pending(paths.inbox) == []
        assert len(list((paths.inbox / "refused").glob("*.reason"))) == 3

    def test_a_draft_is_not_a_command_yet(self, paths: RunPaths) -> None:
        (paths.inbox / ".1.tmp").write_bytes(b"{")
        assert inbox.pending(paths.inbox) == []
        assert (paths.inbox / ".1.tmp").exists()

    def test_garbage_that_cannot_be_moved_is_passed_over(
        self, paths: RunPaths, tmp_path: Path
    ) -> None:
        (paths.inbox / "1.json").write_bytes(b"{")
        inbox.put(paths.inbox, envelope("2"))
        with read_only(paths.root, tmp_path / "seen") as seen:
            assert [each.id for each in inbox.pending(RunPaths(seen).inbox)] == ["2"]


class TestPause:
    def test_the_file_is_the_pause(self, paths: RunPaths) -> None:
        assert pause.read(paths.pause) is None
        assert not pause.exists(paths.pause)
        pause.write(paths.pause, "lunch")
        assert pause.read(paths.pause) == "lunch"
        assert paths.pause.read_text() == "lunch\n"
        assert pause.remove(paths.pause)
        assert not pause.remove(paths.pause)
        assert pause.read(paths.pause) is None

    def test_a_touch_is_enough(self, paths: RunPaths) -> None:
        paths.pause.touch()
        assert pause.exists(paths.pause)
        assert pause.read(paths.pause) == ""

    def test_any_content_is_a_reason(self, paths: RunPaths) -> None:
        paths.pause.write_bytes(b"\xff" + b"x" * 5000)
        text = pause.read(paths.pause)
        assert text is not None
        assert text.startswith("\ufffdx")
        assert len(text) == 2000


def test_liveness_is_what_the_files_say(paths: RunPaths) -> None:
    assert not look(paths).held
    file = HeartbeatFile.open(paths.heartbeat)
    file.write(beat())
    pause.write(paths.pause, "lunch")
    with Child(paths.root) as child:
        child.ready()
        found = look(paths)
        assert (found.holder, found.heartbeat, found.pause) == (child.process.pid, beat(), "lunch")
    assert not look(paths).held
    file.close()
