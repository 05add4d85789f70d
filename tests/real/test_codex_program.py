"""The real codex program against a scripted service: what an adapter can rely on."""

import contextlib
import importlib.metadata
import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.executors import procfs
from tests.driving import wait_for
from tests.models import programs, responses
from tests.models.outside import Outside
from tests.models.programs import Ended, Place
from tests.models.script import (
    Answer,
    Create,
    Cut,
    Edit,
    Fault,
    Garbage,
    Read,
    Refusal,
    Say,
    Shell,
    Stall,
    StreamError,
    Think,
    Turn,
    UsageLimit,
    rate_limited,
    server_error,
    unauthorized,
)
from tests.models.server import ModelServer, refusing_url
from tests.models.usage import NOTHING, Usage

KEY = f"sk-{uuid.uuid4().hex}"
"""Of this process alone: tools look for it in all of the machine's environments."""
MODEL = "gpt-5.5"
DONE = Turn((Answer("done"),))
QUIET = (
    *("-c", "analytics.enabled=false"),
    *("-c", "check_for_update_on_startup=false"),
    *("-c", 'web_search="disabled"'),
    *("--disable", "plugins"),
)
"""Without these codex calls its makers' and other hosts."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A repository, and an isolated home with a key in the environment."""
    with Place(tmp_path, "CODEX_HOME") as place:
        place.env["ROOM_API_KEY"] = KEY
        yield place


def argv(place: Place, url: str, *more: str, quiet: Sequence[str] = QUIET) -> list[str]:
    """A whole command: the prompt on standard input, events as JSON, all else shut off.

    A login's file is denied to the tools. To deny the whole home breaks codex where it finds a
    bubblewrap of the system; to deny what does not exist leaves an empty file there.
    """
    provider = (
        f'{{name="room",base_url="{url}/v1",wire_api="responses",env_key="ROOM_API_KEY",'
        "request_max_retries=1,stream_max_retries=1,stream_idle_timeout_ms=1000}"
    )
    login = place.state / "auth.json"
    denied = f'"{login}"="deny"' if login.exists() else ""
    permissions = f'{{extends=":workspace",filesystem={{{denied}}}}}'
    return [
        *(str(programs.codex()), "exec", "--json", "--ignore-user-config", "--ignore-rules"),
        *("-C", str(place.repository), "-m", MODEL, "-c", 'model_reasoning_effort="high"'),
        *("-c", 'default_permissions="room"', "-c", f"permissions.room={permissions}"),
        *("-c", "shell_environment_policy.ignore_default_excludes=false"),
        *("-c", 'model_provider="room"', "-c", f"model_providers.room={provider}"),
        *("--disable", "unbounded_connection_retries", *quiet, *more, "-"),
    ]


def run(place: Place, server: ModelServer, *more: str, prompt: str = "Improve it.") -> Ended:
    """Codex at its end."""
    return place.run(argv(place, server.url, *more), prompt)


def rollout(place: Place) -> list[dict[str, Any]]:
    """The lines of the session's file that are there until now."""
    (file,) = place.state.glob("sessions/*/*/*/rollout-*.jsonl") or (None,)
    if file is None:
        return []
    whole, _, _rest = file.read_bytes().rpartition(b"\n")
    return [msgspec.json.decode(line) for line in whole.splitlines() if line]


def called(place: Place) -> list[dict[str, Any]]:
    """The cost of each model call, as the session's file tells it."""
    lines = rollout(place)
    return [line["payload"]["usage"] for line in lines if line["type"] == "token_usage_record"]


def told(usage: Usage) -> dict[str, int]:
    """A cost in codex's words."""
    return {
        "input_tokens": usage.input,
        "cached_input_tokens": usage.cached,
        "cache_write_input_tokens": usage.cache_written,
        "output_tokens": usage.output,
        "reasoning_output_tokens": usage.reasoning,
    }


def items(ended: Ended, kind: str) -> list[dict[str, Any]]:
    """The completed items of a type."""
    done = [event["item"] for event in ended.of("item.completed")]
    return [item for item in done if item["type"] == kind]


def test_it_is_the_pinned_program() -> None:
    line = subprocess.check_output([programs.codex(), "--version"], text=True)
    pinned = importlib.metadata.version("openai-codex-cli-bin")
    assert line.strip() == f"codex-cli {pinned}"


