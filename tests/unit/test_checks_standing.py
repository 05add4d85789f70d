"""Sandboxes that stand before it is known what runs in them: who gets them, and when they go."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from engine.checks.standing import Early, Key, Standing
from engine.executors.protocol import Command, Ended, Finished, Interrupted, LogSink, Marker
from tests.executing import MemoryLog

KEY: Key = (Path("steps/00002"), "score")
OTHER: Key = (Path("steps/00003"), "score")
UNWANTED = Interrupted("unwanted")


class Machine:
    """An executor that only waits for what it is to run, and notes it."""

    def __init__(self) -> None:
        self.standing = 0
        self.ran: list[str] = []

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> Ended:
        del errors, stop
        assert command.awaits is not None
        self.standing += 1
        try:
            wanted = await command.awaits()
        finally:
            self.standing -= 1
        if wanted is None:
            return UNWANTED
        self.ran.append(str(wanted.run))
        await log.write(b"said")
        return Finished(exit_code=0)


def command(run: str = "") -> Command:
    return Command(run=run, cwd=Path(), env={}, marker=Marker("run", "run#2/score/ready"))


EARLY = Early(command(), command())


async def nothing() -> None:
    """Lay out no folder."""


async def until_standing(machine: Machine, count: int) -> None:
    with anyio.fail_after(10):
        while machine.standing != count:
            await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_a_pair_is_made_once_and_taken_once() -> None:
    machine, log = Machine(), MemoryLog()
    standing = Standing(machine)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(standing.attend)
        await anyio.lowlevel.checkpoint()
        standing.begin(KEY, nothing, EARLY)
        standing.begin(KEY, nothing, EARLY)
        await until_standing(machine, 2)
        pair = await standing.take(KEY)
        assert pair is not None
        assert await standing.take(KEY) is None
        assert await standing.take(OTHER) is None
        async with pair.held():
            pair.produce.tell(command("produce"), log)
            assert await pair.produce.ended() == Finished(exit_code=0)
            assert not pair.judge.gone
        assert pair.judge.gone
        assert machine.ran == ["produce"]
        assert log.text == b"said"
        tasks.cancel_scope.cancel()
    assert machine.standing == 0


@pytest.mark.anyio
async def test_an_iteration_that_is_over_leaves_none() -> None:
    machine = Machine()
    standing = Standing(machine)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(standing.attend)
        await anyio.lowlevel.checkpoint()
        for key in (KEY, OTHER):
            standing.begin(key, nothing, EARLY)
        await until_standing(machine, 4)
        standing.clear(KEY[0])
        await until_standing(machine, 2)
        assert await standing.take(KEY) is None
        assert await standing.take(OTHER) is not None
        tasks.cancel_scope.cancel()
    assert machine.ran == []


@pytest.mark.anyio
async def test_its_end_is_awaited_by_who_gives_it_up() -> None:
    """Also where that one is cancelled, and where the command runs already."""
    machine = Machine()
    standing = Standing(machine)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(standing.attend)
        await anyio.lowlevel.checkpoint()
        standing.begin(KEY, nothing, EARLY)
        pair = await standing.take(KEY)
        assert pair is not None
        with anyio.CancelScope() as scope:
            async with pair.held():
                scope.cancel()
                await anyio.lowlevel.checkpoint()
        assert machine.standing == 0
        assert pair.judge.gone
        assert pair.produce.gone
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_without_anybody_who_attends_none_are_made() -> None:
    machine = Machine()
    standing = Standing(machine)
    standing.begin(KEY, nothing, EARLY)
    assert await standing.take(KEY) is None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(standing.attend)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    standing.begin(KEY, nothing, EARLY)
    assert await standing.take(KEY) is None
    assert machine.standing == 0
