"""What is particular to codex: its command line, the files of its sessions, its words."""

import json
import time
import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.agents.codex import Codex
from engine.agents.codex_failures import outcome_of, retry_at
from engine.agents.codex_reader import CodexReader
from engine.agents.protocol import Ended, Launch, Spent, Trouble
from engine.core.parts import Tokens
from tests import printed
from tests.agents import Stage

THREAD = "01a1fd49-0000-7000-8000-000000000000"
LINES = printed.codex()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def reader(tmp_path: Path) -> CodexReader:
    return CodexReader(tmp_path / "home", "gpt-5.5")


def settings_of(launch: Launch) -> dict[str, Any]:
    """Its -c words, as codex understands them."""
    words = [launch.argv[at + 1] for at, word in enumerate(launch.argv) if word == "-c"]
    return tomllib.loads("\n".join(words))


def test_its_command_line(stage: Stage) -> None:
    stage.env |= {"OPENAI_API_KEY": "sk-1", "OTHER": "x"}
    stage.secrets = ("OPENAI_API_KEY", "OTHER")
    home = stage.root / "home"
    home.mkdir()
    (home / "auth.json").write_text("{}")
    task = stage.task(
        model="gpt-5.5", effort='hi"gh', answer_schema=Path("/s.json"), options=("-c", "x.y=1")
    )
    launch = Codex().launch(task)
    assert Path(launch.argv[0]).name == "codex"
    assert launch.argv[1:4] == ("exec", "--json", "--ignore-user-config")
    assert launch.argv[-1] == "-"
    for pair in (("-C", str(stage.tree)), ("-m", "gpt-5.5"), ("--output-schema", "/s.json")):
        assert pair in zip(launch.argv, launch.argv[1:], strict=False)
    settings = settings_of(launch)
    assert settings["model_reasoning_effort"] == 'hi"gh'
    assert settings["x"] == {"y": 1}
    policy = settings["shell_environment_policy"]
    assert policy["ignore_default_excludes"] is False
    assert {"OPENAI_API_KEY", "OTHER", "CODEX_API_KEY"} <= set(policy["exclude"])
    profile = settings["permissions"][settings["default_permissions"]]
    own = task.folder / "home"
    assert profile["extends"] == ":workspace"
    assert profile["filesystem"] == {str(home): "deny", str(own / "sessions"): "deny"}
    assert "network" not in profile
    assert launch.env["CODEX_HOME"] == launch.env["HOME"] == str(own)
    assert launch.env["CODEX_API_KEY"] == "sk-1"
    assert "OPENAI_API_KEY" not in launch.env
    assert (own / "auth.json").resolve() == home / "auth.json"
    assert "sk-1" not in " ".join(launch.argv)


def test_options_of_the_campaign_come_after_settings_of_the_engine(stage: Stage) -> None:
    """So they win: the program takes the last of two `-c` for the same key."""
    words = Codex().launch(stage.task(options=("-c", 'web_search="live"'))).argv
    assert words.index('web_search="disabled"') < words.index('web_search="live"')


def test_a_second_launch_of_the_same_attempt_is_no_error(stage: Stage) -> None:
    (stage.root / "home").mkdir()
    (stage.root / "home" / "auth.json").write_text("{}")
    task = stage.task(network=True)
    Codex().launch(task)
    settings = settings_of(Codex().launch(task))
    assert settings["permissions"]["controlroom"]["network"] == {"enabled": True}


def test_a_threads_total_is_told_as_what_is_new(reader: CodexReader) -> None:
    events = printed.events_of(reader, [*LINES, LINES[-1]])
    more = msgspec.json.decode(LINES[-1])
    more["usage"]["input_tokens"] += 10
    events += reader.read(msgspec.json.encode(more))
    spent = [event.tokens for event in events if isinstance(event, Spent)]
    assert [tokens.input for tokens in spent] == [3000, 10]


def rollout(home: Path, thread: str = THREAD) -> Path:
    folder = home / "sessions" / "2026" / "11" / "21"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"rollout-2026-11-21T10-00-00-{thread}.jsonl"


def record(**payload: Any) -> bytes:
    return msgspec.json.encode({"type": "x", "payload": payload}) + b"\n"


def usage(total: int, thread: str = THREAD) -> bytes:
    return record(
        type="token_usage_record", thread_id=thread, thread_token_usage={"input_tokens": total}
    ).replace(b'"type":"x"', b'"type":"token_usage_record"')


def test_the_sessions_file_is_read_as_it_grows(tmp_path: Path, reader: CodexReader) -> None:
    line = usage(100)
    with rollout(tmp_path / "home").open("ab", 0) as file:
        file.write(line[:30])
        assert reader.look() == []
        file.write(line[30:] + b"garbage\xff\n" + line)
        assert [type(event) for event in reader.look()] == [Spent]
        assert reader.look() == []
        for odd in printed.ODD[:-1]:
            for place in printed.places_in(json.loads(line)):
                file.write(printed.with_odd(json.loads(line), place, odd) + b"\n")
    spent = [event for event in reader.look() if isinstance(event, Spent)]
    assert all(min(msgspec.structs.astuple(event.tokens)) >= 0 for event in spent)


def test_file_and_stream_tell_the_same_once(tmp_path: Path, reader: CodexReader) -> None:
    events = printed.events_of(reader, LINES[:-1])
    rollout(tmp_path / "home").write_bytes(usage(1000) + usage(2900))
    events += printed.events_of(reader, LINES[-1:])
    assert [e.tokens.input for e in events if isinstance(e, Spent)] == [1000, 1900, 100]


