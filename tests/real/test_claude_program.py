"""The real claude program against a scripted service: what an adapter can rely on."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import Any

import pytest

from tests.driving import wait_for
from tests.models import messages, programs
from tests.models.claude_command import (
    DONE,
    KEY,
    LIST_PRICES,
    MODEL,
    argv,
    claude_place,
    deltas,
    printed,
    run,
    summed,
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
from tests.models.usage import NOTHING, Outcome, Usage

pytestmark = pytest.mark.long
"""The programs are pinned: what they do changes with the pins; campaigns use them in CI."""

SANDBOX = {
    "sandbox": {
        "enabled": True,
        "autoAllowBashIfSandboxed": True,
        "allowUnsandboxedCommands": False,
        "failIfUnavailable": True,
    }
}
WITH_KEY_FROM_FILE = """\
exec 9<<END
$(cat "$1")
END
rm -f "$1"
shift
CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR=9 exec "$@"
"""
"""A program started with the content of a file on a pipe; the file is gone before it runs."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A repository, and an isolated home."""
    with claude_place(tmp_path) as place:
        yield place


def test_it_is_the_program_of_the_package() -> None:
    line = subprocess.check_output([programs.claude(), "--version"], text=True)
    said = (programs.claude().parent / "claude.version").read_text()
    assert line.strip() == f"{line.split()[0]} (Claude Code)"
    assert line.split()[0] in said


