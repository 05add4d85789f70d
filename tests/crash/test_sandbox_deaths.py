"""Nothing of a command in a sandbox outlives the engine, bubblewrap or the first process in it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from engine.executors import procfs
from engine.executors.local import Local
from engine.executors.protocol import (
    RUN_VARIABLE,
    Box,
    Ended,
    Finished,
    Interrupted,
    LogSink,
    TimedOut,
)
from engine.executors.trees import kill_leftovers
from tests.executing import Marked, MemoryLog, until

REPOSITORY = Path(__file__).resolve().parents[2]
SPAWNING = """
trap '' TERM HUP INT
(setsid env -i sh -c 'trap "" TERM HUP; {ticks}' &)
env -i sh -c '{ticks}' &
touch up
wait
"""
TICKS = "while :; do date +%N > {folder}/$$.tick; sleep 0.02; done"


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Marked]:
    marked = Marked(tmp_path)
    yield marked
    assert kill_leftovers(marked.run) == []
    assert _inside(tmp_path) == []


def _script(folder: Path) -> str:
    return SPAWNING.format(ticks=TICKS.format(folder=folder))


def _inside(folder: Path) -> list[int]:
    """Processes that run the ticking loop of this test, seen from outside, marked or not."""
    mark = os.fsencode(str(folder))
    found: list[int] = []
    for process in procfs.everything():
        try:
            words = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        except OSError:
            continue
        ticks = b".tick" in words and mark in words and b"engine_stand_in" not in words
        if ticks and not process.dead:
            found.append(process.pid)
    return found


def _of_step(marked: Marked) -> tuple[int, int]:
    """The pids of bubblewrap and of the first process of the sandbox."""
    carrying = procfs.carrying(RUN_VARIABLE, marked.run)
    pids = {process.pid for process in carrying}
    outer = next(process.pid for process in carrying if process.parent not in pids)
    first = next(process.pid for process in carrying if process.parent == outer)
    return outer, first


async def _run_until_up(marked: Marked, act: str, log: LogSink) -> list[Ended]:
    """Run the loops in a box, do `act` to it once they tick, and give the end of it."""
    ended: list[Ended] = []
    box = Box(write=(marked.folder,))

    async def run() -> None:
        command = marked.command(_script(marked.folder), box=box)
        ended.append(await Local(grace_s=0.2).run(command, log=log, stop=stop))

    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(30):
            while len(list(marked.folder.glob("*.tick"))) < 2:
                await anyio.sleep(0.01)
        assert len(_inside(marked.folder)) >= 2
        match act:
            case "stop":
                stop.set()
            case "cancel":
                tasks.cancel_scope.cancel()
            case "kill bubblewrap":
                os.kill(_of_step(marked)[0], signal.SIGKILL)
            case "kill the first":
                os.kill(_of_step(marked)[1], signal.SIGKILL)
            case _:
                raise AssertionError(act)
    return ended


@pytest.mark.anyio
@pytest.mark.parametrize("act", ["stop", "cancel", "kill bubblewrap", "kill the first"])
async def test_nothing_is_left(marked: Marked, act: str) -> None:
    ended = await _run_until_up(marked, act, MemoryLog())
    assert marked.alive() == []
    assert _inside(marked.folder) == []
    match act:
        case "stop":
            assert ended == [Interrupted("it was told to stop")]
        case "cancel":
            assert ended == []
        case _:
            assert [type(each) for each in ended] == [Finished]
            assert isinstance(ended[0], Finished)
            assert ended[0].signal == signal.SIGKILL


@pytest.mark.anyio
async def test_a_deadline_ends_all_of_it(marked: Marked) -> None:
    command = marked.command(_script(marked.folder), box=Box(write=(marked.folder,)), deadline_s=5)
    ended = await Local(grace_s=0.2).run(command, log=MemoryLog())
    assert isinstance(ended, TimedOut)
    assert list(marked.folder.glob("*.tick"))
    assert _inside(marked.folder) == []


def _engine(marked: Marked) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-P", "-m", "tests.crash.engine_stand_in"]
    return subprocess.Popen([*program, marked.run, _script(marked.folder), "boxed"], cwd=REPOSITORY)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_killed_engine(marked: Marked, number: signal.Signals) -> None:
    """The engine is killed while its command ticks in a sandbox; nobody cleans up after it."""
    engine = _engine(marked)
    try:
        until(lambda: len(list(marked.folder.glob("*.tick"))) >= 2)
        assert len(_inside(marked.folder)) >= 2
    finally:
        engine.send_signal(number)
        engine.wait()
    until(lambda: _inside(marked.folder) == [])
    until(lambda: marked.alive() == [])


def test_leftovers_are_found_by_the_marker(marked: Marked) -> None:
    """What an engine that died left behind is found even where the death signals did not come."""
    engine = _engine(marked)
    try:
        until(lambda: len(list(marked.folder.glob("*.tick"))) >= 2)
        ended = kill_leftovers(marked.run)
        assert len(ended) >= 4
        assert _inside(marked.folder) == []
    finally:
        engine.kill()
        engine.wait()
