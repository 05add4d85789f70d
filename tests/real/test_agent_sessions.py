"""Whole attempts of the real codex and claude programs, through the engine's own session."""

import time
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from engine.agents import session
from engine.agents.codex import Codex
from engine.agents.protocol import (
    AgentTask,
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
from tests.models import responses
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
from tests.models.usage import Usage

KEY = "sk-not-a-real-key"
DONE = Turn((Answer("done"),))
FORM = {
    "type": "object",
    "properties": {"choice": {"type": "integer"}},
    "required": ["choice"],
    "additionalProperties": False,
}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A tree that is a repository, in a place where codex puts up its sandbox as it does in use."""
    stage = Stage(tmp_path)
    (stage.tree / "train.py").write_text("LR = 0.1\n")
    stage.git("init", "-q", "-b", "main")
    stage.git("add", "-A")
    stage.git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "base")
    stage.env |= {"LANG": "C.UTF-8", "TZ": "UTC", "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    stage.env["CODEX_API_KEY"] = KEY
    stage.secrets = ("CODEX_API_KEY",)
    return stage


def codex_task(stage: Stage, url: str, **more: Any) -> AgentTask:
    provider = (
        f'{{name="room",base_url="{url}/v1",wire_api="responses",env_key="CODEX_API_KEY",'
        "request_max_retries=1,stream_max_retries=1,stream_idle_timeout_ms=1000}"
    )
    options = ("-c", 'model_provider="room"', "-c", f"model_providers.room={provider}")
    return stage.task(options=options, model="gpt-5.5", effort="high", **more)


async def codex(
    stage: Stage, server: ModelServer, limits: Limits | None = None, **more: Any
) -> SessionResult:
    task = codex_task(stage, server.url, **more)
    result = await stage.run(Codex(), task, limits=limits or Limits(wall_s=60))
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


@pytest.mark.anyio
async def test_codex_changes_the_tree_and_adds_up_to_the_ledger(stage: Stage) -> None:
    cost = Usage(fresh=13, cached=700, cache_written=5, output=90, reasoning=60)
    script = [
        Turn((Think("**Lower** the rate"), Read("train.py"))),
        Turn((Edit("train.py", "LR = 0.1", "LR = 0.05"), Create("notes.md", "one\n")), usage=cost),
        Turn((Say("Trying it."), Shell("python3 train.py && cat train.py; exit 3"))),
        Turn((Answer({"choice": 2}),)),
    ]
    schema = stage.root / "schema.json"
    schema.write_bytes(msgspec.json.encode(FORM))
    with responses.serve(script) as server:
        result = await codex(stage, server, answer_schema=schema)
    assert result.outcome == "answered", result.detail
    assert result.structured == '{"choice":2}' or msgspec.json.decode(result.structured or "") == {
        "choice": 2
    }
    assert result.tokens == tokens(server.ledger.billed)
    assert result.model == "gpt-5.5"
    assert (stage.tree / "train.py").read_text() == "LR = 0.05\n"
    spent = [event.tokens for event in stage.events if isinstance(event, Spent)]
    assert spent == [tokens(call.billed) for call in server.ledger.calls]
    kinds = {type(event) for event in stage.events}
    assert {Reasoning, Message, ToolStarted, ToolFinished, FileChanged, Ended} <= kinds
    failed = [e for e in stage.events if isinstance(e, ToolFinished) and not e.ok]
    assert [(event.exit_code, event.text) for event in failed] == [(3, "LR = 0.05\n")]
    first = msgspec.json.decode(server.ledger.calls[0].body)
    assert "Make it faster." in server.ledger.calls[0].body.decode()
    assert first["reasoning"]["effort"] == "high"
    assert first["text"]["format"]["schema"] == FORM
    assert recorded(result.transcript.parent) == stage.events
    left = sorted(path.name for path in (result.transcript.parent / "home").iterdir())
    assert left == ["sessions"]


@pytest.mark.anyio
async def test_codex_tools_are_kept_in_and_what_was_denied_is_told(stage: Stage) -> None:
    home = stage.root / "home"
    home.mkdir()
    (home / "auth.json").write_text('{"OPENAI_API_KEY": "sk-in-a-file"}')
    with responses.serve(lambda conversation: script[conversation.turns]) as server:
        port = server.url.rpartition(":")[2]
        look = (
            "env; cat /proc/*/environ | tr '\\0' '\\n'; true",
            f"cat {home}/auth.json && echo 'LEAK: read'; true",
            "cat $CODEX_HOME/auth.json && echo 'LEAK: link'; ls $CODEX_HOME/sessions && echo LEAK:",
            f"(echo GET / > /dev/tcp/127.0.0.1/{port}) && echo 'LEAK: connect'; true",
            "touch .git/x && echo 'LEAK: git'; touch /var/tmp/x-leak && echo 'LEAK: far'; true",
            "touch .git/denied",
            "touch inside && echo 'the end'",
        )
        script = [Turn(tuple(Shell(command) for command in look)), DONE]
        result = await codex(stage, server)
    assert result.outcome == "answered"
    seen = server.ledger.calls[-1].body.decode()
    assert "the end" in seen
    printed = [i["output"] for i in msgspec.json.decode(seen)["input"] if "output" in i]
    for forbidden in (KEY, "sk-in-a-file", "LEAK:"):
        assert forbidden not in "\n".join(map(str, printed))
    assert (stage.tree / "inside").exists()
    denied = [event.text for event in stage.events if isinstance(event, Trouble)]
    assert any("touch .git/denied" in text and "Read-only" in text for text in denied)
    whole = b"".join(p.read_bytes() for p in result.transcript.parent.rglob("*") if p.is_file())
    assert KEY.encode() not in whole
    assert b"sk-in-a-file" not in whole


@pytest.mark.anyio
async def test_codex_may_use_the_network_when_it_is_told_so(stage: Stage) -> None:
    with responses.serve(lambda conversation: script[conversation.turns]) as server:
        port = server.url.rpartition(":")[2]
        look = Shell(f"(echo GET / > /dev/tcp/127.0.0.1/{port}) && touch connected")
        script = [Turn((look,)), DONE]
        await codex(stage, server, network=True)
    assert (stage.tree / "connected").exists()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "outcome", "detail"),
    [
        (rate_limited(times=None), "unreachable", "429"),
        pytest.param(
            server_error(times=None), "unreachable", "high demand", marks=pytest.mark.long
        ),
        (unauthorized(times=None), "login", "401 Unauthorized"),
        (Refusal(status=400, message="no such thing", times=None), "crashed", "no such thing"),
        pytest.param(
            Refusal(status=429, kind="insufficient_quota", times=None),
            "limited",
            "Quota exceeded",
            marks=pytest.mark.long,
        ),
        pytest.param(
            Refusal(status=429, kind="usage_not_included", times=None),
            "login",
            "plan",
            marks=pytest.mark.long,
        ),
        pytest.param(
            Refusal(status=503, kind="server_is_overloaded", times=None),
            "unreachable",
            "capacity",
            marks=pytest.mark.long,
        ),
        pytest.param(Cut(times=None), "unreachable", "stream closed", marks=pytest.mark.long),
        (Garbage(line_bytes=1_000_000, times=None), "unreachable", "stream closed"),
        pytest.param(
            Stall(in_stream=True, times=None), "unreachable", "idle timeout", marks=pytest.mark.long
        ),
        (UsageLimit(), "limited", "usage limit"),
    ],
    ids=str,
)
async def test_codex_when_its_service_fails(
    stage: Stage, fault: Fault, outcome: str, detail: str
) -> None:
    with responses.serve([fault]) as server:
        result = await codex(stage, server)
    assert result.outcome == outcome, result.detail
    assert detail in result.detail
    assert result.duration_s < 30
    assert result.tokens == Tokens()


@pytest.mark.anyio
@pytest.mark.parametrize("in_s", [2 * 3600, 90_000])
async def test_codex_says_when_its_limit_ends(stage: Stage, in_s: int) -> None:
    resets_at_s = int(time.time()) + in_s
    with responses.serve([UsageLimit(resets_at_s=resets_at_s)]) as server:
        result = await codex(stage, server)
    assert (result.outcome, result.retry_at) == ("limited", float(resets_at_s))


@pytest.mark.anyio
async def test_codex_without_a_service_is_given_up(stage: Stage) -> None:
    with refusing_url() as url:
        result = await stage.run(Codex(), codex_task(stage, url))
    assert isinstance(result, SessionResult)
    assert result.outcome == "unreachable"
    assert result.duration_s < 60


@pytest.mark.anyio
async def test_codex_that_waits_for_ever_is_ended(stage: Stage) -> None:
    with responses.serve([Stall(in_stream=False)]) as server:
        result = await codex(stage, server, Limits(silent_s=3, wall_s=60))
    assert result.outcome == "timeout"
    assert "said nothing" in result.detail
    assert result.duration_s < 30


@pytest.mark.anyio
async def test_codex_stops_within_one_call_of_its_ceiling(stage: Stage) -> None:
    turn = Turn((Shell("sleep 2"),), Usage(fresh=100, cached=0, output=0, reasoning=0))
    with responses.serve([turn] * 20) as server:
        result = await codex(stage, server, Limits(tokens=250, wall_s=60))
    assert result.outcome == "ceiling"
    assert result.tokens.total in (300, 400)
    assert len(server.ledger.calls) <= 4


@pytest.mark.anyio
async def test_codex_dies_with_its_tools_and_its_cost_is_kept(stage: Stage) -> None:
    lasting = Shell("setsid sleep 600 & echo here > started; sleep 600")
    with responses.serve([Turn((lasting,), Usage(output=7))]) as server:
        task = codex_task(stage, server.url)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.run, Codex(), task)
            with anyio.fail_after(30):
                while not (stage.tree / "started").exists():
                    await anyio.sleep(0.02)
                while not any(isinstance(event, Spent) for event in stage.events):
                    await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()
    assert stage.alive() == []
    assert session.recover(task.folder).tokens.output == 7
