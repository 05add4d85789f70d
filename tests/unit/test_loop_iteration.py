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
from engine.loop.control import Control
from engine.loop.guard import Guard
from engine.loop.iteration import CheckJob, Iteration
from engine.loop.no_code import NoCode
from engine.loop.writer import Trouble, Writer
from engine.runfolder import RunPaths, create_run_folder
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