def test_it_edits_a_repository_and_its_usage_is_the_ledgers(place: Place) -> None:
    cost = Usage(fresh=13, cached=700, cache_written=5, output=90, reasoning=60)
    answer = {"summary": "lower", "ok": True}
    script = [
        Turn((Think("Lower the rate"), Read("train.py"))),
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
    with messages.serve(script) as server:
        asked = ("--json-schema", json.dumps(form), "--max-budget-usd", "5", "--effort", "high")
        ended = run(place, server, *asked, prompt="Lower the rate, žluťoučký kůň.")
    assert ended.status == 0, ended.stderr
    assert place.changes() == ["-LR = 0.1", "+LR = 0.05", "notes.md"]
    assert "LR = 0.05" in printed(ended)
    result = ended.only("result")
    assert (result["subtype"], result["is_error"], result["num_turns"]) == ("success", False, 6)
    assert result["structured_output"] == answer == json.loads(result["result"])

    calls = server.ledger.calls
    assert [
        told(call.billed).items() <= delta.items()
        for call, delta in zip(calls, deltas(ended.events), strict=True)
    ] == [True] * 4
    assert told(server.ledger.billed).items() <= result["usage"].items()
    assert summed(ended) == told(server.ledger.billed)
    a_token_usd = LIST_PRICES.output_usd / 1e6  # a call that was cut may have begun to answer
    assert isclose(
        result["total_cost_usd"], server.ledger.cost_usd(LIST_PRICES), abs_tol=1.01 * a_token_usd
    )
    first = json.loads(calls[0].body)
    assert first["model"] == MODEL
    assert "žluťoučký kůň" in json.dumps(first["messages"], ensure_ascii=False)
    assert {call.headers["x-api-key"] for call in calls} == {KEY}


def test_the_cost_of_each_call_is_in_the_stream_while_it_runs(place: Place) -> None:
    wait = Shell("until [ -e go ]; do sleep 0.02; done")
    script = [Turn((wait,), Usage(output=7)), Turn((Shell("true"),), Usage(output=8)), DONE]
    with messages.serve(script) as server:
        place.env["ANTHROPIC_BASE_URL"] = server.url
        running = place.start(argv(), "x")
        first = wait_for(lambda: deltas(running.events()))
        assert [delta["output_tokens"] for delta in first] == [7]
        (place.repository / "go").touch()
        ended = running.end()
    assert [delta["output_tokens"] for delta in deltas(ended.events)] == [7, 8, 50]


LOOK = Shell(
    "{ env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; timeout 1 cat /proc/$PPID/fd/9; }"
    " | grep -aE 'sk-|CLAUDE_CONFIG_DIR'; echo 'the end'"
)


def test_a_key_on_a_descriptor_reaches_no_tool_and_no_file(place: Place) -> None:
    del place.env["ANTHROPIC_API_KEY"]
    held = place.home / "key"
    held.write_text(KEY)
    with messages.serve([Turn((LOOK,)), DONE]) as server:
        place.env["ANTHROPIC_BASE_URL"] = server.url
        shell = ["/bin/sh", "-c", WITH_KEY_FROM_FILE, "sh", str(held)]
        ended = place.run([*shell, *argv()], "x")
    assert ended.status == 0, ended.events
    assert {call.headers["x-api-key"] for call in server.ledger.calls} == {KEY}
    assert "the end" in printed(ended), printed(ended)
    assert KEY not in printed(ended)
    left = [file for file in place.home.rglob("*") if file.is_file()]
    assert held not in left
    assert not [file for file in left if KEY.encode() in file.read_bytes()]


def test_a_key_from_a_helper_reaches_no_environment(place: Place) -> None:
    del place.env["ANTHROPIC_API_KEY"]
    (place.home / "key").write_text(KEY)
    helper = {"apiKeyHelper": f"cat {place.home}/key"}
    with messages.serve([Turn((LOOK,)), DONE]) as server:
        ended = run(place, server, "--settings", json.dumps(helper))
    assert {call.headers["x-api-key"] for call in server.ledger.calls} == {KEY}
    assert "the end" in printed(ended), printed(ended)
    assert KEY not in printed(ended)


def test_a_key_in_the_environment_does_reach_the_tools(place: Place) -> None:
    with messages.serve([Turn((LOOK,)), DONE]) as server:
        assert KEY in printed(run(place, server)), "else the two tests before show nothing"


def test_it_is_kept_in_the_workspace_without_asking(place: Place) -> None:
    far = Path("/var/tmp", place.repository.parent.name)
    with messages.serve(lambda conversation: script[conversation.turns]) as server:
        port = server.url.rpartition(":")[2]
        look = (
            f"touch {far} && echo 'LEAK: far'; touch ../near && echo 'LEAK: near'",
            f"(echo GET / > /dev/tcp/127.0.0.1/{port}) && echo 'LEAK: connected'",
            f"echo {'x' * 20} > inside && echo 'the end'",
        )
        outside = (
            str(far),
            str(place.home / "x"),
            ".git/hooks/pre-commit",
            ".claude/settings.json",
        )
        script = [
            Turn(tuple(Shell(command) for command in look)),
            Turn(tuple(Create(path, "x") for path in outside)),
            Turn((Create("new.txt", "x\n"), Read("/etc/hostname"))),
            DONE,
        ]
        ended = run(place, server, "--settings", json.dumps(SANDBOX))
    assert ended.status == 0, ended.stderr
    assert "the end" in printed(ended), printed(ended)
    assert "LEAK" not in printed(ended)
    denied = [denial["tool_name"] for denial in ended.only("result")["permission_denials"]]
    assert denied == ["Write"] * len(outside) + ["Read"]
    assert place.changes() == ["inside", "new.txt"]
    assert not far.exists()


def test_without_the_sandbox_a_shell_goes_everywhere(place: Place) -> None:
    with messages.serve([Turn((Shell("touch ../near && echo 'went out'"),)), DONE]) as server:
        assert "went out" in printed(run(place, server)), "else the test before shows nothing"


def test_a_tool_that_is_not_allowed_is_denied_and_told(place: Place) -> None:
    with messages.serve([Turn((Shell('python3 -c \'open("x", "w")\''),)), DONE]) as server:
        place.env["ANTHROPIC_BASE_URL"] = server.url
        ended = place.run(argv(tools="Read"), "x")
    assert ended.status == 0
    assert [d["tool_name"] for d in ended.only("result")["permission_denials"]] == ["Bash"]
    assert place.changes() == []


def test_settings_and_hooks_of_user_and_repository_are_not_read(place: Place) -> None:
    hook = {"type": "command", "command": "touch hooked"}
    settings = {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]}}
    mine = place.repository / ".claude"
    mine.mkdir()
    for folder in (mine, place.state):
        (folder / "settings.json").write_text(json.dumps(settings))
    (place.repository / "CLAUDE.md").write_text("a line of CLAUDE.md")
    with messages.serve([Turn((Shell("true"),)), DONE]) as server:
        assert run(place, server).status == 0
    assert not (place.repository / "hooked").exists()
    assert b"a line of CLAUDE.md" not in server.ledger.calls[0].body


