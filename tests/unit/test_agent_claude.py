"""What is particular to claude: its command line, its account of calls, its words for failures."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.agents.claude import UNCONFINED, Claude, confined
from engine.agents.claude_reader import ClaudeReader
from engine.agents.protocol import AgentTask, Ended, Launch, Spent, Trouble
from engine.core.parts import Tokens
from tests import printed
from tests.agents import Stage

LINES = printed.claude()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def reader() -> ClaudeReader:
    return ClaudeReader("claude-sonnet-4-5")


def value(launch: Launch, option: str) -> str:
    return launch.argv[launch.argv.index(option) + 1]


def with_sandbox(stage: Stage) -> None:
    """A PATH on which there is what claude needs for its sandbox."""
    folder = stage.root / "bin"
    folder.mkdir()
    for name in ("bwrap", "socat"):
        (folder / name).touch(mode=0o755)
    stage.env["PATH"] = f"{folder}{os.pathsep}{stage.env['PATH']}"


def test_its_command_line(stage: Stage) -> None:
    with_sandbox(stage)
    schema = stage.root / "schema.json"
    schema.write_text('{"type": "object"}')
    task = stage.task(
        model="claude-sonnet-4-5", effort="high", answer_schema=schema, budget_usd=2.5,
        options=("--max-turns", "7"),
    )  # fmt: skip
    launch = Claude().launch(task)
    assert Path(launch.argv[0]).name == "claude"
    assert value(launch, "--model") == "claude-sonnet-4-5"
    assert value(launch, "--effort") == "high"
    assert value(launch, "--max-budget-usd") == "2.5"
    assert value(launch, "--json-schema") == '{"type": "object"}'
    assert value(launch, "--permission-prompts") == "none"
    assert value(launch, "--allowedTools") == "Bash"
    assert "WebFetch" not in value(launch, "--tools")
    assert launch.argv[-2:] == ("--max-turns", "7")
    sandbox = json.loads(value(launch, "--settings"))["sandbox"]
    assert sandbox["enabled"] and sandbox["failIfUnavailable"]  # noqa: PT018
    assert not sandbox["allowUnsandboxedCommands"]
    assert "network" not in sandbox


def test_without_a_key_the_isolated_home_is_used_and_hidden(stage: Stage) -> None:
    with_sandbox(stage)
    (stage.root / "home").mkdir()
    launch = Claude().launch(stage.task(network=True))
    assert launch.env["CLAUDE_CONFIG_DIR"] == str(stage.root / "home")
    sandbox = json.loads(value(launch, "--settings"))["sandbox"]
    assert str(stage.root / "home") in sandbox["filesystem"]["denyRead"]
    assert sandbox["network"]["allowedDomains"] == ["*"]
    assert "WebFetch" in value(launch, "--tools")


def test_a_campaigns_own_settings_of_the_program_win(stage: Stage) -> None:
    stage.env["CLAUDE_CODE_MAX_RETRIES"] = "77"
    env = Claude().launch(stage.task()).env
    assert (env["CLAUDE_CODE_MAX_RETRIES"], env["DISABLE_AUTOUPDATER"]) == ("77", "1")


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"])
def test_the_key_is_on_a_pipe_and_in_no_environment(stage: Stage, name: str) -> None:
    key = "sk-$HOME`id`\"'\\ end"
    stage.env[name] = key
    task = stage.task()
    launch = Claude().launch(task)
    assert launch.env["CLAUDE_CONFIG_DIR"] == str(task.folder / "home")
    assert key not in " ".join(launch.argv)
    shell = launch.argv[: launch.argv.index("sh") + 1]
    look = "cat <&9; echo; env; cat /proc/self/environ | tr '\\0' '\\n'"
    done = subprocess.run(
        [*shell, "sh", "-c", look], env=launch.env, capture_output=True, text=True, check=True
    )
    first, _, rest = done.stdout.partition("\n")
    assert first == key
    assert "sk-$HOME" not in rest
    assert "FILE_DESCRIPTOR=9" in rest


def test_whether_it_can_confine_its_commands(stage: Stage) -> None:
    assert not confined(stage.task(env={"PATH": str(stage.root)}))
    reader = Claude().reader(stage.task(env={"PATH": str(stage.root)}))
    assert reader.read(LINES[0])[1:] == [Trouble(text=UNCONFINED)]
    with_sandbox(stage)
    assert confined(stage.task())
    assert len(Claude().reader(stage.task()).read(LINES[0])) == 1


def result(**changes: Any) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(LINES[-1]) | changes)


def test_what_the_result_has_beyond_the_calls_is_told(reader: ClaudeReader) -> None:
    models = msgspec.json.decode(LINES[-1])["modelUsage"]
    models["claude-haiku-4-5"] = {"inputTokens": 40, "outputTokens": 2}
    events = printed.events_of(reader, [*LINES[:-1], result(modelUsage=models)])
    assert printed.spent(events).input == 3040
    last = [event for event in events if isinstance(event, Spent)][-1]
    assert (last.model, last.tokens) == ("claude-haiku-4-5", Tokens(input=40, output=2))


def test_a_model_with_two_names_is_counted_once(reader: ClaudeReader) -> None:
    models = {"claude-sonnet-4-5-20250929": {"inputTokens": 1500, "cacheReadInputTokens": 1200,
                                             "cacheCreationInputTokens": 300}}  # fmt: skip
    events = printed.events_of(reader, [*LINES[:-1], result(modelUsage=models)])
    assert printed.spent(events).input == 3000


def test_a_call_that_was_cut_off_is_counted_by_its_begin(reader: ClaudeReader) -> None:
    events = [*printed.events_of(reader, LINES[:3]), *reader.close(None, "")]
    assert printed.spent(events).input == 1500


def test_a_good_exit_status_without_a_result_is_no_answer(reader: ClaudeReader) -> None:
    printed.events_of(reader, LINES[:-1])
    assert reader.close(0, "")[-1] != Ended(outcome="answered")


def test_a_bad_exit_status_with_a_good_result_is_an_answer(reader: ClaudeReader) -> None:
    printed.events_of(reader, LINES)
    assert reader.close(143, "")[-1] == Ended(outcome="answered")


def test_an_interruption_is_no_answer(reader: ClaudeReader) -> None:
    reader.read(result(subtype="error_during_execution", result=""))
    ended = reader.close(0, "")[-1]
    assert ended == Ended(outcome="crashed", detail="error_during_execution")


def retry(status: int | None, error: str = "x") -> bytes:
    event = {"type": "system", "subtype": "api_retry", "attempt": 2, "max_retries": 5}
    return msgspec.json.encode({**event, "error_status": status, "error": error})


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(401, "login"), (403, "login"), (529, "unreachable"), (None, "unreachable"), (400, "crashed")],
)
def test_one_that_is_ended_while_it_tries_again(
    reader: ClaudeReader, status: int | None, outcome: str
) -> None:
    (event,) = reader.read(retry(status))
    assert isinstance(event, Trouble)
    assert event.retrying
    ended = reader.close(None, "")[-1]
    assert isinstance(ended, Ended)
    assert ended.outcome == outcome
    assert "retry 2 of 5" in ended.detail


def test_a_retry_that_helped_is_forgotten(reader: ClaudeReader) -> None:
    reader.read(retry(401))
    printed.events_of(reader, LINES[:-1])
    ended = reader.close(1, "")[-1]
    assert isinstance(ended, Ended)
    assert ended.outcome == "crashed"


def test_what_was_denied_is_told(reader: ClaudeReader) -> None:
    denial = {"tool_name": "Write", "tool_input": {"file_path": "/etc/x"}}
    events = reader.read(result(permission_denials=[denial]))
    assert Trouble(text="denied: Write /etc/x") in events


def test_a_plan_that_is_used_up_says_until_when(reader: ClaudeReader) -> None:
    limit = {"status": "rejected", "resetsAt": 5000, "rateLimitType": "five_hour"}
    reader.read(msgspec.json.encode({"type": "rate_limit_event", "rate_limit_info": limit}))
    said = {"model": "<synthetic>", "content": [{"type": "text", "text": "limit · resets 3pm"}]}
    reader.read(msgspec.json.encode({"type": "assistant", "message": said, "error": "rate_limit"}))
    reader.read(result(is_error=True, result="limit · resets 3pm"))
    ended = reader.close(1, "")[-1]
    assert ended == Ended(outcome="limited", detail="limit · resets 3pm", retry_at=5000.0)


def test_a_warning_of_a_limit_is_none(reader: ClaudeReader) -> None:
    limit = {"status": "allowed_warning", "resetsAt": 5000}
    reader.read(msgspec.json.encode({"type": "rate_limit_event", "rate_limit_info": limit}))
    printed.events_of(reader, LINES)
    assert reader.close(0, "")[-1] == Ended(outcome="answered")


def test_a_task_without_a_schema_file_is_no_surprise(stage: Stage) -> None:
    task: AgentTask = stage.task(answer_schema=stage.root / "gone.json")
    with pytest.raises(OSError, match=r"gone\.json"):
        Claude().launch(task)


def test_a_call_that_was_cut_off_is_not_counted_beside_the_result(reader: ClaudeReader) -> None:
    """Its cost is in the result already."""
    cut = [line for line in LINES[:5] if b"message_delta" not in line and b"stop" not in line]
    events = printed.events_of(reader, [*cut, *LINES[5:]])
    events += reader.close(0, "")
    assert printed.spent(events).input == 3000
