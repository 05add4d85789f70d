"""What a client may rely on, whatever became of the run."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.client import (
    ClientError,
    NoSuchRun,
    Pause,
    Resume,
    RunHandle,
    Stop,
    find_run,
    list_runs,
)
from engine.client.waiting import wait_answer
from engine.core.state import Answer
from engine.runfolder import RunPaths, create_run_folder, inbox, lock, pause
from tests.journal_child import REPOSITORY, Child
from tests.recorded import folded, make_run


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return create_run_folder(RunPaths.of(tmp_path, "made-s0").root)


class TestFinding:
    def test_by_name_by_path_and_the_newest(self, tmp_path: Path) -> None:
        first, second = make_run(tmp_path, 1, "a-s0"), make_run(tmp_path, 1, "b-s0")
        age(first, 200)
        age(second, 100)
        assert find_run("a-s0", tmp_path) == first.root
        assert find_run(str(first.root), tmp_path) == first.root
        assert find_run(first.root.relative_to(tmp_path), tmp_path) == first.root
        assert find_run(None, tmp_path) == second.root
        assert [run.name for run in list_runs(tmp_path)] == ["b-s0", "a-s0"]

    def test_the_newest_is_the_one_that_was_started_last(self, tmp_path: Path) -> None:
        """Whichever of two live runs wrote last changes from one moment to the next."""
        first, second = make_run(tmp_path, 1, "a-s0"), make_run(tmp_path, 1, "b-s0")
        first.lock.touch()
        second.lock.touch()
        os.utime(second.lock, (1000, 1000))
        second.heartbeat.touch()
        assert find_run(None, tmp_path) == first.root

    def test_live_runs_are_marked(self, paths: RunPaths, tmp_path: Path) -> None:
        with Child(paths.root) as child:
            child.ready()
            assert [run.live for run in list_runs(tmp_path)] == [True]
        assert [run.live for run in list_runs(tmp_path)] == [False]

    def test_nothing_here(self, tmp_path: Path) -> None:
        assert list_runs(tmp_path) == []
        with pytest.raises(NoSuchRun, match="start one with `controlroom run CONFIG`"):
            find_run(None, tmp_path)
        with pytest.raises(NoSuchRun, match="no run 'a': there are no runs in"):
            find_run("a", tmp_path)

    def test_another_name(self, tmp_path: Path) -> None:
        make_run(tmp_path, 1, "gdn-s0")
        with pytest.raises(NoSuchRun, match="no run 'gnd-s0'; the runs here are: gdn-s0"):
            find_run("gnd-s0", tmp_path)

    def test_a_folder_without_a_run(self, tmp_path: Path) -> None:
        with pytest.raises(NoSuchRun, match=r"no journal\.sqlite"):
            find_run(".", tmp_path)
        with pytest.raises(NoSuchRun, match="there is no such folder"):
            RunHandle.open(tmp_path / "none")

    def test_other_things_among_the_runs_are_no_runs(self, paths: RunPaths, tmp_path: Path) -> None:
        (paths.root.parent / "notes.txt").write_text("x")
        assert list_runs(tmp_path) == []


def age(paths: RunPaths, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(paths.journal, (then, then))


class TestFollowing:
    def test_a_run_from_before_its_journal_to_its_end(self, paths: RunPaths) -> None:
        handle = RunHandle.open(paths.root)
        assert handle.state is None
        assert handle.leaderboard() is None
        with Child(paths.root) as child:
            child.ready()
            assert [record.seq for record in handle.refresh()] == [1, 2]
            child.tell("append 3")
            assert len(handle.refresh()) == 15
            assert handle.refresh() == []
            assert handle.state is not None
            assert handle.state.last_iteration == 3
            child.kill()
        assert handle.status().state == "crashed"
        with Child(paths.root) as child:
            child.ready()
            child.tell("append 1")
            assert len(handle.refresh()) == 6
            child.tell("close")
            child.end()
        assert len(handle.refresh()) == 1
        assert handle.status().state == "stopped"
        assert handle.state == folded(handle.records_from(1))
        assert handle.damage is None
        handle.close()

    def test_what_was_there_when_it_was_opened_is_not_new(self, tmp_path: Path) -> None:
        paths = make_run(tmp_path, 3)
        handle = RunHandle.open(paths.root)
        assert handle.state is not None
        assert handle.state.seq == 18
        assert handle.refresh() == []
        assert [record.seq for record in handle.records_from(17)] == [17, 18]
        board = handle.leaderboard(top=1)
        assert board is not None
        assert [row.value for row in board.rows] == [0.5]
        handle.close()

    def test_a_run_that_starts_is_not_called_damaged(self, paths: RunPaths) -> None:
        held = lock.take(paths.lock)
        assert isinstance(held, lock.RunLock)
        handle = RunHandle.open(paths.root)
        assert (handle.status().state, handle.status().journal) == ("starting", "ok")
        held.release()
        assert "it is missing" in handle.status().journal
        handle.close()

    def test_two_clients_see_the_same(self, paths: RunPaths) -> None:
        with Child(paths.root) as child:
            child.ready()
            one, two = RunHandle.open(paths.root), RunHandle.open(paths.root)
            child.tell("append 5")
            assert one.refresh() == two.refresh() != []
            assert one.state == two.state
            one.close()
            two.close()


class TestCommands:
    def test_a_pause_holds_at_once_and_waits_for_an_engine(self, tmp_path: Path) -> None:
        paths = make_run(tmp_path)
        handle = RunHandle.open(paths.root, by="tui")
        sent = handle.send(Pause(reason="lunch", now=True))
        assert pause.read(paths.pause) == "lunch"
        (waiting,) = inbox.pending(paths.inbox)
        assert (waiting.id, waiting.by) == (sent, "tui")
        assert waiting.command == Pause(reason="lunch", now=True)
        handle.send(Pause(reason="dinner"))
        assert pause.read(paths.pause) == "lunch", "the first reason is the reason"
        handle.send(Resume())
        assert not pause.exists(paths.pause)
        handle.send(Stop())
        assert len(inbox.pending(paths.inbox)) == 4
        assert handle.answer(sent) is None
        assert handle.wait_answer(sent, deadline_s=60) is None, "there is nobody to wait for"
        handle.close()

    def test_answers(self, paths: RunPaths) -> None:
        with Child(paths.root) as child:
            child.ready()
            handle = RunHandle.open(paths.root)
            child.say("answer")
            accepted = handle.wait_answer(handle.send(Pause()), deadline_s=20)
            assert accepted == Answer(seq=3, accepted=True)
            child.ready()
            child.say("answer")
            refused = handle.wait_answer(handle.send(Stop()), deadline_s=20)
            assert refused == Answer(seq=4, accepted=False, reason="not now")
            handle.close()

    def test_nobody_answers_in_time(self, paths: RunPaths) -> None:
        with Child(paths.root) as child:
            child.ready()
            handle = RunHandle.open(paths.root)
            began = time.monotonic()
            assert handle.wait_answer(handle.send(Stop()), deadline_s=0.1) is None
            assert 0.1 <= time.monotonic() - began < 5
            handle.close()

    @pytest.mark.anyio
    async def test_answers_in_an_event_loop(self, paths: RunPaths) -> None:
        with Child(paths.root) as child:
            child.ready()
            handle = RunHandle.open(paths.root)
            child.say("answer")
            sent = handle.send(Resume())
            assert await wait_answer(handle, sent, deadline_s=20) == Answer(seq=3, accepted=True)
            assert await wait_answer(handle, handle.send(Stop()), deadline_s=0.05) is None
            child.kill()
            assert await wait_answer(handle, handle.send(Stop()), deadline_s=60) is None
            handle.close()


class TestLogs:
    def test_a_log_is_read_in_pieces_while_it_grows(self, tmp_path: Path) -> None:
        handle = RunHandle.open(make_run(tmp_path).root)
        path = handle.log_path(7)
        assert handle.read_log(path, 0, 100) == (b"", 0)
        path.write_bytes(b"one\ntwo\n")
        assert handle.read_log(path, 0, 5) == (b"one\nt", 5)
        assert handle.read_log("logs/00007.log", 5, 100) == (b"wo\n", 8)
        assert handle.read_log(path, 8, 100) == (b"", 8)
        with path.open("ab") as file:
            file.write(b"three\n")
        assert handle.read_log(path, 8, 100) == (b"three\n", 14)
        assert handle.read_log(path, -6, 100) == (b"three\n", 14)
        assert handle.read_log(path, -600, 3) == (b"one", 3)
        handle.close()

    def test_a_log_that_was_cut_is_followed_from_its_new_end(self, tmp_path: Path) -> None:
        handle = RunHandle.open(make_run(tmp_path).root)
        handle.log_path(1).write_bytes(b"short")
        assert handle.read_log(handle.log_path(1), 500, 100) == (b"", 5)
        handle.close()

    @pytest.mark.parametrize("path", ["../../../secret", "/etc/passwd", "logs/../../secret"])
    def test_a_path_out_of_the_run_is_refused(self, path: str, tmp_path: Path) -> None:
        handle = RunHandle.open(make_run(tmp_path).root)
        with pytest.raises(ClientError, match="is not a file of the run"):
            handle.read_log(path, 0, 10)
        handle.close()


def test_opening_a_client_imports_nothing_heavy() -> None:
    code = (
        "import sys, engine.client; heavy = {'pydantic', 'anyio', 'asyncio', 'textual', 'jax',"
        " 'numpy', 'rich', 'yaml'}; print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.check_output([sys.executable, "-P", "-c", code], cwd=REPOSITORY, text=True)
    assert found.strip() == "[]"