def test_another_threads_calls_are_added(tmp_path: Path, reader: CodexReader) -> None:
    other = THREAD.replace("7000", "7001")
    rollout(tmp_path / "home").write_bytes(usage(100))
    rollout(tmp_path / "home", other).write_bytes(usage(70, other))
    assert printed.spent(reader.look()).input == 170


def test_the_older_kind_of_count_is_understood(tmp_path: Path, reader: CodexReader) -> None:
    info = {"total_token_usage": {"input_tokens": 50, "output_tokens": 5}}
    rollout(tmp_path / "home").write_bytes(record(type="token_count", info=info))
    assert printed.spent(reader.look()) == Tokens(input=50, output=5)


def test_what_the_sandbox_denied_is_told(tmp_path: Path, reader: CodexReader) -> None:
    def call(name: str, command: str, output: str) -> bytes:
        arguments = msgspec.json.encode({"cmd": command}).decode()
        return record(
            type="function_call", name="exec", arguments=arguments, call_id=name
        ) + record(type="function_call_output", call_id=name, output=output)

    rollout(tmp_path / "home").write_bytes(
        call("a", "touch /x", "Process exited with code 1\ntouch: /x: Read-only file system\n")
        + call("b", "cat README", "Process exited with code 0\nOperation not permitted\n")
        + call("c", "false", "Process exited with code 1\nsome other error\n")
    )
    assert reader.look() == [Trouble(text="denied: touch /x\ntouch: /x: Read-only file system")]


def test_a_limits_end_is_taken_from_the_fullest_window(tmp_path: Path, reader: CodexReader) -> None:
    windows = {
        "primary": {"used_percent": 40.0, "resets_at": 1000},
        "secondary": {"used_percent": 100.0, "resets_at": 9000},
    }
    rollout(tmp_path / "home").write_bytes(record(type="token_count", rate_limits=windows))
    reader.read(b'{"type":"turn.failed","error":{"message":"You\'ve hit your usage limit."}}')
    ended = reader.close(1, "")[-1]
    assert isinstance(ended, Ended)
    assert (ended.outcome, ended.retry_at) == ("limited", 9000.0)


def test_its_home_is_tidied_but_for_the_sessions(tmp_path: Path, reader: CodexReader) -> None:
    login = tmp_path / "auth.json"
    login.write_text("{}")
    rollout(tmp_path / "home").write_bytes(b"")
    (tmp_path / "home" / "auth.json").symlink_to(login)
    (tmp_path / "home" / "skills").mkdir()
    (tmp_path / "home" / "linked").symlink_to(tmp_path)
    reader.close(0, "")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["sessions"]
    assert login.exists()


@pytest.mark.parametrize(
    ("message", "name", "outcome"),
    [
        ("You’ve hit your usage limit. Try again later.", "", "limited"),
        ("Quota exceeded. Check your plan and billing details.", "", "limited"),
        ("anything", "usage_limit_exceeded", "limited"),
        ("To use Codex with your ChatGPT plan, upgrade to Plus: x", "", "login"),
        ("unexpected status 401 Unauthorized: nope, url: x", "", "login"),
        ("exceeded retry limit, last status: 401 Unauthorized", "", "login"),
        ("Missing environment variable: `NAME`.", "", "login"),
        ("exceeded retry limit, last status: 429 Too Many Requests", "", "unreachable"),
        ("Reconnecting... 3/5", "", "unreachable"),
        ("stream disconnected before completion", "", "unreachable"),
        ("Selected model is at capacity. Please try a different model.", "", "unreachable"),
        ("We’re currently experiencing high demand, …", "", "unreachable"),
        ("Connection failed: error sending request", "", "unreachable"),
        ("anything", "server_overloaded", "unreachable"),
        ("the model does not exist", "bad_request", "crashed"),
        ("", "", "crashed"),
    ],
)
def test_what_its_words_mean(message: str, name: str, outcome: str) -> None:
    assert outcome_of(message, name) == outcome


NOW = datetime(2026, 11, 21, 15, 0, 30, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("words", "local"),
    [
        ("try again at 3:17 PM.", "2026-11-21 15:18"),
        ("try again at 3:17\u202fPM.", "2026-11-21 15:18"),
        ("try again at 2:59 PM.", "2026-11-22 15:00"),
        ("or try again at Nov 26th, 2026 3:17 AM.", "2026-11-26 03:18"),
        ("try again at Dec 1st, 2026 12:00 AM.", "2026-12-01 00:01"),
    ],
)
def test_until_when_a_limit_lasts(words: str, local: str) -> None:
    expected = datetime.strptime(local, "%Y-%m-%d %H:%M").replace(tzinfo=NOW.tzinfo)
    assert retry_at(f"You’ve hit your usage limit. {words}", NOW) == expected.timestamp()


@pytest.mark.parametrize("words", ["try again later.", "try again at Foo 99th, 2026 3:17 PM.", ""])
def test_a_limit_without_a_time_has_none(words: str) -> None:
    assert retry_at(words, datetime.now(UTC)) is None


def test_a_large_sessions_file_is_read_a_part_at_a_time(
    tmp_path: Path, reader: CodexReader
) -> None:
    filler = record(type="message", text="x" * 100_000)
    rollout(tmp_path / "home").write_bytes(filler * 100 + usage(5))
    looks: list[float] = []
    events: list[Any] = []
    while not events:
        begun_s = time.perf_counter()
        events = reader.look()
        looks.append(time.perf_counter() - begun_s)
    assert len(looks) > 5
    assert min(looks) < 0.05
