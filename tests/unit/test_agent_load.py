"""Many agents at once: the loop stays responsive, and listening to them costs little."""

import resource
import time
from pathlib import Path

import anyio
import pytest

from engine.agents.result import SessionResult
from engine.agents.scripted import Scripted
from tests.agents import Stage


@pytest.mark.anyio
async def test_ten_agents_that_think_cost_little(tmp_path: Path) -> None:
    """CPU of this process, and the worst delay of the loop, while ten of them talk now and then."""
    stages = [Stage(_made(tmp_path / str(number))) for number in range(10)]
    steps = "- think: I think about it.\n- sleep: 200ms\n" * 20
    script = "iterations:\n  2:\n" + "".join(f"    {line}\n" for line in steps.splitlines())
    agents = [stage.scripted(script) for stage in stages]
    results: list[object] = []
    delays: list[float] = []

    async def run(stage: Stage, agent: Scripted) -> None:
        results.append(await stage.run(agent))

    async def beat() -> None:
        while True:
            begun_s = time.monotonic()
            await anyio.sleep(0.01)
            delays.append(time.monotonic() - begun_s - 0.01)

    begun_s, before_s = time.monotonic(), _cpu_s()
    async with anyio.create_task_group() as listening:
        listening.start_soon(beat)
        async with anyio.create_task_group() as tasks:
            for stage, agent in zip(stages, agents, strict=True):
                tasks.start_soon(run, stage, agent)
        listening.cancel_scope.cancel()
    share = (_cpu_s() - before_s) / (time.monotonic() - begun_s)
    assert all(isinstance(result, SessionResult) for result in results)
    print(f"{share:.3f} of a core, p99 {sorted(delays)[int(len(delays) * 0.99)] * 1e3:.1f} ms")
    assert share < 0.5


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
