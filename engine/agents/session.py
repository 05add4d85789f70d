"""Running one attempt of an agent: start its program, listen, stop it in time, say how it ended."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from engine.agents import boxes
from engine.agents.attempt import Attempt
from engine.agents.files import EVENTS, open_files
from engine.agents.protocol import (
    Agent,
    AgentMissingError,
    AgentTask,
    AnyAgentEvent,
    Billed,
    Launch,
    Spent,
)
from engine.agents.result import Limits, Recorded, SessionResult
from engine.agents.spending import Ledger, Pricing, Used
from engine.core.parts import Tokens
from engine.executors.clock import EngineClock
from engine.executors.protocol import Command, Executor, Interrupted, LogSink, Marker
from engine.runfolder.room import Room

__all__ = ["Limits", "SessionResult", "recover", "run"]

NO_LIMITS: Final = Limits()


def _ignore(event: AnyAgentEvent) -> None:
    """Nobody listens."""


def _always(used: Used) -> str | None:
    """There is no shared purse."""


def _unknown(model: str, tokens: Tokens) -> float | None:
    """No prices are known."""


async def run(
    agent: Agent,
    task: AgentTask,
    *,
    executor: Executor,
    marker: Marker,
    log: LogSink,
    limits: Limits = NO_LIMITS,
    on_event: Callable[[AnyAgentEvent], None] = _ignore,
    may_go_on: Callable[[Used], str | None] = _always,
    price_of: Pricing = _unknown,
    room: Room | None = None,
    clock: EngineClock | None = None,
) -> SessionResult | Interrupted:
    """How the attempt ended, or that it was cut off by no fault of its own; nothing of it is left.

    Cancelling the call kills the program and everything that it started; its files are whole then.

    Args:
        agent: whose program is run.
        task: what it is to do.
        executor: runs the program.
        marker: the marker of its processes.
        log: takes what it does as text for a person.
        limits: what it may use.
        on_event: called with each event.
        may_go_on: called with all that the attempt has used whenever that grows; a text stops it.
        price_of: prices where the program does not say what a call costs.
        room: where everything waits when the disk is full.
        clock: counts the time.
    """
    room = room or Room()

    async def launch() -> Launch:
        boxes.prepare(task)
        return agent.launch(task)

    try:
        with await open_files(task.folder, room) as files:
            launched = await room.write(str(task.folder), launch)
            command = Command(
                run=launched.argv,
                cwd=task.tree,
                env=launched.env,
                marker=marker,
                deadline_s=limits.wall_s,
                stdin=task.prompt,
                box=boxes.box_of(task, launched),
                ends_at_once=launched.ends_at_once,
            )
            ledger = Ledger(price_of, task.model or "")
            attempt = Attempt(
                task, agent.reader(task), files, log,
                limits=limits, ledger=ledger, on_event=on_event, may_go_on=may_go_on,
                room=room, clock=clock or EngineClock(),
            )  # fmt: skip
            return await attempt.run(executor, command)
    except AgentMissingError as error:
        return SessionResult.not_started(task, str(error))
    except OSError as error:
        return Interrupted(f"the files of the attempt cannot be written: {error}")


def recover(folder: Path) -> Used:
    """What an attempt used that was cut off, as far as its events were written.

    One that told nothing of it may have used anything; one that never began used nothing.

    Raises:
        OSError: its events are there and cannot be read.
    """
    ledger = Ledger(_unknown)
    path = folder / EVENTS
    if not path.exists():
        return ledger.used
    with path.open("rb") as lines:
        for line in lines:
            match _recorded(line):
                case Spent() as event:
                    ledger.spend(event)
                case Billed() as event:
                    ledger.settle(event)
                case _:
                    pass
    return ledger.used if ledger.told else Used(cost_usd=None)


def _recorded(line: bytes) -> AnyAgentEvent | None:
    try:
        return msgspec.json.decode(line, type=Recorded).event
    except msgspec.DecodeError:  # the engine died while it wrote the last line
        return None
