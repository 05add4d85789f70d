"""A halt and the PAUSE file that goes with it, while that file is being watched."""

import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from engine.core.breaker import Breaker
from engine.journal import Journal, Verified, verify
from engine.loop.control import Control
from engine.loop.guard import Guard
from engine.loop.watch import Watch
from engine.loop.writer import Trouble, Writer
from engine.runfolder import create_run_folder
from engine.runfolder import pause as pause_file
from tests.recorded import NOON, created, started

pytestmark = pytest.mark.anyio
MOMENT_S = 0.05


class Stage:
    """A run with one who halts it and one who follows its PAUSE file."""

    def __init__(self, folder: Path) -> None:
        self.paths = create_run_folder(folder)
        Journal.create(self.paths.journal, [created(), started()], NOON).close()
        found = verify(self.paths.journal)
        assert isinstance(found, Verified)
        self.journal = Journal.open(self.paths.journal)
        self.writer = Writer(self.journal, found.state, Trouble())
        pausing = anyio.Lock()
        self.guard = Guard(self.writer, self.paths, Breaker(), pausing)
        self.watch = Watch(self.writer, Control(), self.paths, pausing)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "run")
    yield stage
    stage.journal.close()


async def test_a_halt_is_not_taken_for_a_pause_by_hand(stage: Stage) -> None:
    """The file is seen before its halt is recorded: a thread writes it while the loop is kept."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.guard.halt, "look at this")
        while not written(stage):
            await anyio.lowlevel.checkpoint()
        await stage.watch.look()
    paused = stage.writer.state.paused
    assert paused is not None
    assert (paused.by, paused.reason, paused.halt) == ("guardrail", "look at this", True)


def written(stage: Stage) -> bool:
    """Whether the file is there by now, or within a moment in which the loop does nothing else."""
    until_s = time.monotonic() + MOMENT_S
    while not (found := bool(pause_file.read(stage.paths.pause))):
        if time.monotonic() > until_s:
            break
    return found


async def test_removing_the_file_of_a_halt_resumes(stage: Stage) -> None:
    await stage.guard.halt("look at this")
    await stage.watch.look()
    assert stage.writer.state.paused is not None
    pause_file.remove(stage.paths.pause)
    await stage.watch.look()
    assert stage.writer.state.paused is None
