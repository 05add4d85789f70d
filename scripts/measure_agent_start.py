"""What its sandbox adds to an agent's start: attempts of the scripted agent with and without.

    python scripts/measure_agent_start.py [--count 30]

They are taken in turns, so that the ratio holds on a machine that does something else as well.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import anyio

from engine.agents import session
from engine.agents.protocol import AgentTask, Confinement
from engine.agents.result import SessionResult
from engine.agents.scripted import Scripted
from engine.agents.walls import walls_here
from engine.executors.local import Local
from engine.executors.protocol import Marker

SCRIPT = "iterations: {}\notherwise: [{answer: done}]\n"


class Nowhere:
    """A log that keeps nothing."""

    async def write(self, data: bytes) -> None:
        """Take it."""

    async def flush(self) -> None:
        """Nothing waits."""


def task_in(folder: Path, confinement: Confinement | None) -> AgentTask:
    """An attempt in a new folder, at one tree."""
    folder.mkdir(parents=True)
    (folder / "prompt.md").write_text("Do nothing.\n")
    return AgentTask(
        prompt=folder / "prompt.md",
        tree=folder.parent.parent / "tree",
        folder=folder,
        home=folder,
        env={"PATH": "/usr/bin:/bin"},
        confinement=confinement,
    )


async def took_ms(local: Local, agent: Scripted, task: AgentTask) -> float:
    """Milliseconds of an attempt."""
    run = str(task.tree.parent)
    begun_s = time.perf_counter()
    result = await session.run(
        agent, task, executor=local, marker=Marker(run, f"{run}#1"), log=Nowhere()
    )
    took_s = time.perf_counter() - begun_s
    if not isinstance(result, SessionResult) or result.outcome != "answered":
        sys.exit(f"it did not run: {result}")
    return took_s * 1e3


async def measure(count: int) -> None:
    """Print the medians and their ratio."""
    walls = walls_here("scripted")
    if not walls.stand:
        sys.exit(f"there is no sandbox here: {walls.why}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tree").mkdir()
        (folder / "script.yaml").write_text(SCRIPT)
        local, agent = Local(), Scripted(folder / "script.yaml")
        kinds = {"bare": None, "boxed": Confinement(network=False, nesting=False)}
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        for number in range(count):
            for kind, confinement in kinds.items():
                task = task_in(folder / "agents" / f"{kind}-{number}", confinement)
                found[kind].append(await took_ms(local, agent, task))
    bare, boxed = statistics.median(found["bare"]), statistics.median(found["boxed"])
    print(f"bare {bare:.0f} ms, in a sandbox {boxed:.0f} ms: {boxed / bare:.2f} times")
    least = min(found["boxed"]) - min(found["bare"])
    print(f"between the quickest {least:.0f} ms; {count} of each")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    anyio.run(measure, parser.parse_args().count)
