"""What an attempt has still to tell when it is cut off: it is heard, and counted."""

from pathlib import Path

import anyio
import pytest

from engine.agents import session
from engine.agents.protocol import AgentTask, AnyAgentEvent, Ended, Launch, Message, Spent
from engine.agents.spending import Used
from engine.core.parts import Tokens
from engine.executors.protocol import Command, Interrupted, LogSink
from engine.executors.protocol import Ended as CommandEnded
from tests.agents import Stage, recorded

SECRET = "hunter2-and-more"


class Elsewhere:
    """An agent that tells what it used in a place of its own, and the last of it at the end."""

    def __init__(self, program: str) -> None:
        self._program = program

    def launch(self, task: AgentTask) -> Launch:
        return Launch(argv=("sh", "-c", self._program), env=task.env)

    def reader(self, task: AgentTask) -> "Elsewhere":
        return self

    def read(self, line: bytes) -> list[AnyAgentEvent]:
        return [Message(text=line.decode())]

    def look(self) -> list[AnyAgentEvent]:
        return []

    def close(self, exit_code: int | None, errors: str) -> list[AnyAgentEvent]:
        return [Spent(tokens=Tokens(input=7), cost_usd=0.5), Ended(outcome="crashed")]


@pytest.mark.anyio
async def test_what_a_cancelled_attempt_has_still_to_tell_is_heard(tmp_path: Path) -> None:
    """Its last call, and bytes that might have been the begin of a secret."""
    stage = Stage(tmp_path)
    task = stage.task(secrets=("API_KEY",), env=stage.env | {"API_KEY": SECRET})
    agent = Elsewhere("printf 'I think of hunter2'; touch there; sleep 600")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.run, agent, task)
        with anyio.fail_after(30):
            while not (stage.tree / "there").exists():
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert session.recover(task.folder) == Used(tokens=Tokens(input=7), cost_usd=0.5)
    assert Message(text="I think of hunter2") in recorded(task.folder)
    assert (task.folder / "transcript.jsonl").read_bytes() == b"I think of hunter2"


class Cut:
    """An executor whose commands are always cut off."""

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> CommandEnded:
        return Interrupted("the machine was taken away")


@pytest.mark.anyio
async def test_and_that_of_one_whose_machine_was_taken_away(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.executor = Cut()
    result = await stage.run(Elsewhere("true"))
    assert result == Interrupted("the machine was taken away")
    assert session.recover(stage.task().folder).tokens.input == 7
