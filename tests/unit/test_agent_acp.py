"""The ACP client, against an agent made with the protocol's own library, and against garbage."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.agents import asking
from engine.agents.acp import Acp
from engine.agents.acp_files import inside, read_file, write_file
from engine.agents.acp_permissions import outcome, question, verdict
from engine.agents.acp_updates import Updates, tokens_of
from engine.agents.acp_wire import PeerError
from engine.agents.protocol import (
    AgentMissingError,
    Answered,
    AnyAgentEvent,
    Asks,
    Began,
    FileChanged,
    Message,
    Reasoning,
    Spent,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    Trouble,
)
from engine.agents.result import Limits, SessionResult
from engine.core.parts import Tokens
from tests.agents import Stage
from tests.driving import wait_for

AGENT = str(Path(__file__).parents[1] / "acp_agent.py")
USAGE = {"totalTokens": 4680, "inputTokens": 3000, "outputTokens": 150,
         "cachedReadTokens": 1200, "cachedWriteTokens": 300, "thoughtTokens": 30}  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def played(stage: Stage, *steps: list[Any], **more: Any) -> SessionResult:
    """The result of an agent that plays these steps."""
    script = stage.root / "steps.json"
    script.write_text(json.dumps(steps))
    limits = more.pop("limits", Limits(wall_s=60))
    result = await stage.run(
        Acp([sys.executable, AGENT, str(script)]), stage.task(**more), limits=limits
    )
    assert isinstance(result, SessionResult), result
    return result


async def answering(stage: Stage, *lines: str) -> SessionResult:
    """The result of a program that prints these lines whatever it is told, and ends."""
    agent = stage.root / "odd.py"
    agent.write_text(f"import sys\nsys.stdin.readline()\nsys.stdout.write({chr(10).join(lines)!r})")
    result = await stage.run(Acp([sys.executable, str(agent)]))
    assert isinstance(result, SessionResult), result
    return result


def said(stage: Stage) -> str:
    return "".join(event.text for event in stage.events if isinstance(event, Message))


@pytest.mark.anyio
async def test_all_that_an_agent_does_is_told(stage: Stage) -> None:
    result = await played(
        stage,
        ["think", "The loop is short."],
        ["say", "PROMPT I look around."],
        ["tool", "make", "ok", "completed"],
        ["tool", "make check", "1 failed", "failed"],
        ["edit", "kernel.py", "CHUNK = 64\n"],
        ["edit", "new.py", "x = 1\n"],
        ["cost", 0.25, "USD"],
        ["cost", 0.75, "USD"],
        ["usage", USAGE],
        ["say", '{"choice": '],
        ["say", "2}"],
    )
    assert (result.outcome, result.detail) == ("answered", "")
    assert (result.answer, result.structured) == ('{"choice": 2}', '{"choice": 2}')
    assert result.cost_usd == pytest.approx(0.75)
    assert result.tokens == Tokens(
        input=4500, cached_input=1200, cache_write=300, output=180, reasoning=30
    )
    assert [event for event in stage.events if not isinstance(event, Spent | Answered)][:-1] == [
        Began(session="session-1", model="small"),
        Reasoning(text="The loop is short."),
        Message(text="Make it faster.\n I look around."),
        ToolStarted(id="call-make", tool="shell", text="make"),
        ToolOutput(id="call-make", text="ok"),
        ToolFinished(id="call-make", ok=True),
        ToolStarted(id="call-make check", tool="shell", text="make check"),
        ToolOutput(id="call-make check", text="1 failed"),
        ToolFinished(id="call-make check", ok=False),
        ToolStarted(id="edit-kernel.py", tool="edit", text="Edit"),
        ToolFinished(id="edit-kernel.py", ok=True),
        FileChanged(path="kernel.py", kind="update"),
        ToolStarted(id="edit-new.py", tool="edit", text="Edit"),
        ToolFinished(id="edit-new.py", ok=True),
        FileChanged(path="new.py", kind="add"),
        Message(text='{"choice": 2}'),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("steps", "end", "detail"),
    [
        ([["stop", "max_tokens"]], "ceiling", "it stopped: max_tokens"),
        ([["stop", "cancelled"]], "crashed", "it stopped: cancelled"),
        ([["stop", "refusal"]], "answered", ""),
        ([["version", 2]], "crashed", "it speaks version 2 of the protocol; 1 is needed"),
        ([["login"]], "login", "it offers: Log in with a browser"),
        ([["fail", -32603, "You've hit your usage limit."]], "limited", "usage limit"),
        ([["fail", -32603, "stream disconnected"]], "unreachable", "stream disconnected"),
        ([["fail", -32603, "a bug"]], "crashed", "a bug"),
        ([["die", 3]], "crashed", "it has closed the connection; it ended with exit status 3"),
        ([["child"], ["die", 0]], "crashed", "it has closed the connection"),
    ],
)
async def test_how_attempts_end(
    stage: Stage, steps: list[list[Any]], end: str, detail: str
) -> None:
    result = await played(stage, ["say", "here"], ["errors", "a warning"], *steps)
    assert result.outcome == end
    assert detail in result.detail
    if steps[0][0] not in ("version", "login"):
        assert said(stage) == "here"
        assert b"a warning" in stage.log.text


@pytest.mark.anyio
async def test_one_that_hangs_is_ended_and_what_it_said_is_kept(stage: Stage) -> None:
    begun_s = time.monotonic()
    result = await played(stage, ["say", "here"], ["child"], ["hang"], limits=Limits(wall_s=4))
    assert result.outcome == "timeout"
    assert time.monotonic() - begun_s < 30


@pytest.mark.anyio
async def test_files_are_read_and_written_in_the_tree_alone(stage: Stage) -> None:
    (stage.tree / ".git").mkdir()
    (stage.tree / "out").symlink_to(stage.root)
    secret = stage.root / "secret"
    secret.write_text("hunter2")
    await played(
        stage,
        ["read", str(stage.tree / "kernel.py")],
        ["write", str(stage.tree / "deep/new.py"), "x = 1\n"],
        ["write", str(stage.tree / "out/escaped"), "x"],
        ["write", str(stage.tree / ".git/config"), "x"],
        ["read", str(secret)],
        ["read", str(stage.tree / "absent")],
    )
    assert said(stage).startswith("[CHUNK = 128\n][written][not in the tree")
    assert said(stage).count("not in the tree") == 3
    assert "No such file" in said(stage)
    assert "hunter2" not in said(stage)
    assert (stage.tree / "deep/new.py").read_text() == "x = 1\n"
    assert not (stage.root / "escaped").exists()
    assert list((stage.tree / ".git").iterdir()) == []


@pytest.mark.anyio
@pytest.mark.parametrize("approved", [True, False])
async def test_a_person_is_asked(stage: Stage, *, approved: bool) -> None:
    folder = asking.folder_of(stage.task().folder)

    async def answer() -> None:
        while not any(isinstance(event, Asks) for event in stage.events):
            await anyio.sleep(0.01)
        asking.write_answer(folder, "p-1", approved=approved)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        await played(stage, ["permit", "git push"], options=("--wait", "50s"))
    (asks,) = [event for event in stage.events if isinstance(event, Asks)]
    assert asks == Asks(id="p-1", text="execute: Run it: git push", wait_s=50.0)
    assert said(stage) == ("[allow_once]" if approved else "[reject_once]")


@pytest.mark.anyio
@pytest.mark.parametrize(("policy", "chosen"), [("allow", "allow_once"), ("refuse", "reject_once")])
async def test_nobody_is_asked_where_the_campaign_has_decided(
    stage: Stage, policy: str, chosen: str
) -> None:
    await played(stage, ["permit", "git push"], options=("--permissions", policy))
    assert said(stage) == f"[{chosen}]"
    assert not any(isinstance(event, Asks) for event in stage.events)


@pytest.mark.anyio
async def test_the_model_is_chosen_from_what_is_offered(stage: Stage) -> None:
    result = await played(stage, ["say", "done"], model="large", effort="high")
    assert (result.outcome, result.model) == ("answered", "large")
    assert said(stage) == "m is large. done"
    assert any(isinstance(event, Trouble) and "'high'" in event.text for event in stage.events)
    result = await played(stage, model="huge")
    assert result.outcome == "crashed"
    assert "it does not offer model 'huge', but small, large" in result.detail


@pytest.mark.anyio
async def test_words_that_the_bridge_does_not_know_are_told(stage: Stage) -> None:
    result = await played(stage, options=("--permission", "allow"))
    assert result.outcome == "crashed"
    assert "--permission" in result.detail


def test_one_that_is_told_to_end_cancels_the_prompt(stage: Stage) -> None:
    script = stage.root / "steps.json"
    script.write_text(json.dumps([["usage", USAGE], ["say", "here"], ["until_cancelled"]]))
    launch = Acp([sys.executable, AGENT, str(script)]).launch(stage.task())
    bridge = subprocess.Popen(
        launch.argv, env=launch.env, cwd=stage.tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert bridge.stdin is not None
    bridge.stdin.close()
    wait_for(lambda: b"until_cancelled" in _read_some(bridge))
    bridge.terminate()
    assert bridge.stdout is not None
    rest = bridge.stdout.read().splitlines()
    assert bridge.wait() == 1
    assert b'"it stopped: cancelled"' in rest[-1]
    assert any(b'"spent"' in line and b"4500" in line for line in rest)


def _read_some(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_program_that_is_not_there_is_named(stage: Stage) -> None:
    with pytest.raises(AgentMissingError, match="'no-such-agent' on PATH"):
        Acp(["no-such-agent", "--acp"]).launch(stage.task())


@pytest.mark.anyio
@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["hello", "\x00\x01", "[1]", "3", "null", "{}", '{"id": 1}'],
        ['{"jsonrpc":"2.0","id":1,"result":null}'],
        ['{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"one"}}'],
        ['{"jsonrpc":"2.0","id":1,"error":"no"}'],
        ['{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":3,"data":[1]}}'],
        ['{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}', '{"id":2,"result":{}}'],
        ['{"method":"session/update","params":{"update":{"sessionUpdate":[]}}}'],
        ['{"method":"session/update"}', '{"method":3}', '{"method":"x","id":{}}'],
        ["[" * 100_000, '{"id": 1.5}', '{"id": true, "result": {}}'],
    ],
    ids=lambda lines: str(len(lines)) + (lines[0][:20] if lines else ""),
)
async def test_what_makes_no_sense_is_survived(stage: Stage, lines: list[str]) -> None:
    result = await answering(stage, *lines)
    assert result.outcome == "crashed"
    assert result.detail


def chunk(text: str, message: str = "", kind: str = "agent_message_chunk") -> dict[str, Any]:
    return {
        "sessionUpdate": kind,
        "content": {"type": "text", "text": text},
        "messageId": message,
    }


def test_pieces_of_text_are_put_together_and_shown_in_time() -> None:
    now_s = [0.0]
    updates = Updates(lambda: now_s[0])
    events: list[AnyAgentEvent] = []
    for piece in ("One ", "word\nand ", "ano"):
        events += updates.read(chunk(piece))
    assert events == []
    now_s[0] = 3.0
    assert updates.read(chunk("ther")) == [Message(text="One word\nand ")]
    assert updates.read(chunk("next", "2")) == [Message(text="another")]
    assert updates.flush() == [Message(text="next")]
    assert updates.answer == "next"


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({}, Tokens()),
        ({"inputTokens": -3, "outputTokens": "x", "totalTokens": True}, Tokens()),
        (
            {"totalTokens": 110, "inputTokens": 100, "outputTokens": 10, "cachedReadTokens": 60},
            Tokens(input=100, cached_input=60, output=10),
        ),
        (
            {"totalTokens": 170, "inputTokens": 100, "outputTokens": 10, "cachedReadTokens": 60},
            Tokens(input=160, cached_input=60, output=10),
        ),
        (
            {"totalTokens": 110, "inputTokens": 100, "outputTokens": 10, "thoughtTokens": 4},
            Tokens(input=100, output=10, reasoning=4),
        ),
        (
            {"totalTokens": 114, "inputTokens": 100, "outputTokens": 10, "thoughtTokens": 4},
            Tokens(input=100, output=14, reasoning=4),
        ),
    ],
)
def test_tokens_are_counted_once(usage: dict[str, Any], tokens: Tokens) -> None:
    assert tokens_of(usage) == tokens


def test_costs_are_told_as_increments_and_other_money_is_not_counted() -> None:
    updates = Updates()

    def cost(amount: object, currency: str = "USD") -> list[AnyAgentEvent]:
        told = {"amount": amount, "currency": currency}
        return updates.read({"sessionUpdate": "usage_update", "cost": told})

    assert cost(5, "EUR") == cost(-1) == cost(True) == cost("3") == cost(None) == []
    assert cost(0.5) == [Spent(tokens=Tokens(), cost_usd=0.5)]
    assert cost(0.5) == cost(0.2) == []
    assert cost(2) == [Spent(tokens=Tokens(), cost_usd=1.5)]
    assert updates.end(USAGE)[0] == Spent(tokens=tokens_of(USAGE), cost_usd=0.0)
    assert Updates().end(USAGE)[0] == Spent(tokens=tokens_of(USAGE), cost_usd=None)


@pytest.mark.parametrize(
    ("call", "decided"),
    [
        ({"kind": "edit", "locations": [{"path": "a.py"}]}, "allow"),
        ({"kind": "edit", "locations": [{"path": "a.py"}, {"path": "/etc/passwd"}]}, "ask"),
        ({"kind": "edit", "content": [{"type": "diff", "path": "../a.py"}]}, "ask"),
        ({"kind": "edit", "locations": [{"path": ".git/config"}]}, "ask"),
        ({"kind": "edit", "locations": [{"path": 3}]}, "ask"),
        ({"kind": "edit"}, "ask"),
        ({"kind": "think"}, "allow"),
        ({"kind": "execute", "locations": [{"path": "a.py"}]}, "ask"),
        ({}, "ask"),
    ],
)
def test_what_an_agent_may_do_by_itself(tmp_path: Path, call: dict[str, Any], decided: str) -> None:
    assert verdict("ask", tmp_path, {"toolCall": call}) == decided
    assert verdict("allow", tmp_path, {"toolCall": call}) == "allow"
    assert question({"toolCall": call})


def test_the_option_for_this_once_is_chosen() -> None:
    options = [{"optionId": kind, "kind": kind} for kind in ("allow_always", "reject_always")]
    chosen = {"outcome": {"outcome": "selected", "optionId": "allow_always"}}
    assert outcome({"options": options}, approved=True) == chosen
    assert outcome({}, approved=True) == {"outcome": {"outcome": "cancelled"}}


@pytest.mark.parametrize("name", ["", ".", "..", "/", "\0", "a/../..", "loop", ".git", "x" * 5000])
def test_odd_paths_are_not_in_the_tree(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert inside(tmp_path, name) is None or name == "x" * 5000
    with pytest.raises(PeerError):
        read_file(tmp_path, {"path": name})
    with pytest.raises(PeerError):
        write_file(tmp_path, {"path": name, "content": "x"})


def test_some_lines_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n2\n3\n")
    assert read_file(tmp_path, {"path": "a", "line": 2, "limit": 1}) == {"content": "2\n"}
    assert read_file(tmp_path, {"path": "a", "line": -2}) == {"content": "1\n2\n3\n"}
    assert read_file(tmp_path, {"path": "a", "line": 9}) == {"content": ""}
