"""Whole attempts of the real claude program, through the engine's own session."""

import time
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from engine.agents import session
from engine.agents.claude import UNCONFINED, Claude
from engine.agents.protocol import (
    AgentTask,
    Billed,
    Ended,
    FileChanged,
    Message,
    Reasoning,
    Spent,
    ToolFinished,
    ToolStarted,
    Trouble,
)
from engine.agents.result import Limits, SessionResult
from engine.core.parts import Tokens
from tests.agents import Stage, recorded
from tests.models import messages
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
    Think,
    Turn,
    UsageLimit,
    rate_limited,
    server_error,
    unauthorized,
)
from tests.models.server import ModelServer, refusing_url
from tests.models.usage import Prices, Usage

KEY = "sk-not-a-real-key"
TOKEN = "sk-ant-oat01-not-a-real-token"
MODEL = "claude-sonnet-4-5"
LIST_PRICES = Prices(fresh_usd=3, cached_usd=0.3, cache_written_usd=3.75, output_usd=15)
DONE = Turn((Answer("done"),))
FORM = {
    "type": "object",
    "properties": {"choice": {"type": "integer"}},
    "required": ["choice"],
    "additionalProperties": False,
}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    (stage.tree / "train.py").write_text("LR = 0.1\n")
    stage.git("init", "-q", "-b", "main")
    stage.git("add", "-A")
    stage.git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "base")
    stage.env |= {
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "CLAUDE_CODE_MAX_RETRIES": "1",
        "ANTHROPIC_API_KEY": KEY,
    }
    stage.secrets = ("ANTHROPIC_API_KEY",)
    return stage


def claude_task(stage: Stage, url: str, **more: Any) -> AgentTask:
    stage.env["ANTHROPIC_BASE_URL"] = url
    return stage.task(model=MODEL, effort="high", **more)


async def claude(
    stage: Stage, server: ModelServer, limits: Limits | None = None, **more: Any
) -> SessionResult:
    task = claude_task(stage, server.url, **more)
    result = await stage.run(Claude(), task, limits=limits or Limits(wall_s=60))
    assert isinstance(result, SessionResult)
    return result


def tokens(usage: Usage) -> Tokens:
    return Tokens(
        input=usage.input,
        cached_input=usage.cached,
        cache_write=usage.cache_written,
        output=usage.output,
        reasoning=usage.reasoning,
    )


def printed(server: ModelServer) -> str:
    """All that went to the model with its last call."""
    return server.ledger.calls[-1].body.decode()


@pytest.mark.anyio
async def test_claude_changes_the_tree_and_adds_up_to_the_ledger(stage: Stage) -> None:
    cost = Usage(fresh=13, cached=700, cache_written=5, output=90, reasoning=60)
    script = [
        Turn((Think("Lower the rate"), Read("train.py"))),
        Turn((Edit("train.py", "LR = 0.1", "LR = 0.05"), Create("notes.md", "one\n")), usage=cost),
        Turn((Say("Trying it."), Shell("python3 train.py && cat train.py; exit 3"))),
        Turn((Answer({"choice": 2}),)),
    ]
    schema = stage.root / "schema.json"
    schema.write_bytes(msgspec.json.encode(FORM))
    with messages.serve(script) as server:
        result = await claude(stage, server, answer_schema=schema, budget_usd=5)
    assert result.outcome == "answered", result.detail
    assert msgspec.json.decode(result.structured or "") == {"choice": 2}
    assert result.tokens == tokens(server.ledger.billed)
    assert result.cost_usd == pytest.approx(server.ledger.cost_usd(LIST_PRICES))
    assert result.model == MODEL
    assert (stage.tree / "train.py").read_text() == "LR = 0.05\n"
    spent = [event.tokens for event in stage.events if isinstance(event, Spent)]
    assert spent == [tokens(call.billed) for call in server.ledger.calls]
    kinds = {type(event) for event in stage.events}
    assert {Reasoning, Message, ToolStarted, ToolFinished, FileChanged, Billed, Ended} <= kinds
    changed = {(Path(e.path).name, e.kind) for e in stage.events if isinstance(e, FileChanged)}
    assert changed == {("train.py", "update"), ("notes.md", "add")}
    assert not [event for event in stage.events if event == Trouble(text=UNCONFINED)]
    assert "Make it faster." in server.ledger.calls[0].body.decode()
    assert recorded(result.transcript.parent) == stage.events


