"""Agents by name, one's own by a dotted path, and any command as an agent."""

from pathlib import Path

import pytest

from engine.agents.command import CommandAgent
from engine.agents.protocol import Agent, AgentMissingError, Message
from engine.agents.result import SessionResult
from engine.agents.script import ScriptError
from engine.agents.table import AGENTS, Setup, make
from tests.agents import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def ours(setup: Setup) -> Agent:
    return CommandAgent(("echo", *setup.command))


def nothing(_: Setup) -> object:
    return object()


NO_MAKER = 3


def test_each_agent_of_the_table_is_made(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("iterations: []")
    for name in AGENTS:
        agent = make(name, Setup(folder=tmp_path, command=("true",), script="s.yaml"))
        assert callable(agent.launch)


def test_a_dotted_path_makes_ones_own(tmp_path: Path) -> None:
    agent = make("tests.unit.test_agent_table:ours", Setup(folder=tmp_path, command=("x",)))
    assert type(agent).__name__ == "CommandAgent"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("codx", "there is no agent codx; write one of codex, claude"),
        ("no.such.module:make", "cannot be imported"),
        ("tests.unit.test_agent_table:gone", "is not there"),
        ("tests.unit.test_agent_table:NO_MAKER", "nothing that makes an agent"),
        ("tests.unit.test_agent_table:nothing", "no method launch"),
    ],
)
def test_what_is_no_agent_is_refused(tmp_path: Path, name: str, complaint: str) -> None:
    with pytest.raises(AgentMissingError, match=complaint):
        make(name, Setup(folder=tmp_path))


def test_a_script_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"gone\.yaml"):
        make("scripted", Setup(folder=tmp_path, script="gone.yaml"))


@pytest.mark.anyio
async def test_a_command_gets_its_paths_and_the_prompt(stage: Stage) -> None:
    script = (
        'cat; cat "$1"; pwd -P; [ "$2" = "$(pwd -P)" ]; touch "$4/here"; '
        'echo \'{"choice": 3}\' > "$3"; echo not this'
    )
    words = ("sh", "-ec", script, "sh", "{prompt}", "{tree}", "{answer}", "{folder}")
    result = await stage.run(CommandAgent(words))
    assert isinstance(result, SessionResult)
    assert result.outcome == "answered", result.detail
    assert result.structured == '{"choice": 3}'
    said = [event.text for event in stage.events if isinstance(event, Message)]
    assert said == ["Make it faster."] * 2 + [str(stage.tree.resolve()), "not this"]
    assert (result.transcript.parent / "out" / "here").exists()
    assert result.cost_usd is None


@pytest.mark.anyio
@pytest.mark.parametrize("leave", ["ln -s $HOME/secret", "mkfifo", "mkdir"])
async def test_an_answer_that_is_no_file_is_none(stage: Stage, leave: str) -> None:
    """A link would be followed outside of the sandbox, and a pipe waited for."""
    (stage.root / "secret").write_text("hidden")
    result = await stage.run(CommandAgent(("sh", "-c", f"{leave} {{answer}}; echo my last word")))
    assert isinstance(result, SessionResult)
    assert (result.outcome, result.answer) == ("answered", "my last word")


@pytest.mark.anyio
async def test_a_command_that_fails_says_why(stage: Stage) -> None:
    result = await stage.run(CommandAgent(("sh", "-c", "echo working; echo bad luck >&2; exit 9")))
    assert isinstance(result, SessionResult)
    assert (result.outcome, result.detail) == ("crashed", "exit status 9: bad luck")
    assert result.answer == ""