def test_it_edits_a_repository_and_its_usage_is_the_ledgers(place: Place) -> None:
    cost = Usage(fresh=13, cached=700, cache_written=5, output=90, reasoning=60)
    answer = {"summary": "lower", "ok": True}
    script = [
        Turn((Think("**Lower** the rate"), Read("train.py"))),
        Turn((Edit("train.py", "LR = 0.1", "LR = 0.05"), Create("notes.md", "one\n")), usage=cost),
        Turn((Say("Trying it."), Shell("python3 train.py && cat train.py"))),
        Turn((Answer(answer),)),
    ]
    form = {
        "type": "object",
        "properties": {"summary": {"type": "string"}, "ok": {"type": "boolean"}},
        "required": ["summary", "ok"],
        "additionalProperties": False,
    }
    schema, last = place.home / "schema.json", place.home / "last.txt"
    schema.write_bytes(msgspec.json.encode(form))
    with responses.serve(script) as server:
        more = ("--output-schema", str(schema), "-o", str(last))
        ended = run(place, server, *more, prompt="Lower the rate, žluťoučký kůň.")
    assert ended.status == 0, ended.stderr
    assert place.changes() == ["-LR = 0.1", "+LR = 0.05", "notes.md"]
    assert msgspec.json.decode(last.read_bytes()) == answer
    assert msgspec.json.decode(items(ended, "agent_message")[-1]["text"]) == answer
    assert [item["status"] for item in items(ended, "file_change")] == ["completed", "completed"]
    commands = items(ended, "command_execution")
    assert [item["exit_code"] for item in commands] == [0, 0]
    assert commands[1]["aggregated_output"] == "LR = 0.05\n"

    calls = server.ledger.calls
    assert ended.only("turn.completed")["usage"] == told(server.ledger.billed)
    assert [
        {**told(call.billed), "total_tokens": call.billed.input + call.billed.output}
        for call in calls
    ] == called(place)
    first = msgspec.json.decode(calls[0].body)
    assert (first["model"], first["reasoning"]["effort"]) == (MODEL, "high")
    assert first["text"]["format"]["schema"] == form
    assert "žluťoučký kůň" in calls[0].body.decode()
    assert {call.headers["authorization"] for call in calls} == {f"Bearer {KEY}"}


def test_a_users_configuration_is_not_read(place: Place) -> None:
    (place.state / "config.toml").write_text('model = "mine"\nsandbox_mode = "read-only"\n')
    with responses.serve([Turn((Create("new.txt", "x\n"),)), DONE]) as server:
        assert run(place, server).status == 0
    assert msgspec.json.decode(server.ledger.calls[0].body)["model"] == MODEL
    assert place.changes() == ["new.txt"]


def test_tools_see_no_key_and_reach_neither_the_login_nor_the_network(place: Place) -> None:
    (place.state / "auth.json").write_text('{"OPENAI_API_KEY": "sk-in-a-file"}')
    far = Path("/var/tmp", place.repository.parent.name)
    with responses.serve(lambda conversation: script[conversation.turns]) as server:
        port = server.url.rpartition(":")[2]
        look = (
            "env; cat /proc/*/environ | tr '\\0' '\\n'",
            f"cat {place.state}/auth.json && echo 'LEAK: read'",
            f"(echo GET / > /dev/tcp/127.0.0.1/{port}) && echo 'LEAK: connect'",
            f"touch .git/x && echo 'LEAK: touch .git'; touch {far} && echo 'LEAK: touch'",
            "git -c user.name=t -c user.email=t@example.org commit --allow-empty -m x"
            " && echo 'LEAK: commit'",
            "touch inside && echo 'the end'",
        )
        script = [Turn(tuple(Shell(f"{command}; true") for command in look)), DONE]
        ended = run(place, server)
    assert ended.status == 0, ended.stderr
    printed = outputs(server)
    assert printed.count("the end") == 1
    assert f"CODEX_HOME={place.state}" in printed
    for forbidden in (KEY, "sk-in-a-file", "LEAK:"):
        assert forbidden not in printed
    assert place.changes() == ["inside"]


def outputs(server: ModelServer) -> str:
    """What the tools printed, as the model saw it."""
    body = msgspec.json.decode(server.ledger.calls[-1].body)
    return "\n".join(str(i["output"]) for i in body["input"] if i["type"].endswith("call_output"))