@pytest.mark.anyio
async def test_claude_tools_are_kept_in_and_what_was_denied_is_told(stage: Stage) -> None:
    home = stage.root / "home"
    home.mkdir()
    (home / ".credentials.json").write_text("sk-in-a-file")
    far = stage.root / "far"
    with messages.serve(lambda conversation: script[conversation.turns]) as server:
        port = server.url.rpartition(":")[2]
        look = (
            "env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; cat /proc/self/fd/9; true",
            f"cat {home}/.credentials.json && echo 'LEAK: 1'; cat $CLAUDE_CONFIG_DIR/* ; true",
            f"(echo GET / > /dev/tcp/127.0.0.1/{port}) && echo 'LEAK: 2'; true",
            f"touch {far} && echo 'LEAK: 3'; true",
            "touch inside && echo 'the end'",
        )
        asked = [look.replace("LEAK", "L''EAK") for look in look]
        script = [
            Turn(tuple(Shell(command) for command in asked)),
            Turn((Create(str(far), "x"), Create("new.txt", "x\n"))),
            DONE,
        ]
        result = await claude(stage, server)
    assert result.outcome == "answered", result.detail
    seen = printed(server)
    assert "the end" in seen
    for forbidden in (KEY, "sk-in-a-file", "LEAK:"):
        assert forbidden not in seen
    assert {call.headers["x-api-key"] for call in server.ledger.calls} == {KEY}
    assert (stage.tree / "inside").exists()
    assert (stage.tree / "new.txt").exists()
    assert not far.exists()
    denied = [event.text for event in stage.events if isinstance(event, Trouble)]
    assert any(text.startswith(f"denied: Write {far}") for text in denied)
    whole = b"".join(p.read_bytes() for p in result.transcript.parent.rglob("*") if p.is_file())
    assert KEY.encode() not in whole
    assert b"sk-in-a-file" not in whole


@pytest.mark.anyio
async def test_without_a_sandbox_claude_says_so(stage: Stage) -> None:
    tools = stage.root / "bin"
    tools.mkdir()
    for name in ("bash", "sh", "git", "env", "cat", "touch", "setpriv", "python3"):
        (tools / name).symlink_to(Path("/usr/bin", name))
    stage.env["PATH"] = str(tools)
    with messages.serve([Turn((Shell("touch ../far"),)), DONE]) as server:
        result = await claude(stage, server)
    assert result.outcome == "answered", result.detail
    assert (stage.root / "far").exists()
    assert Trouble(text=UNCONFINED) in stage.events


@pytest.mark.anyio
async def test_claude_with_a_plans_token(stage: Stage) -> None:
    del stage.env["ANTHROPIC_API_KEY"]
    stage.env["CLAUDE_CODE_OAUTH_TOKEN"] = TOKEN
    stage.secrets = ("CLAUDE_CODE_OAUTH_TOKEN",)
    resets_at_s = int(time.time()) + 3 * 3600
    with messages.serve([UsageLimit(resets_at_s=resets_at_s)]) as server:
        result = await claude(stage, server)
    assert (result.outcome, result.retry_at) == ("limited", float(resets_at_s))
    assert server.ledger.calls[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "outcome", "detail"),
    [
        (rate_limited(times=None), "unreachable", "429"),
        pytest.param(
            rate_limited(retry_after_s=3600), "unreachable", "429", marks=pytest.mark.long
        ),
        pytest.param(server_error(times=None), "unreachable", "500", marks=pytest.mark.long),
        pytest.param(
            Refusal(status=529, kind="overloaded_error", times=None),
            "unreachable",
            "529",
            marks=pytest.mark.long,
        ),
        (unauthorized(times=None), "login", "invalid API key"),
        (
            Refusal(
                status=400,
                kind="invalid_request_error",
                message="Your credit balance is too low to access the Anthropic API.",
                times=None,
            ),
            "limited",
            "Credit balance",
        ),
        (Refusal(status=400, message="no such thing", times=None), "crashed", "no such thing"),
        pytest.param(
            Refusal(status=404, kind="not_found_error", times=None),
            "crashed",
            "",
            marks=pytest.mark.long,
        ),
    ],
    ids=str,
)
async def test_claude_when_its_service_fails(
    stage: Stage, fault: Fault, outcome: str, detail: str
) -> None:
    with messages.serve([fault]) as server:
        result = await claude(stage, server)
    assert result.outcome == outcome, result.detail
    assert detail in result.detail
    assert result.duration_s < 40
    assert result.tokens == Tokens()
    assert result.cost_usd == 0


