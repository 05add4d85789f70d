"""The steps of candidates of code, for campaigns that have none."""

from engine.checks.boxes import Ground
from engine.checks.harness import Harness
from engine.core.events import VerdictReached
from engine.core.ids import IterationNumber
from engine.core.parts import Half
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import CarryOver, CollectChange, PutAside, RunAgent
from engine.proposers.protocol import Proposal


class NoCode:
    """The steps of candidates of code in a campaign that has none."""

    @property
    def harness(self) -> Harness | None:
        """What judges is not the run's."""
        return None

    def commit(self, state: RunState) -> str | None:
        """There is none."""
        del state

    async def merged(self) -> Proposal | None:
        """Nothing is merged."""

    async def check_out(
        self, turn: OpenIteration, candidate: Candidate, half: Half | None
    ) -> Ground | None:
        """Nothing is checked out."""
        del turn, candidate, half

    async def take(
        self, step: RunAgent | CollectChange | CarryOver | PutAside, number: IterationNumber
    ) -> None:
        """Not reached: no candidate has code."""
        raise AssertionError((step, number))

    async def settle(self, turn: OpenIteration, verdict: VerdictReached | None) -> None:
        """Nothing is accepted anywhere."""

    async def close(self) -> None:
        """Nothing is anybody's."""