def test_the_cost_of_each_call_is_in_the_sessions_file_while_it_runs(place: Place) -> None:
    wait = Shell("until [ -e go ]; do sleep 0.02; done")
    costs = [Usage(output=7), Usage(output=8), Usage(output=9)]
    script = [Turn((wait,), costs[0]), Turn((Shell("true"),), costs[1]), Turn((wait,), costs[2])]
    with responses.serve([*script, DONE]) as server:
        running = place.start(argv(place, server.url), "x")
        began = wait_for(lambda: [e for e in running.events() if e["type"] == "item.started"])
        assert [call["output_tokens"] for call in wait_for(lambda: called(place))] == [7]
        assert began[0]["item"]["status"] == "in_progress"
        (place.repository / "go").touch()
        ended = running.end()
    assert ended.status == 0, ended.stderr
    assert [call["output_tokens"] for call in called(place)] == [7, 8, 9, 50]
    thread = ended.only("thread.started")["thread_id"]
    assert [line["payload"]["id"] for line in rollout(place) if line["type"] == "session_meta"] == [
        thread
    ]
    assert list(place.state.glob(f"sessions/*/*/*/rollout-*-{thread}.jsonl"))


def test_every_command_is_in_the_sessions_file_with_its_output(place: Place) -> None:
    # The stream leaves out some commands that look denied, now and then: it is a race in there.
    denied, failed = "touch .git/denied", "echo 'Operation not permitted' >&2; exit 3"
    with responses.serve([Turn((Shell(denied), Shell(failed))), DONE]) as server:
        assert run(place, server).status == 0
    asked = [line["payload"] for line in rollout(place) if line["type"] == "response_item"]
    calls = [item for item in asked if item["type"] == "function_call"]
    printed = {i["call_id"]: i["output"] for i in asked if i["type"] == "function_call_output"}
    assert [msgspec.json.decode(call["arguments"])["cmd"] for call in calls] == [denied, failed]
    first, second = (printed[call["call_id"]] for call in calls)
    assert "Process exited with code 1\n" in first
    assert "Read-only file system" in first
    assert "Process exited with code 3\n" in second


