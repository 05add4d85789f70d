"""What an iteration's agent may use, and what is made of a machine that lets it down."""

from pathlib import Path

import anyio
import pytest

from engine.agents.command import CommandAgent
from engine.agents.prices import Prices
from engine.core import events as e
from engine.core.campaign.budget import BudgetPart
from engine.core.campaign.proposers import AgentSpec
from engine.executors.clock import EngineClock
from engine.executors.protocol import Command, Ended, Interrupted, LogSink
from engine.journal import Journal
from engine.knowledge.prompt import WORKER, worker_template
from engine.knowledge.templates import read_text, shipped
from engine.loop.campaign_agents import AgentSetup, CampaignAgents
from engine.loop.control import CutOff
from engine.loop.purse import Purse
from engine.loop.writer import Trouble, Writer
from engine.runfolder import RunPaths, create_run_folder
from engine.runfolder.room import Room
from tests.agent_events import at_work, worked, working
from tests.agent_runs import state_of
from tests.recorded import NOON, created, started

pytestmark = pytest.mark.anyio


class OutOfOrder:
    """An executor on a machine that cannot write; it remembers what it was to run."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> Ended:
        self.commands.append(command)
        return Interrupted("the log cannot be written: Input/output error")


class Bench:
    """A run whose first iteration has these events, and its agent on that machine."""

    def __init__(self, folder: Path, *attempts: e.AnyEvent, minutes: float | None = None) -> None:
        self.machine = OutOfOrder()
        paths = create_run_folder(RunPaths.of(folder, "made-s0").root)
        story = [created(), started(), *at_work(1), *attempts]
        journal = Journal.create(paths.journal, story, NOON)
        self.writer = Writer(journal, state_of(story), Trouble())
        setup = AgentSetup(
            agent=CommandAgent(["true"]),
            spec=AgentSpec(kind="agent", agent="command", command="true"),
            template=worker_template(read_text(shipped(WORKER)), "worker.md"),
            budget=BudgetPart(minutes=minutes),
            price_of=Prices().cost_usd,
            home=paths.agents,
            env={},
            secrets=(),
        )
        self.agents = CampaignAgents(
            setup, self.writer, paths,
            executor=self.machine, room=Room(), clock=EngineClock(), purse=Purse(),
        )  # fmt: skip

    async def attempt(self) -> tuple[e.AgentFinished | CutOff, e.AgentInterrupted]:
        """How the attempt ends that the record says is under way, and what is recorded of it."""
        turn = self.writer.state.open[1]
        candidate = self.writer.state.candidates[next(iter(self.writer.state.candidates))]
        assert candidate.code is not None
        intent = await self.agents.start(self.writer.state, turn, candidate.code)
        ended = await self.agents.run(intent, turn, Path("/"))
        assert isinstance(ended, CutOff)
        return ended, self.agents.lost(turn, ended)


async def test_a_machine_that_lets_an_agent_down_is_told_from_a_person(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    ended, lost = await bench.attempt()
    assert ended == CutOff("the log cannot be written: Input/output error", let_down=True)
    assert lost.signature
    asked = bench.agents.lost(bench.writer.state.open[1], CutOff("pause --now"))
    assert (asked.reason, asked.signature) == ("pause --now", "")


async def test_an_attempt_has_the_minutes_that_earlier_ones_left(tmp_path: Path) -> None:
    first = Bench(tmp_path / "first", minutes=45)
    await first.attempt()
    assert first.machine.commands[0].deadline_s == 45 * 60
    crashed = worked(1, outcome="crashed", duration_s=40 * 60.0)
    second = Bench(tmp_path / "second", crashed, working(1, 2), minutes=45)
    await second.attempt()
    assert second.machine.commands[0].deadline_s == 5 * 60
