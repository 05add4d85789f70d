"""What slots take up again after a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.ids import IterationNumber
from engine.journal import Journal, Verified, verify
from engine.loop.control import Control
from engine.loop.slots import Slots
from engine.loop.writer import Trouble, Writer
from engine.proposers.protocol import Exhausted, ProposalRequest
from tests.recorded import NOON, began, created, proposed, started

pytestmark = pytest.mark.anyio


class Nothing:
    """A proposer with nothing to propose."""

    def propose(self, request: ProposalRequest) -> Exhausted:
        return Exhausted("nothing")


class Taken:
    """Iterations that are taken and then left, as by an engine that drains."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    async def complete(self, number: IterationNumber) -> bool:
        self.numbers.append(number)
        return False


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def slots(tmp_path: Path, taken: Taken) -> Iterator[Slots]:
    """Slots of a run in which iterations 1, 2 and 3 were left open by slots 0, 1 and 0."""
    turns = [(1, 0), (2, 1), (3, 0)]
    events = [event for n, slot in turns for event in (began(n, slot), proposed(n))]
    path = tmp_path / "journal.sqlite"
    Journal.create(path, [created(), started(), *events], NOON).close()
    found = verify(path)
    assert isinstance(found, Verified)
    journal = Journal.open(path)
    writer = Writer(journal, found.state, Trouble())
    yield Slots(writer, Control(), taken, Nothing(), lambda: 0.0)
    journal.close()


async def test_a_slot_takes_what_it_had(slots: Slots, taken: Taken) -> None:
    await slots.run(1)
    await slots.run(0)
    assert taken.numbers == [2, 1]


async def test_a_slot_takes_what_another_had_when_it_has_none(slots: Slots, taken: Taken) -> None:
    for _ in range(3):
        await slots.run(1)
    assert taken.numbers == [2, 1, 3]


async def test_the_only_slot_begins_with_the_baseline(slots: Slots, taken: Taken) -> None:
    for _ in range(3):
        await slots.run(0)
    assert taken.numbers == [1, 3, 2]
