"""Every kind of agent in its sandbox: what it tries outside of its tree fails, its work works."""

import json
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.coding import Json, Toy, answer
from tests.driving import wait_for
from tests.models.script import Answer, Shell, Turn
from tests.real_agents import (
    CLAUDE,
    CODEX,
    Hiring,
    Program,
    by_iteration,
    unique_s,
    words_on_command_lines,
)
from tests.sealing import SEALED, with_sealed_check
from tests.workspaces import git

LOOKS_ROUND: Final = Path(__file__).with_name("looks_round.py")
ACP_AGENT: Final = Path(__file__).parents[1] / "acp_agent.py"
SECRET: Final = "nobody-is-to-read-this"


class Siege:
    """A sealed campaign whose agent looks round in iteration 2, and what it may not reach.

    Args:
        folder: an empty folder, the toy's parent.
    """

    def __init__(self, folder: Path) -> None:
        self.asked = folder / "gates" / "asked.json"
        self.person = folder / "person"
        for name in (".ssh/id_ed25519", ".config/gh/hosts.yml", ".aws/credentials", "notes"):
            (self.person / name).parent.mkdir(parents=True, exist_ok=True)
            (self.person / name).write_text(SECRET)
        self.sleep_s = unique_s()
        self.look = f"{sys.executable} -S looks_round.py {self.asked}"

    def holds(self, climb: Toy, **env: str) -> Json:
        """What the agent reports, once it tried all; what it did outside of its tree is nothing."""
        with_sealed_check(climb)
        shutil.copy(LOOKS_ROUND, climb.repo / "looks_round.py")
        git(climb.repo, "add", "looks_round.py")
        git(climb.repo, "commit", "-qm", "Look round", "--", "looks_round.py")
        climb.base, climb.before = climb.person.head, climb.person.state()
        login = climb.folder / "home" / "agents" / "other"
        login.mkdir(parents=True)
        (login / "auth.json").write_text(SECRET)
        with socket.create_server(("127.0.0.1", 0)) as server:
            engine = climb.start("--iterations", "2", HOME=str(self.person), **env)
            climb.wait_event("AgentStarted", iteration=2)
            self._ask(climb, engine.pid, server.getsockname()[1])
            assert engine.wait() == 0, engine.output
        self._nothing_is_left(climb)
        return json.loads(climb.shown(climb.kept()["candidates/00002"], "report.json"))

    def _ask(self, climb: Toy, engine: int, port: int) -> None:
        run, repo = climb.run_dir, climb.repo
        attempt = climb.paths.attempt(2, 1)
        places = {
            "read": [
                *(run / name for name in ("journal.sqlite", "receipts", "heartbeat", "logs")),
                *(run / "trees" / name for name in ("judge", "00.index", "01")),
                *(attempt / name for name in ("events.jsonl", "transcript.jsonl")),
                *(repo / name for name in ("check.py", ".git/HEAD", ".git/refs", ".git/config")),
                *(self.person / name for name in (".ssh", ".config", ".aws", "notes")),
                climb.folder / "home" / "agents" / "other",
            ],
            "write": [
                *(run, run / "receipts", run / "inbox", run / "trees" / "judge", attempt),
                *(repo, repo / ".git", repo / ".git" / "objects", self.person, self.asked.parent),
            ],
        }
        asked = {key: list(map(str, found)) for key, found in places.items()}
        there = [place for place in asked["read"] if not place.endswith("/01")]
        wait_for(lambda: all(Path(place).exists() for place in there))
        seen = ["campaign.yaml", "warm.py"]
        asked_all = {"engine": engine, "port": port, "seen": seen, "sleep_s": self.sleep_s}
        draft = self.asked.with_suffix(".draft")
        draft.write_text(json.dumps(asked | asked_all))
        draft.rename(self.asked)

    def _nothing_is_left(self, climb: Toy) -> None:
        assert climb.harm() == {}
        assert list(self.asked.parent.parent.rglob("escaped")) == []
        assert not any(self.sleep_s in words for words in words_on_command_lines())
        assert climb.processes() == []
        assert "* in a sandbox" in climb.log(2)


@pytest.fixture
def siege(tmp_path: Path) -> Siege:
    return Siege(tmp_path)


HELD: Final[Json] = {"read": [], "signals": False, "seen": [], "git": "Look round"}
"""What an agent reports that has a network; the program of the tree is the person's."""


def test_a_scripted_agent(siege: Siege, toy: Callable[..., Toy]) -> None:
    climb = toy({2: [{"run": siege.look}]}, checks=[SEALED])
    assert siege.holds(climb) == HELD | {"calls": False}


@pytest.mark.parametrize("network", [False, "none"], ids=["network", "no network"])
def test_a_command(siege: Siege, toy: Callable[..., Toy], network: Any) -> None:
    keys = {"command": siege.look, "sandbox": "required", "network": network}
    agent = {"kind": "agent", "agent": "command"} | keys
    climb = toy({}, checks=[SEALED], proposers=[agent])
    assert siege.holds(climb) == HELD | {"calls": network is False}


def test_an_agent_behind_the_protocol(siege: Siege, toy: Callable[..., Toy]) -> None:
    steps = siege.asked.parent.parent / "steps.json"
    steps.write_text(json.dumps([["run", siege.look], ["say", "Done."]]))
    command = [sys.executable, str(ACP_AGENT), str(steps)]
    agent = {"kind": "agent", "agent": "acp", "command": command}
    climb = toy({}, checks=[SEALED], proposers=[agent])
    assert siege.holds(climb) == HELD | {"calls": True}


@pytest.mark.parametrize("program", [CODEX, CLAUDE], ids=str)
def test_a_real_program(tmp_path: Path, program: Program) -> None:
    """Its commands are in its own sandbox, which is in ours."""
    siege, hiring = Siege(tmp_path), Hiring(tmp_path / "hired")
    (tmp_path / "hired").mkdir()
    story = by_iteration({2: [Turn((Shell(siege.look),)), Turn((Answer(answer()["answer"]),))]})
    climb, _ = hiring(program, story, checks=[SEALED])
    assert siege.holds(climb, **hiring.person) == HELD | {"calls": False}
    hiring.close()