@pytest.mark.parametrize("sandboxed", ["", "1"])
def test_bypassing_permissions_as_root_needs_a_word(place: Place, sandboxed: str) -> None:
    refused = os.geteuid() == 0 and not sandboxed
    script = [] if refused else [Turn((Shell("touch x"),)), DONE]
    with messages.serve(script) as server:
        place.env |= {"ANTHROPIC_BASE_URL": server.url, "IS_SANDBOX": sandboxed}
        ended = place.run(argv(mode="bypassPermissions"), "x")
    assert ended.status == (1 if refused else 0)
    assert ("root" in ended.stderr) is refused


def test_a_budget_ends_the_run_after_the_call_that_exceeds_it(place: Place) -> None:
    turn = Turn((Shell("true"),), Usage(fresh=1000, cached=0, output=0, reasoning=0))
    with messages.serve([turn] * 3) as server:
        ended = run(place, server, "--max-budget-usd", "0.005")
    result = ended.only("result")
    assert (ended.status, result["subtype"]) == (1, "error_max_budget_usd")
    assert len(server.ledger.calls) == 2
    assert isclose(result["total_cost_usd"], server.ledger.cost_usd(LIST_PRICES))
    assert summed(ended) == told(server.ledger.billed)
    assert result["usage"]["input_tokens"] == 1000, "this account is one call behind"


def lasting(place: Place, server: ModelServer) -> programs.Running:
    """Claude while a tool of it runs, whose child left its session."""
    place.env["ANTHROPIC_BASE_URL"] = server.url
    running = place.start(argv(), "x")
    wait_for(lambda: sleeping(place) == 2)
    return running


def sleeping(place: Place) -> int:
    """How many `sleep 300` of the place run."""
    words = [Path(f"/proc/{process.pid}/cmdline") for process in place.left()]
    return [file.read_bytes() for file in words if file.exists()].count(b"sleep\x00300\x00")


LASTING = [Turn((Shell("setsid sleep 300 & sleep 300", wait_s=600),), Usage(output=7))]


def test_sigterm_takes_the_tools_along_and_gives_no_result(place: Place) -> None:
    with messages.serve(LASTING) as server:
        ended = lasting(place, server).terminate()
    assert ended.status == 143
    assert not ended.of("result")
    assert [delta["output_tokens"] for delta in deltas(ended.events)] == [7]
    wait_for(lambda: not place.left())


def test_sigint_takes_the_tools_along_and_gives_a_result(place: Place) -> None:
    with messages.serve(LASTING) as server:
        running = lasting(place, server)
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
    assert ended.status == 0, "the exit status says nothing here"
    assert ended.only("result")["subtype"] == "error_during_execution"
    assert summed(ended) == told(server.ledger.billed)
    wait_for(lambda: not place.left())


def test_it_calls_nobody_but_the_model(place: Place) -> None:
    with (
        Outside() as outside,
        messages.serve([Turn((Shell("sleep 0.5; true"),)), DONE] * 2) as server,
    ):
        place.env |= outside.env
        assert run(place, server).status == 0
        assert outside.asked == ()
        del place.env["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"]
        assert run(place, server).status == 0
        assert any("api.anthropic.com" in line for line in outside.asked), "it heeds the proxy"
    assert not server.ledger.of(Outcome.OTHER)


def test_a_login_is_looked_up_without_a_call(place: Place) -> None:
    def status() -> tuple[int, dict[str, Any]]:
        command = [programs.claude(), "auth", "status"]
        done = subprocess.run(command, env=place.env, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    with Outside() as outside, messages.serve([]) as server:
        place.env |= outside.env | {"ANTHROPIC_BASE_URL": server.url}
        code, said = status()
        assert (code, said["loggedIn"], said["authMethod"]) == (0, True, "api_key")
        del place.env["ANTHROPIC_API_KEY"]
        code, said = status()
        assert (code, said["loggedIn"], said["authMethod"]) == (1, False, "none")
        ended = run(place, server)
    assert (ended.status, ended.only("assistant")["error"]) == (1, "authentication_failed")
    assert outside.asked == ()
    assert server.ledger.requests == ()
    assert server.ledger.billed == NOTHING


def test_lines_may_be_a_megabyte_long(place: Place) -> None:
    many = 1_000_000
    loud = Shell(f"head -c {many} /dev/zero | tr '\\0' y")
    with messages.serve([Turn((Say("x" * many), loud)), DONE]) as server:
        ended = run(place, server, prompt="p" * 300_000)
    assert ended.status == 0, ended.stderr
    assert ended.of("assistant")[0]["message"]["content"][0]["text"] == "x" * many