@pytest.mark.parametrize(
    ("fault", "message", "calls"),
    [
        (rate_limited(times=None), "exceeded retry limit, last status: 429", 1),
        (server_error(times=None), "high demand", 4),
        (unauthorized(times=None), "401 Unauthorized: invalid API key", 2),
        (Refusal(status=400, message="no such thing", times=None), "no such thing", 1),
        (Refusal(status=429, kind="insufficient_quota", times=None), "Quota exceeded", 1),
        (Cut(times=None), "stream closed before response.completed", 2),
        (Garbage(times=None), "stream closed before response.completed", 2),
        (Garbage(line_bytes=1_000_000, times=None), "stream closed before", 2),
        (Stall(in_stream=True, times=None), "idle timeout waiting for SSE", 2),
        (StreamError(kind="insufficient_quota", message="", times=None), "Quota exceeded", 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Fault) else "",
)
def test_a_fault_ends_the_turn_with_a_message(
    place: Place, fault: Fault, message: str, calls: int
) -> None:
    with responses.serve([fault]) as server:
        ended = run(place, server)
    assert ended.status == 1
    assert message in ended.only("turn.failed")["error"]["message"]
    assert len(server.ledger.calls) == calls
    assert called(place) == []
    assert server.ledger.told == NOTHING


@pytest.mark.parametrize("fault", [rate_limited(retry_after_s=1), Cut(), Garbage()])
def test_a_fault_that_passes_is_outlived(place: Place, fault: Fault) -> None:
    with responses.serve([fault, DONE]) as server:
        ended = run(place, server)
    assert ended.status == 0, ended.events
    assert "Reconnecting... 1/1" in ended.only("error")["message"]
    assert ended.only("turn.completed")["usage"] == told(server.ledger.told)


@pytest.mark.parametrize(("in_s", "form"), [(2 * 60, "%-I:%M %p"), (90_000, "%b %-d")])
def test_a_used_up_plan_says_when_it_is_back(place: Place, in_s: int, form: str) -> None:
    resets_at_s = int(time.time()) + in_s
    with responses.serve([UsageLimit(resets_at_s=resets_at_s)]) as server:
        ended = run(place, server)
    text = ended.only("turn.failed")["error"]["message"]
    moment = time.gmtime(resets_at_s)
    assert "hit your usage limit" in text
    assert f"try again at {time.strftime(form, moment)}" in " ".join(text.split())
    limits = [
        line["payload"]["rate_limits"]["primary"]["resets_at"]
        for line in rollout(place)
        if line["payload"].get("type") == "token_count"
    ]
    assert limits == [resets_at_s], "the exact moment is in the session's file"
    assert rollout(place)[-1]["payload"]["error"]["codex_error_info"] == "usage_limit_exceeded"


def test_a_used_up_plan_may_not_say_when(place: Place) -> None:
    with responses.serve([UsageLimit()]) as server:
        ended = run(place, server)
    assert ended.only("turn.failed")["error"]["message"].endswith("again later.")


def test_a_refused_connection_is_given_up(place: Place) -> None:
    with refusing_url() as url:
        ended = place.run(argv(place, url), "x")
    assert ended.status == 1
    assert "Connection failed" in ended.only("turn.failed")["error"]["message"]


def test_silence_before_an_answer_has_no_end_but_sigterm(place: Place) -> None:
    with responses.serve([Stall(in_stream=False)]) as server:
        running = place.start(argv(place, server.url), "x")
        server.ledger.wait_for(1)
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(3)
        ended = running.terminate()
    assert ended.status == -15
    assert [event["type"] for event in ended.events] == ["thread.started", "turn.started"]


def test_what_is_left_after_sigterm_can_be_found_and_the_cost_is_kept(place: Place) -> None:
    # Mostly nothing is left; on a busy machine a sandbox outlives codex now and then.
    seconds = str(300 + os.getpid() / 2**22)
    lasting = Shell(f"setsid sleep {seconds} & sleep {seconds}")
    with responses.serve([Turn((lasting,), Usage(output=7))]) as server:
        running = place.start(argv(place, server.url), "x")
        wait_for(lambda: len(sleeping(seconds)) == 2)
        wait_for(lambda: called(place))
        ended = running.terminate()
    assert ended.status == -15
    assert not ended.of("turn.failed")
    assert [call["output_tokens"] for call in called(place)] == [7]
    wait_for(lambda: sleeping(seconds) <= {process.pid for process in place.left()})


def sleeping(seconds: str) -> set[int]:
    """The processes that sleep for just so long."""
    words = f"sleep\0{seconds}\0".encode()
    found: set[int] = set()
    for process in procfs.everything():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{process.pid}/cmdline").read_bytes() == words:
                found.add(process.pid)
    return found


def test_it_calls_nobody_but_the_model(place: Place) -> None:
    with Outside() as outside, responses.serve([Turn((Shell("sleep 0.5"),)), DONE] * 2) as server:
        place.env |= outside.env
        assert run(place, server).status == 0
        assert outside.asked == ()
        assert place.run(argv(place, server.url, quiet=()), "x").status == 0
        assert any("chatgpt.com" in line for line in outside.asked), "the proxy sees its calls"


def test_a_login_is_looked_up_without_a_call(place: Place) -> None:
    def status() -> tuple[int, str]:
        command = [programs.codex(), "login", "status"]
        done = subprocess.run(command, env=place.env, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    with Outside() as outside:
        place.env |= outside.env | {"CODEX_API_KEY": KEY}
        assert status() == (1, "Not logged in\n"), "a key in the environment is no login"
        login = [programs.codex(), "login", "--with-api-key"]
        subprocess.run(login, env=place.env, input=KEY, text=True, check=True, capture_output=True)
        code, text = status()
    assert (code, text.startswith("Logged in using an API key")) == (0, True)
    assert KEY not in text
    assert outside.asked == ()
    assert (place.state / "auth.json").stat().st_mode & 0o077 == 0


def test_lines_may_be_a_megabyte_long(place: Place) -> None:
    many = 1_000_000
    loud = Shell(f"head -c {many} /dev/zero | tr '\\0' y")
    with responses.serve([Turn((Say("x" * many), loud)), DONE]) as server:
        ended = run(place, server, prompt="p" * 300_000)
    assert ended.status == 0, ended.stderr
    assert items(ended, "agent_message")[0]["text"] == "x" * many
    assert items(ended, "command_execution")[0]["aggregated_output"] == "y" * many
