"""Collecting what an agent left: what comes of it, and of a stash that is asked for meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from engine.core import events as e
from engine.core.breaker import Breaker
from engine.core.ids import IterationNumber
from engine.core.plan import Plan
from engine.core.steps import CarryOver, CollectChange, PutAside
from engine.journal import Journal
from engine.loop.code_steps import Coding
from engine.loop.control import Control
from engine.loop.grounds import Grounds
from engine.loop.guard import Guard
from engine.loop.writer import Trouble, Writer
from engine.runfolder import RunPaths, create_run_folder
from engine.workspace.protocol import (
    Change,
    Commit,
    Conflict,
    Refused,
    Stashed,
    Unchanged,
    Workspace,
)
from tests.agent_events import COMMIT, at_work, collected, worked
from tests.agent_runs import state_of
from tests.recorded import NOON, created, started

pytestmark = pytest.mark.anyio
FIRST = IterationNumber(1)


class Trees(Workspace):
    """A workspace in which one thing was found, while a person may ask for something."""

    def __init__(self, found: Unchanged | Refused | Conflict) -> None:
        self.found = found
        self.wish: e.StashRequested | None = None
        self.writer: Writer | None = None
        self.put_aside: list[str] = []

    async def _meanwhile(self) -> None:
        if self.wish is not None and self.writer is not None:
            await self.writer.record(self.wish)

    async def collect(
        self, slot: int, base: Commit, name: str, message: str
    ) -> Change | Unchanged | Refused:
        await self._meanwhile()
        assert not isinstance(self.found, Conflict)
        return self.found

    async def carry_over(
        self, commit: Commit, base: Commit, onto: Commit, name: str
    ) -> Change | Unchanged | Conflict:
        await self._meanwhile()
        assert not isinstance(self.found, Refused)
        return self.found

    async def check_out(self, slot: int, commit: Commit) -> Path:
        return Path("/")

    async def give_back(self, slot: int) -> list[str]:
        return []

    async def stash(self, slot: int, base: Commit, name: str, message: str) -> Commit | None:
        self.put_aside.append(name)
        return Commit(COMMIT)

    async def stashes(self) -> list[Stashed]:
        return []


Make = Callable[..., tuple[Coding, Writer]]


@pytest.fixture
def coding(tmp_path: Path) -> Iterator[Make]:
    """The steps of a run whose first iteration has these events, in such trees."""
    journals: list[Journal] = []

    def make(trees: Trees, *events: e.AnyEvent, plan: Plan | None = None) -> tuple[Coding, Writer]:
        paths = create_run_folder(RunPaths.of(tmp_path, "made-s0").root)
        story = [created(), started(), *at_work(1), worked(1), *events]
        journals.append(Journal.create(paths.journal, story, NOON))
        writer = trees.writer = Writer(journals[0], state_of(story), Trouble())
        steps = Coding(
            writer, Control(), plan or Plan(checks=()), workspace=trees, agents=None,
            guard=Guard(writer, paths, Breaker(), anyio.Lock()),
            grounds=Grounds(trees, tmp_path, (), judged=False),
        )  # fmt: skip
        return steps, writer

    yield make
    for journal in journals:
        journal.close()


WISH = e.StashRequested(iteration=FIRST, reason="look later", by="ada")


@pytest.mark.parametrize("found", [Unchanged(), Refused(reason="too big")])
async def test_a_stash_that_is_asked_for_while_a_change_is_collected_is_made(
    coding: Make, found: Unchanged | Refused
) -> None:
    trees = Trees(found)
    steps, writer = coding(trees)
    trees.wish = WISH
    await steps.take(CollectChange(), FIRST)
    assert writer.state.open[1].put_aside == WISH, "no verdict was faster"
    await steps.take(PutAside(), FIRST)
    assert trees.put_aside == ["s-001"]
    assert [stash.reason for stash in writer.state.stashes.values()] == ["look later"]
    assert writer.state.counts == {"inconclusive": 1}


@pytest.mark.parametrize("found", [Unchanged(), Conflict(paths=["a.py"])])
async def test_and_while_it_is_carried_over(coding: Make, found: Unchanged | Conflict) -> None:
    trees = Trees(found)
    steps, writer = coding(trees, collected(1))
    trees.wish = WISH
    await steps.take(CarryOver(onto="d" * 40), FIRST)
    assert writer.state.open[1].put_aside == WISH
    await steps.take(PutAside(), FIRST)
    assert trees.put_aside == ["s-001"]


@pytest.mark.parametrize(
    ("found", "verdict"), [(Unchanged(), "no_change"), (Refused(reason="too big"), "invalid")]
)
async def test_without_one_the_verdict_is_reached(
    coding: Make, found: Unchanged | Refused, verdict: str
) -> None:
    steps, writer = coding(Trees(found))
    await steps.take(CollectChange(), FIRST)
    assert writer.state.counts == {verdict: 1}
    assert writer.state.alike is not None, "a failure like it is known again"
