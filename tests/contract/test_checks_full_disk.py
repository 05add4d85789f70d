"""Checks on a disk that is really full: they wait, and what failed for want of room is repeated."""

from pathlib import Path

import anyio
import pytest

from engine.checks.report import CheckReport
from engine.executors.protocol import Interrupted
from engine.runfolder.room import Room
from tests.checking import PRELUDE, Bench
from tests.mounts import fill, small_disk


@pytest.mark.anyio
async def test_a_check_does_not_begin_without_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4 << 20) as disk:
        said: list[str | None] = []
        bench = Bench(disk)
        bench.room = Room(said.append)
        filler = fill(disk)
        reports: list[object] = []

        async def run() -> None:
            reports.append(await bench.run({"run": "touch began", "shell": True}))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(20):
                while not said:
                    await anyio.sleep(0.005)
            assert not (disk / "began").exists()
            filler.unlink()
    assert isinstance(reports[0], CheckReport)
    assert reports[0].outcome == "passed"
    assert said[-1] is None


@pytest.mark.anyio
async def test_a_check_that_failed_for_want_of_room_is_repeated(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4 << 20) as disk:
        said: list[str | None] = []
        bench = Bench(disk)
        bench.room = Room(said.append)
        fills = "\nwith open('filler', 'ab', 0) as f:\n  while f.write(bytes(4096)): pass\n"
        check = {"run": ["{python}", "-I", "-S", "-c", PRELUDE + fills]}
        reports: list[object] = []

        async def run() -> None:
            reports.append(await bench.run(check))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(20):
                while not said:
                    await anyio.sleep(0.005)
            (disk / "filler").unlink()
    assert reports == [Interrupted("it failed while the disk was full", waited=True)]
