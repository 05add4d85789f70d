"""Many agents at once: the loop stays responsive, and listening to them costs little.

All of it is counted in CPU of this process, in multiples of a unit that is measured beside it: how
busy or quick the machine is makes no difference. What agents in a repository of two thousand files
cost the engine by the clock is measured by `scripts/measure_agents.py`.
"""

import json
import resource
import time
from pathlib import Path

import anyio
import pytest

from engine.agents.result import SessionResult
from engine.agents.scripted import Scripted
from tests.agents import Stage

LINES = 20
MOST_OF_A_LINE = 3
"""Units; its agent's start and end are counted with it. On a machine at work it was 0.5 to 0.9."""
MOST_AT_A_TIME = 8
"""Units, in 99 of 100 cases; it was 1 to 2.2."""
LINE = json.dumps({"type": "item", "id": "1", "text": "I think about it. " * 20})


@pytest.mark.anyio
async def test_ten_agents_that_think_cost_little(tmp_path: Path) -> None:
    """What listening takes for each line, and for how long at a time it keeps the loop."""
    stages = [Stage(_made(tmp_path / str(number))) for number in range(10)]
    steps = "- think: I think about it.\n- sleep: 200ms\n" * LINES
    script = "iterations:\n  2:\n" + "".join(f"    {line}\n" for line in steps.splitlines())
    agents = [stage.scripted(script) for stage in stages]
    results: list[object] = []
    kept_s: list[float] = []

    async def run(stage: Stage, agent: Scripted) -> None:
        results.append(await stage.run(agent))

    async def beat() -> None:
        while True:
            begun_s = time.thread_time()
            await anyio.sleep(0.01)
            kept_s.append(time.thread_time() - begun_s)

    first_unit_s = _unit_s()
    before_s = _cpu_s()
    async with anyio.create_task_group() as listening:
        listening.start_soon(beat)
        async with anyio.create_task_group() as tasks:
            for stage, agent in zip(stages, agents, strict=True):
                tasks.start_soon(run, stage, agent)
        listening.cancel_scope.cancel()
    line_s = (_cpu_s() - before_s) / (len(agents) * LINES)
    unit_s = max(first_unit_s, _unit_s())
    assert all(isinstance(result, SessionResult) for result in results)
    p99_s = sorted(kept_s)[int(len(kept_s) * 0.99)]
    print(
        f"a line {line_s / unit_s:.2f}, the loop is kept {p99_s / unit_s:.2f} units of {unit_s} s"
    )
    assert line_s < MOST_OF_A_LINE * unit_s
    assert p99_s < MOST_AT_A_TIME * unit_s


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _unit_s() -> float:
    """CPU for a thousand lines that are only decoded: some milliseconds."""
    begun_s = time.thread_time()
    for _ in range(1_000):
        json.loads(LINE)
    return time.thread_time() - begun_s


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
