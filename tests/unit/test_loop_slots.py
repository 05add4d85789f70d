"""What slots take up again after a restart."""

from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import msgspec
import pytest

from engine.core.ids import IterationNumber
from engine.journal import Journal, Verified, verify
from engine.loop.control import Control
from engine.loop.no_code import NoCode
from engine.loop.slots import Slots
from engine.loop.writer import Trouble, Writer
from engine.proposers.protocol import Exhausted, ProposalRequest
from tests.recorded import NOON, began, created, proposed, started

pytestmark = pytest.mark.anyio
AGAIN = 0
"""Stands for measuring again among the numbers of iterations."""


class Nothing:
    """A proposer with nothing to propose."""

    def propose(self, request: ProposalRequest) -> Exhausted:
        return Exhausted("nothing")


class Again:
    """What slots are to measure again, or had begun to before a restart; nothing at first."""

    def __init__(self, done: list[int]) -> None:
        self.had: set[int] = set()
        self._done = done

    def is_of(self, slot: int) -> bool:
        return slot in self.had

    async def take(self, slot: int) -> bool:
        if slot not in self.had:
            return False
        self.had.remove(slot)
        self._done.append(AGAIN)
        return True


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
def again(taken: Taken) -> Again:
    return Again(taken.numbers)


Make = Callable[[int], Slots]


@pytest.fixture
def slots(tmp_path: Path, taken: Taken, again: Again) -> Iterator[Make]:
    """So many slots of a run; 1, 2 and 3 were left open by slots 0, 1 and 0."""
    turns = [(1, 0), (2, 1), (3, 0)]
    events = [event for n, slot in turns for event in (began(n, slot), proposed(n))]
    path = tmp_path / "journal.sqlite"
    journals: list[Journal] = []

    def make(count: int) -> Slots:
        begun = msgspec.structs.replace(created(), slots=count)
        Journal.create(path, [begun, started(), *events], NOON).close()
        found = verify(path)
        assert isinstance(found, Verified)
        journals.append(Journal.open(path))
        writer = Writer(journals[0], found.state, Trouble())
        return Slots(
            writer,
            Control(),
            taken,
            again,
            proposer=Nothing(),
            alive_s=lambda: 0.0,
            code=NoCode(),
        )

    yield make
    for journal in journals:
        journal.close()


async def test_a_slot_takes_what_it_had(slots: Make, taken: Taken) -> None:
    two = slots(2)
    await two.run(1)
    await two.run(0)
    await two.run(0)
    assert taken.numbers == [2, 1, 3]


async def test_a_slot_leaves_to_others_what_they_had(slots: Make, taken: Taken) -> None:
    two = slots(2)
    await two.run(1)
    with anyio.move_on_after(0.1) as waiting:
        await two.run(1)
    assert waiting.cancelled_caught
    assert taken.numbers == [2]


async def test_a_slot_takes_what_a_slot_had_that_is_no_more(slots: Make, taken: Taken) -> None:
    one = slots(1)
    for _ in range(3):
        await one.run(0)
    assert taken.numbers == [1, 3, 2]  # what was its own comes first


async def test_what_a_slot_measured_again_comes_before_what_a_slot_had_that_is_no_more(
    slots: Make, taken: Taken, again: Again
) -> None:
    """That one may have to wait for it: the two measure in turn."""
    one = slots(1)
    again.had = {0}
    await one.run(0)
    assert taken.numbers == [AGAIN, 1]
