"""The real codex program against a scripted service: what an adapter can rely on."""

import contextlib
import importlib.metadata
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.executors import procfs
from tests.driving import wait_for
from tests.models import programs, responses
from tests.models.codex_command import (
    DONE,
    KEY,
    MODEL,
    argv,
    called,
    codex_place,
    items,
    rollout,
    run,
    told,
)
from tests.models.outside import Outside
from tests.models.programs import Place
from tests.models.script import (
    Answer,
    Create,
    Edit,
    Read,
    Say,
    Shell,
    Think,
    Turn,
)
from tests.models.server import ModelServer
from tests.models.usage import Usage

pytestmark = pytest.mark.long
"""The programs are pinned: what they do changes with the pins; campaigns use them in CI."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A repository, and an isolated home."""
    with codex_place(tmp_path) as place:
        yield place


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
    output = items(ended, "command_execution")[0]["aggregated_output"]
    assert (len(output), set(output)) == (many, {"y"}), repr(output[:300])
