"""What an agent's own program left behind without a marker is found by where its tools are."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.executors.trees import kill_leftovers


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with a PATH into an attempt's home, and nothing else of its run."""
    tools = tmp_path / "run" / "agents" / "00002-1" / "home" / "tmp"
    tools.mkdir(parents=True)
    env = {"PATH": f"{tools}:{os.environ['PATH']}"}
    process = subprocess.Popen(["sleep", "600"], env=env, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_process_with_tools_from_an_agents_home_is_killed(
    sleeper: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert kill_leftovers(str(run)) == []
    assert sleeper.poll() is None
    assert kill_leftovers(str(run), str(run / "agents")) == [sleeper.pid]
    assert sleeper.wait(10) < 0


@pytest.mark.parametrize("folder", ["run2/agents", "run/age", "run/agents/00003-1"])
def test_one_with_tools_from_elsewhere_is_left_alone(
    sleeper: "subprocess.Popen[bytes]", tmp_path: Path, folder: str
) -> None:
    assert kill_leftovers(str(tmp_path / "run"), str(tmp_path / folder)) == []
    assert sleeper.poll() is None
