"""An iteration that ends has the guard look, also where candidates have no code."""

from pathlib import Path

import anyio
import pytest

from engine.core import events as e
from engine.core.breaker import Breaker
from engine.core.ids import IterationNumber
from engine.core.plan import Plan, PlannedCheck
from engine.core.state import Candidate
from engine.journal import Journal
from engine.loop.control import Control, CutOff
from engine.loop.guard import Guard
from engine.loop.iteration import CheckJob, Iteration
from engine.loop.no_code import NoCode
from engine.loop.setbacks import Setbacks
from engine.loop.writer import Trouble, Writer
from engine.runfolder import RunPaths, create_run_folder
from engine.workspace.protocol import WorkspaceError
from tests.agent_events import at_work, collected, worked
from tests.agent_runs import state_of
from tests.recorded import LOG, NOON, began, created, iteration, proposed, started

pytestmark = pytest.mark.anyio


class OutOfOrder:
    """Checks on a machine that is out of order."""

    def next_log(self, candidate: Candidate) -> e.LogSpan:
        return LOG

    async def run(self, job: CheckJob) -> e.CheckFinished:
        return e.CheckFinished(
            iteration=job.turn.iteration, candidate=job.candidate.id, check=job.check,
            attempt=job.attempt, outcome="failed", exit_code=1, duration_s=0.1, log=LOG,
            verdict="infra", detail="the device is gone",
        )  # fmt: skip

    def clear(self, iteration: IterationNumber) -> None:
        """Nothing is left of it."""


@pytest.mark.parametrize(("cap", "halted"), [(1, True), (2, False), (0, False)])
async def test_a_machine_out_of_order_halts_a_search(
    tmp_path: Path, cap: int, *, halted: bool
) -> None:
    paths = create_run_folder(RunPaths.of(tmp_path, "made-s0").root)
    story = [created(), started(), *iteration(1, verdict="promoted"), began(2), proposed(2)]
    journal = Journal.create(paths.journal, story, NOON)
    writer = Writer(journal, state_of(story), Trouble())
    search = Iteration(
        writer,
        Control(),
        Guard(writer, paths, Breaker(caps={"infra": cap}), anyio.Lock()),
        checks=OutOfOrder(),
        plan=Plan(checks=(PlannedCheck(name="cost"),)),
        code=NoCode(),
    )
    assert await search.complete(IterationNumber(2))
    assert writer.state.counts == {"promoted": 1, "infra": 1}
    assert (writer.state.paused is not None) == halted
    assert paths.pause.exists() == halted
    journal.close()


class LetDown(OutOfOrder):
    """Checks whose log cannot be written for the first `times`."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def run(self, job: CheckJob) -> e.CheckFinished | CutOff:  # type: ignore[override]
        if self.left == 0:
            return await super().run(job)
        self.left -= 1
        return CutOff("the log cannot be written", let_down=True)


@pytest.mark.parametrize(("times", "cut_off"), [(2, 2), (9, 3)])
async def test_a_log_that_cannot_be_written_costs_one_iteration(
    tmp_path: Path, times: int, cut_off: int
) -> None:
    paths = create_run_folder(RunPaths.of(tmp_path, "made-s0").root)
    story = [created(), started(), *iteration(1, verdict="promoted"), began(2), proposed(2)]
    journal = Journal.create(paths.journal, story, NOON)
    writer, control, checks = Writer(journal, state_of(story), Trouble()), Control(), LetDown(times)
    search = Iteration(
        writer,
        control,
        Guard(writer, paths, Breaker(), anyio.Lock()),
        checks=checks,
        plan=Plan(checks=(PlannedCheck(name="cost"),)),
        code=NoCode(),
        setbacks=Setbacks(writer, control, (0.0, 0.0)),
    )
    with anyio.fail_after(20):
        assert await search.complete(IterationNumber(2))
    assert times - checks.left == cut_off
    reason = writer.state.candidates[proposed(2).candidate].reason
    assert reason == ("cost: the device is gone" if times == 2 else "the log cannot be written")
    assert writer.state.counts == {"promoted": 1, "infra": 1}
    journal.close()


class GitFails(NoCode):
    """Trees of which nothing can be collected, or put aside."""

    async def take(self, step: object, number: IterationNumber) -> None:  # type: ignore[override]
        del step, number
        raise WorkspaceError("git is stuck")


@pytest.mark.parametrize(("put_aside", "over"), [(False, False), (True, True)])
async def test_what_an_agent_made_is_not_given_up_before_it_is_a_commit(
    tmp_path: Path, *, put_aside: bool, over: bool
) -> None:
    paths = create_run_folder(RunPaths.of(tmp_path, "made-s0").root)
    story: list[e.AnyEvent] = [created(), started(), *at_work(1), worked(1)]
    if put_aside:
        wish = e.StashRequested(iteration=IterationNumber(1), reason="later", by="ada")
        story += [collected(1), wish]
    journal = Journal.create(paths.journal, story, NOON)
    writer, control = Writer(journal, state_of(story), Trouble()), Control()
    search = Iteration(
        writer,
        control,
        Guard(writer, paths, Breaker(), anyio.Lock()),
        checks=OutOfOrder(),
        plan=Plan(checks=()),
        code=GitFails(),
        setbacks=Setbacks(writer, control, (0.0, 0.0)),
    )
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(search.complete, IterationNumber(1))
            while writer.state.paused is None and writer.state.open:
                await anyio.sleep(0.005)
            tasks.cancel_scope.cancel()
    assert (writer.state.counts, writer.state.paused is None) == (
        {"infra": 1} if over else {},
        over,
    )
    journal.close()
