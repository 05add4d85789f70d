"""Logging the real programs in, in homes of their own; no service is called."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from tests.coding import RUN, Toy
from tests.driving import CONTROLROOM
from tests.workspaces import ENVIRON

KEY = "sk-not-a-key"


class Person:
    """A person with an empty home, and the command that they run."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.data = folder / "data"
        self._env = ENVIRON | {"HOME": str(self.home), "XDG_DATA_HOME": str(self.data)}
        self._env.pop("CONTROLROOM_HOME", None)

    def __call__(
        self, *words: str, given: str = "", status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """The finished command; fails when it ended otherwise."""
        done = subprocess.run(
            [*CONTROLROOM, *words],
            cwd=self.home,
            env=self._env,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """A person who never logged in."""
    return Person(tmp_path)


def test_a_login_lies_in_a_home_of_its_own(person: Person) -> None:
    said = person("login", "codex", "--status", status=2).stdout
    assert said.endswith(": Not logged in\n")
    done = person("login", "codex", "--with-api-key", given=KEY)
    assert done.stdout.splitlines()[-1].startswith("codex is logged in, in ")
    assert KEY not in done.stdout + done.stderr
    found = json.loads(person("login", "codex", "--status", "--json").stdout)
    home = person.data / "controlroom" / "agents" / "codex"
    assert (found["agent"], found["logged_in"], found["home"]) == ("codex", True, str(home))
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert not (person.home / ".codex").exists()


def test_claude_is_asked_in_its_own_words(person: Person) -> None:
    assert "claude is not logged in" in person("login", "claude", "--status", status=2).stdout
    assert not (person.home / ".claude.json").exists()


def test_a_login_that_came_to_nothing_is_said(person: Person) -> None:
    done = person("login", "codex", "--with-api-key", given="", status=2)
    assert "codex is not logged in" in done.stderr


def test_an_agent_without_a_login_of_its_own_is_refused(person: Person) -> None:
    assert "those that have: codex, claude" in person("login", "acp", status=2).stderr


@pytest.mark.parametrize("agent", ["codex", "claude"])
def test_a_run_stops_before_it_starts_and_names_the_command(agent: str, tmp_path: Path) -> None:
    toy = Toy(tmp_path, {}, proposers=[{"kind": "agent", "agent": agent}])
    output = toy.run(3, status=2)
    assert f"agent {agent}: it is not logged in (" in output
    assert f"log in with `controlroom login {agent}`, or name its key under" in output
    assert not (toy.repo / ".controlroom" / "runs" / RUN).exists()
    toy.end()


def test_a_run_with_a_secret_or_a_login_starts(tmp_path: Path) -> None:
    agent = {"kind": "agent", "agent": "codex"}
    toy = Toy(tmp_path, {}, proposers=[agent | {"env": {"secret": ["TOY_KEY"]}}])
    toy.run(1, TOY_KEY=KEY)
    with toy.person_at_work():
        toy.write_campaign(proposers=[agent])
    assert "it is not logged in" in toy.run(1, "--accept-changes", status=2)
    logged = subprocess.run(
        [*CONTROLROOM, "login", "codex", "--with-api-key"],
        env=ENVIRON | {"CONTROLROOM_HOME": str(toy.folder / "home")},
        input=KEY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert logged.returncode == 0, logged.stderr
    assert "campaign changed by" in toy.run(1, "--accept-changes")
    toy.end()
