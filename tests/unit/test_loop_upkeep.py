"""What becomes of work on the repository that git does not allow: halted, and tried again."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import msgspec
import pytest

from engine.core.breaker import Breaker
from engine.core.events import Limits, RunPaused, RunResumed
from engine.journal import Journal, Verified, verify
from engine.loop.control import Control
from engine.loop.guard import Guard
from engine.loop.upkeep import Upkeep
from engine.loop.writer import Trouble, Writer
from engine.runfolder import create_run_folder
from engine.workspace.protocol import Commit, WorkspaceError
from tests.recorded import NOON, created, started

pytestmark = pytest.mark.anyio


class Stubborn:
    """Work that git refuses so many times."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.tries = 0

    async def __call__(self) -> None:
        self.tries += 1
        if self.tries <= self.refusals:
            raise WorkspaceError("the branch is checked out elsewhere")


class Stage:
    """A run whose gate follows its pauses, as the engine's does."""

    def __init__(self, folder: Path, *, exit_on_halt: bool = False) -> None:
        paths = create_run_folder(folder)
        limits = Limits(exit_on_halt=exit_on_halt)
        begun = msgspec.structs.replace(created(), limits=limits)
        Journal.create(paths.journal, [begun, started()], NOON).close()
        found = verify(paths.journal)
        assert isinstance(found, Verified)
        self.journal = Journal.open(paths.journal)
        self.writer = Writer(self.journal, found.state, Trouble())
        self.control = Control()
        guard = Guard(self.writer, paths, Breaker(), anyio.Lock())
        self.accepted: list[Commit] = []
        self.upkeep = Upkeep(self.writer, self.control, guard, self.accept)
        self.writer.listen(lambda record: self.obey(record.event))

    async def accept(self, commit: Commit) -> None:
        self.accepted.append(commit)

    def obey(self, event: object) -> None:
        if isinstance(event, RunPaused) and not self.writer.state.ends_by_halt:
            self.control.close_gate()
        elif isinstance(event, RunResumed):
            self.control.open_gate()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "run")
    yield stage
    stage.journal.close()


async def test_it_halts_and_tries_again_whenever_somebody_resumes(stage: Stage) -> None:
    work, done = Stubborn(2), list[bool]()

    async def see_to() -> None:
        done.append(await stage.upkeep.see_to(work))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(see_to)
        for tries in (1, 2):
            while stage.writer.state.paused is None:
                await stage.writer.wait_change()
            paused = stage.writer.state.paused
            assert (paused.halt, work.tries, done) == (True, tries, [])
            assert "checked out elsewhere" in paused.reason
            await stage.writer.record(RunResumed(by="ada"))
    assert (work.tries, done) == (3, [True])
    assert stage.writer.state.paused is None


async def test_the_branch_follows_no_champion_where_there_is_none(stage: Stage) -> None:
    assert await stage.upkeep.see_to(stage.upkeep.follow)
    assert stage.accepted == []


async def test_an_engine_that_ends_leaves_it_for_the_next(stage: Stage) -> None:
    stage.control.drain()
    assert not await stage.upkeep.see_to(Stubborn(1))
    assert stage.writer.state.paused is None


async def test_an_engine_that_is_to_end_by_a_halt_does_not_wait(tmp_path: Path) -> None:
    ending = Stage(tmp_path / "ending", exit_on_halt=True)
    work = Stubborn(1)
    with anyio.fail_after(30):
        assert not await ending.upkeep.see_to(work)
    assert (work.tries, ending.writer.state.ends_by_halt) == (1, True)
    ending.journal.close()