@pytest.mark.anyio
@pytest.mark.parametrize("fault", [Cut(), Garbage(line_bytes=1_000_000)], ids=str)
async def test_what_claude_outlives_is_counted(stage: Stage, fault: Fault) -> None:
    with messages.serve([fault, DONE]) as server:
        result = await claude(stage, server)
    assert result.outcome == "answered"
    billed = tokens(server.ledger.billed)
    assert result.tokens.input == billed.input
    # Claude guesses what it was sent of an answer that broke off.
    assert billed.output <= result.tokens.output <= billed.output + 20
    assert result.cost_usd is not None


@pytest.mark.anyio
async def test_claude_without_a_service_is_given_up(stage: Stage) -> None:
    with refusing_url() as url:
        result = await stage.run(Claude(), claude_task(stage, url))
    assert isinstance(result, SessionResult)
    assert result.outcome == "unreachable", result.detail


@pytest.mark.anyio
async def test_claude_without_a_login_says_so(stage: Stage) -> None:
    del stage.env["ANTHROPIC_API_KEY"]
    with messages.serve([]) as server:
        result = await claude(stage, server)
    assert (result.outcome, result.tokens) == ("login", Tokens())
    assert "login" in result.detail


@pytest.mark.anyio
async def test_claude_that_tries_for_ever_is_ended(stage: Stage) -> None:
    stage.env["CLAUDE_CODE_MAX_RETRIES"] = "100"
    with messages.serve([unauthorized(times=None)]) as server:
        result = await claude(stage, server, Limits(retrying_s=4, wall_s=60))
    assert result.outcome == "login"
    assert result.duration_s < 30


@pytest.mark.anyio
async def test_claude_that_hears_nothing_is_ended(stage: Stage) -> None:
    with messages.serve([Stall(in_stream=False, times=None)]) as server:
        result = await claude(stage, server, Limits(silent_s=4, wall_s=60))
    assert result.outcome == "timeout"
    assert result.duration_s < 30


@pytest.mark.anyio
async def test_claude_stops_within_one_call_of_its_ceiling(stage: Stage) -> None:
    turn = Turn((Shell("sleep 4; true"),), Usage(fresh=100, cached=0, output=0, reasoning=0))
    with messages.serve([turn] * 20) as server:
        result = await claude(stage, server, Limits(tokens=250, wall_s=60))
    assert result.outcome == "ceiling"
    assert result.tokens.total == 300
    assert len(server.ledger.calls) == 3


@pytest.mark.anyio
async def test_claude_keeps_its_own_budget(stage: Stage) -> None:
    turn = Turn((Shell("true"),), Usage(fresh=1000, cached=0, output=0, reasoning=0))
    with messages.serve([turn] * 3) as server:
        result = await claude(stage, server, budget_usd=0.005)
    assert result.outcome == "ceiling"
    assert result.cost_usd == pytest.approx(server.ledger.cost_usd(LIST_PRICES))
    assert result.tokens == tokens(server.ledger.billed)


@pytest.mark.anyio
async def test_claude_dies_with_its_tools_and_its_cost_is_kept(stage: Stage) -> None:
    lasting = Shell("setsid sleep 600 & echo here > started; sleep 600", wait_s=600)
    with messages.serve([Turn((lasting,), Usage(output=7))]) as server:
        task = claude_task(stage, server.url)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.run, Claude(), task)
            with anyio.fail_after(30):
                while not (stage.tree / "started").exists():
                    await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()
    assert stage.alive() == []
    assert session.recover(task.folder).tokens.output == 7
