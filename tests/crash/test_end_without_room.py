"""The last event of a run finds no room: the engine still hears, and can be ended."""

import os
import signal
import sqlite3
from pathlib import Path
from typing import NoReturn

import anyio
import msgspec
import pytest

from engine.core.breaker import Breaker
from engine.core.events import Limits
from engine.core.finish.parts import FinishRules
from engine.core.plan import Plan
from engine.executors.clock import EngineClock
from engine.journal import Journal, Verified, verify
from engine.loop.engine import INTERRUPTED, Engine, Parts
from engine.loop.iteration import Checks
from engine.loop.writer import Trouble
from engine.proposers.protocol import ProposalRequest
from engine.runfolder import HeartbeatFile, create_run_folder, identity
from tests.recorded import NOON, created, iterations, started


class Nobody:
    """Proposes and checks nothing: the run has all its iterations already."""

    plan = ()

    def propose(self, request: ProposalRequest) -> NoReturn:
        raise AssertionError(f"iteration {request.iteration} is one too many")

    async def attend(self) -> None:
        """Keeps nothing ready."""

    next_log = run = clear = propose


class NoReport:
    """Writes no report, since that it is begun cannot be recorded."""

    async def write(self, top_k: int, within_s: float) -> NoReturn:
        raise AssertionError(f"the best {top_k} within {within_s} s, unrecorded")


@pytest.mark.anyio
@pytest.mark.parametrize("report", [False, True])
async def test_two_signals_end_an_engine_that_cannot_record_its_end(
    tmp_path: Path,
    report: bool,  # noqa: FBT001
) -> None:
    paths = create_run_folder(tmp_path / "run")
    limits = Limits(iterations=1, finish=FinishRules(report=report))
    first = msgspec.structs.replace(created(), limits=limits)
    journal = Journal.create(paths.journal, [first, started(), *iterations(1)], NOON)
    found = verify(paths.journal)
    assert isinstance(found, Verified)
    other = sqlite3.connect(paths.journal, isolation_level=None, timeout=20)
    trouble = Trouble()
    beat = HeartbeatFile.open(paths.heartbeat)

    async def prepare() -> Checks:
        other.execute("BEGIN IMMEDIATE")
        return Nobody()

    async def end_it() -> None:
        while trouble.reason is None or "locked" not in trouble.reason:
            await anyio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_it)
        with anyio.fail_after(60):
            status = await Engine(
                Parts(
                    journal=journal,
                    state=found.state,
                    prepare=prepare,
                    proposer=Nobody(),
                    plan=Plan(checks=()),
                    breaker=Breaker(),
                    paths=paths,
                    heartbeat=beat,
                    identity=identity.own(),
                    clock=EngineClock(),
                    gaps=[],
                    trouble=trouble,
                    signals=(signal.SIGUSR1, signal.SIGUSR2),
                    reporter=NoReport(),
                )
            ).run()
    assert status == INTERRUPTED
    beat.close()
    other.close()
    assert isinstance(verify(paths.journal), Verified)
