"""An agent's attempt on a disk that is really full: it waits, loses nothing, and blames nobody."""

from pathlib import Path

import anyio
import pytest

from engine.agents.files import open_files
from engine.agents.protocol import Message
from engine.agents.result import Limits, SessionResult
from engine.executors.protocol import Interrupted
from engine.runfolder import RunPaths, heartbeat
from engine.runfolder.room import Room
from tests.agents import Stage, recorded
from tests.coding import Toy, value
from tests.driving import wait_for
from tests.mounts import fill, small_disk


@pytest.mark.anyio
async def test_a_transcript_waits_for_room_and_is_whole_then(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4 << 20) as disk:
        said: list[str | None] = []
        stage = Stage(disk)
        stage.room = Room(said.append)
        task = stage.task()
        steps = "".join("- line: 3000\n- sleep: 10ms\n" for _ in range(100))
        go = tmp_path / "go"
        agent = stage.scripted("iterations:\n  2:\n" + f"    - wait_for: {go}\n" + _in(steps))
        results: list[object] = []

        async def run() -> None:
            limits = Limits(wall_s=60, silent_s=3)
            results.append(await stage.run(agent, task, limits=limits))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(30):
                while not (task.folder / "events.jsonl").exists():
                    await anyio.sleep(0.01)
            filler = fill(disk)
            go.touch()
            with anyio.fail_after(30):
                while not said:
                    await anyio.sleep(0.01)
            await anyio.sleep(4)  # longer than it may be silent: the wait is not the agent's
            filler.unlink()
        assert isinstance(results[0], SessionResult)
        assert results[0].outcome == "answered", results[0].detail
        assert said[-1] is None
        texts = [e.text for e in recorded(task.folder) if isinstance(e, Message)]
        assert texts == ["x" * 3000] * 100
        assert results[0].transcript.read_bytes().count(b"\n") == 101


@pytest.mark.anyio
async def test_what_was_half_written_goes_on_where_it_stopped(tmp_path: Path) -> None:
    content = bytes(range(256)) * (4 << 12)
    with small_disk(tmp_path / "disk", 8 << 20) as disk:
        (disk / "filler").write_bytes(bytes(6 << 20))
        said: list[str | None] = []
        with await open_files(disk / "attempt", Room(said.append)) as files:
            files.transcript.add(content)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(files.flush)
                with anyio.fail_after(30):
                    while not said:
                        await anyio.sleep(0.01)
                files.transcript.add(b"later")
                (disk / "filler").unlink()
            await files.flush()
        assert (disk / "attempt" / "transcript.jsonl").read_bytes() == content + b"later"


def _in(steps: str) -> str:
    return "".join(f"    {line}\n" for line in steps.splitlines())


@pytest.mark.anyio
async def test_an_agent_that_failed_for_want_of_room_is_to_be_repeated(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4 << 20) as disk:
        said: list[str | None] = []
        stage = Stage(disk)
        stage.room = Room(said.append)
        # What is left is too little to go on with, and enough for the few lines of the transcript.
        fill = "head -c 16384 /dev/zero > spare; dd if=/dev/zero of=filler bs=4k 2>/dev/null"
        filler = f"cd {stage.tree}; {fill}; rm spare; exit 1"
        agent = stage.scripted(f"iterations: {{2: [{{run: '{filler}'}}, {{exit: 1}}]}}")
        results: list[object] = []

        async def run() -> None:
            results.append(await stage.run(agent))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(30):
                while not said:
                    await anyio.sleep(0.01)
            (stage.tree / "filler").unlink()
        assert results == [Interrupted("it failed while the disk was full")]


def test_a_change_that_the_repository_has_no_room_for_is_waited_for(tmp_path: Path) -> None:
    """The repository's disk alone is full: what the run itself writes goes on."""
    gate = tmp_path / "gates" / "gate"
    with small_disk(tmp_path / "disk", 4 << 20) as disk:
        turns = {2: [value(9), {"wait_for": str(gate)}]}
        climb = Toy(disk / "toy", turns, sandbox={"read": [str(gate.parent)]})
        climb.run_dir = tmp_path / "run"
        climb.paths = RunPaths(climb.run_dir)
        gate.parent.mkdir()
        engine = climb.start("--iterations", "2", "--run-dir", str(climb.run_dir))
        climb.wait_event("AgentStarted", iteration=2)
        filler = fill(disk)
        gate.touch()
        wait_for(lambda: "no room on the disk for the repository" in waiting(climb))
        assert engine.poll() is None
        filler.unlink()
        assert engine.wait() == 0, engine.output
        assert climb.verdicts() == {1: "promoted", 2: "promoted"}
        assert climb.shown(climb.champion_commit()) == "VALUE = 9"
        climb.end()


def waiting(climb: Toy) -> str:
    """What the engine says that it waits for."""
    beat = heartbeat.read(climb.paths.heartbeat)
    return (beat and beat.waiting) or ""
