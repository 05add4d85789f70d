"""What an agent asks while it works: put to people, answered in time, told to the agent."""

import contextlib
import math
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from engine.agents import asking
from engine.agents.protocol import AnyAgentEvent, Asks
from engine.core.agent_lines import because
from engine.core.answering_approvals import BY_DEADLINE, asked, by_default, closed
from engine.core.events import AgentStarted, ApprovalAsked
from engine.core.ids import ApprovalId
from engine.loop.writer import Writer
from engine.runfolder.room import Room

MOST: Final = 100
"""Questions of one attempt that are put to people; to any more the default is the answer."""

_LOOK_S: Final = 1.0
_SHOWN: Final = 120


class Questions:
    """The questions of one attempt. `run` works until it is cancelled; then `close`.

    Args:
        writer: records what is asked, and what is answered.
        started: the attempt.
        folder: the folder of the attempt.
        room: where answers wait while the disk is full.
    """

    def __init__(self, writer: Writer, started: AgentStarted, folder: Path, room: Room) -> None:
        self._writer = writer
        self._started = started
        self._answers = asking.folder_of(folder)
        self._room = room
        self._put, self._taken = anyio.create_memory_object_stream[Asks](math.inf)
        self._seen: set[str] = set()

    def hear(self, event: AnyAgentEvent) -> None:
        """Take a question out of what the agent does; one that it repeats is asked once."""
        question = asking.sound(event) if isinstance(event, Asks) else None
        if isinstance(question, Asks) and question.id not in self._seen:
            self._seen.add(question.id)
            self._put.send_nowait(question)

    async def run(self) -> None:
        """Put every question to people, and answer it."""
        async with anyio.create_task_group() as tasks:
            number = 0
            async for question in self._taken:
                number += 1
                tasks.start_soon(self._ask if number <= MOST else self._default, question)

    async def close(self) -> None:
        """Let the default hold for what is still open: the attempt has ended."""
        self._put.close()
        self._taken.close()
        iteration = self._started.iteration
        if any(each.iteration == iteration for each in self._writer.state.approvals.values()):
            with anyio.CancelScope(shield=True):
                await self._writer.decide(lambda state: closed(state, iteration))

    async def _ask(self, question: Asks) -> None:
        until_s = time.time() + question.wait_s
        (record,) = await self._writer.decide(
            lambda state: [
                asked(
                    state,
                    self._started,
                    ask=question.id,
                    text=question.text,
                    default=question.default,
                    deadline=_utc(until_s),
                )
            ]
        )
        assert isinstance(record.event, ApprovalAsked)  # noqa: S101  (just decided)
        approved = await self._wait(record.event, until_s)
        if approved is not None:
            await self._tell(question, approved=approved)

    async def _default(self, question: Asks) -> None:
        await self._tell(question, approved=question.default == "approve")

    async def _wait(self, approval: ApprovalAsked, until_s: float) -> bool | None:
        """What was decided; None when the attempt has ended meanwhile."""
        name, trouble = approval.approval, self._writer.trouble
        trouble.note(f"approval {name}", _waiting(approval))
        try:
            while name in self._writer.state.approvals:
                await self._look(name, until_s)
        finally:
            trouble.note(f"approval {name}", None)
        turn = self._writer.state.open.get(approval.iteration)
        return turn.agent.approved.get(name) if turn is not None and turn.agent else None

    async def _look(self, name: ApprovalId, until_s: float) -> None:
        left_s = until_s - time.time()
        if left_s <= 0:
            await self._writer.decide(lambda state: by_default(state, name, by=BY_DEADLINE))
            return
        # The time of day counts, which a sleeping machine or a person may move.
        with anyio.move_on_after(min(left_s, _LOOK_S)):
            await self._writer.wait_change()

    async def _tell(self, question: Asks, *, approved: bool) -> None:
        async def write() -> None:
            await anyio.to_thread.run_sync(
                lambda: asking.write_answer(self._answers, question.id, approved=approved)
            )

        # What the agent itself has put in the way is its own affair: it learns of the default.
        with contextlib.suppress(OSError):
            await self._room.write(str(self._answers), write)


def _waiting(approval: ApprovalAsked) -> str:
    what = because(f"iteration {approval.iteration} waits for a person", approval.text)
    return f"{what[:_SHOWN]} (controlroom approve {approval.approval}, or refuse)"


def _utc(seconds: float) -> str:
    time_of_day = datetime.fromtimestamp(seconds, UTC)
    return time_of_day.isoformat(timespec="milliseconds").replace("+00:00", "Z")
