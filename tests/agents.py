"""What tests of agents share: a tree, an attempt at it, and a session that runs it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import anyio
import msgspec

from engine.agents import session
from engine.agents.protocol import (
    ATTEMPT_VARIABLE,
    ITERATION_VARIABLE,
    Agent,
    AgentTask,
    AnyAgentEvent,
)
from engine.agents.result import Limits, Recorded, SessionResult
from engine.agents.scripted import Scripted
from engine.executors.local import Local
from engine.executors.procfs import carrying
from engine.executors.protocol import RUN_VARIABLE, Executor, Interrupted, Marker
from engine.runfolder.room import Room
from tests.executing import MemoryLog


class Stage:
    """A tree with a file, and room for attempts beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = root / "tree"
        self.tree.mkdir()
        (self.tree / "kernel.py").write_text("CHUNK = 128\n")
        self.log = MemoryLog()
        self.events: list[AnyAgentEvent] = []
        self.room = Room()
        self.executor: Executor = Local(grace_s=0.3)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(root)}
        self.secrets: tuple[str, ...] = ()

    def git(self, *words: str) -> str:
        """What git prints."""
        done = subprocess.run(
            ["git", *words], cwd=self.tree, check=True, capture_output=True, text=True
        )
        return done.stdout

    def task(self, iteration: int = 2, attempt: int = 1, **more: Any) -> AgentTask:
        folder = self.root / "agents" / f"{iteration:05d}-{attempt}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prompt.md").write_text("Make it faster.\n")
        here = {ITERATION_VARIABLE: str(iteration), ATTEMPT_VARIABLE: str(attempt)}
        settings: dict[str, Any] = {
            "prompt": folder / "prompt.md",
            "tree": self.tree,
            "folder": folder,
            "home": self.root / "home",
            "env": self.env | here,
            "secrets": self.secrets,
        }
        return AgentTask(**(settings | more))

    async def run(
        self, agent: Agent, task: AgentTask | None = None, **more: Any
    ) -> SessionResult | Interrupted:
        """The end of an attempt; nothing of it may be left."""
        task = task or self.task()
        step = f"{self.root.resolve()}#2/agent/1"
        settings: dict[str, Any] = {
            "executor": self.executor,
            "marker": Marker(str(self.root.resolve()), step),
            "log": self.log,
            "on_event": self.events.append,
            "room": self.room,
            "limits": Limits(wall_s=60),
        }
        with anyio.fail_after(90):
            result = await session.run(agent, task, **(settings | more))
        assert self.alive() == []
        return result

    async def play(self, script: str, task: AgentTask | None = None, **more: Any) -> SessionResult:
        """The result of an attempt of the scripted agent at iteration 2, whose steps these are."""
        result = await self.run(
            self.scripted(f"iterations:\n  2:\n{_indented(script)}"), task, **more
        )
        assert isinstance(result, SessionResult), result
        return result

    def scripted(self, script: str) -> Scripted:
        path = self.root / "script.yaml"
        path.write_text(script)
        return Scripted(path)

    def alive(self) -> list[int]:
        """Pids of what is left of attempts."""
        return [process.pid for process in carrying(RUN_VARIABLE, str(self.root.resolve()))]


def _indented(script: str) -> str:
    return "\n".join("    " + line for line in script.strip("\n").splitlines())


def recorded(folder: Path) -> list[AnyAgentEvent]:
    """The events that an attempt left."""
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Recorded).event for line in lines]
