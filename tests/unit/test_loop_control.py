"""What may start and what must end, when pausing, draining and interrupting meet."""

import anyio
import pytest

from engine.loop.control import Control, CutOff

pytestmark = pytest.mark.anyio


async def test_a_pause_while_draining_makes_nobody_wait() -> None:
    control = Control()
    control.drain()
    control.close_gate()
    with anyio.fail_after(1):
        assert await control.may_start() is False


async def test_a_drain_lets_those_go_who_wait_at_the_gate() -> None:
    control = Control()
    control.close_gate()
    answers: list[bool] = []

    async def wait() -> None:
        answers.append(await control.may_start())

    with anyio.fail_after(1):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert answers == []
            control.drain()
    assert answers == [False]


async def test_the_gate_is_held_while_closed_and_while_draining() -> None:
    control = Control()
    assert not control.held
    control.close_gate()
    assert control.held
    control.open_gate()
    assert not control.held
    control.drain()
    assert control.held


async def test_interrupt_cuts_off_what_runs_and_nothing_that_comes_later() -> None:
    control = Control()
    ended: list[int | CutOff] = []

    async def step() -> None:
        ended.append(await control.attempt(anyio.sleep_forever))

    async def short() -> int:
        return 7

    with anyio.fail_after(1):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(step)
            tasks.start_soon(step)
            await anyio.wait_all_tasks_blocked()
            control.interrupt("lunch")
        assert ended == [CutOff("lunch"), CutOff("lunch")]
        assert await control.attempt(short) == 7
