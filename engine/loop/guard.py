"""Halting: the engine stays up, starts nothing, and says what a person has to look at."""

import anyio
import anyio.to_thread

from engine.agents import homes
from engine.core.breaker import Breaker, why_open
from engine.core.events import AgentFinished, RunPaused
from engine.loop.writer import Writer
from engine.runfolder import pause as pause_file
from engine.runfolder.paths import RunPaths

BY = "guardrail"


class Guard:
    """Opens when failures repeat or are too many, or when nothing can go on without a person.

    The halt is the PAUSE file with its reason in it; removing that, or `resume`, acknowledges it.

    Args:
        writer: whose state is looked at.
        paths: the run's folder.
        breaker: how many failures are too many.
        pausing: held while the PAUSE file and what is recorded of it are brought together.
    """

    def __init__(
        self, writer: Writer, paths: RunPaths, breaker: Breaker, pausing: anyio.Lock
    ) -> None:
        self._writer = writer
        self._paths = paths
        self._breaker = breaker
        self._pausing = pausing

    async def look(self) -> None:
        """Halt when too many iterations failed, or failed alike."""
        if (reason := why_open(self._writer.state, self._breaker)) is not None:
            await self.halt(reason)

    async def login(self, finished: AgentFinished, agent: str) -> None:
        """Halt when the agent is not logged in: no other iteration could do any better."""
        if finished.outcome == "login":
            await self.logged_out(agent, finished.detail)

    async def logged_out(self, agent: str, detail: str) -> None:
        """Halt, and say how a person gets the agent logged in."""
        await self.halt(f"{agent}: {detail}; {_advice(agent)}")

    async def halt(self, reason: str) -> None:
        """Stop starting steps until a person has looked."""
        # The file would else be taken for a pause by hand before the halt is recorded.
        async with self._pausing:
            await self._halt(reason)

    async def _halt(self, reason: str) -> None:
        state = self._writer.state
        if state.paused is not None:
            return
        if not state.limits.exit_on_halt:
            await anyio.to_thread.run_sync(pause_file.write, self._paths.pause, reason)
        halted = RunPaused(by=BY, reason=reason, halt=True)
        await self._writer.decide(lambda state: [] if state.paused else [halted])


def _advice(agent: str) -> str:
    """How a person gets an agent logged in, and the run to go on."""
    if agent not in homes.KINDS:
        return "log it in, then `controlroom resume`"
    return (
        f"log in with `controlroom login {agent}`, then `controlroom resume`; a key in the"
        " environment has to be renewed where the engine is started"
    )
