"""The agent llm with the real library, against scripted services of both kinds."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import yaml

from engine.agents.protocol import Answered, AnyAgentEvent, Ended, Reasoning, Spent
from engine.core.parts import Tokens
from tests.driving import REPOSITORY, of_type
from tests.finishing import Lively
from tests.models import messages, responses
from tests.models.script import (
    Answer,
    Conversation,
    Cut,
    Fault,
    Garbage,
    Script,
    Stall,
    StreamError,
    Think,
    Turn,
    UsageLimit,
    rate_limited,
    server_error,
    unauthorized,
)
from tests.models.server import ModelServer
from tests.models.usage import Usage

USED = Usage(fresh=500, cached=200, output=90, reasoning=10)
TOKENS = Tokens(input=700, cached_input=200, output=90, reasoning=10)
ANSWER = {"course": "on_track"}
SCHEMA = {"type": "object", "properties": {"course": {"type": "string"}}, "required": ["course"]}
RESETS_AT_S = 2_000_000_000

# Both services get the same scripts; each is asked once, by one process for all of them: most of
# what a call takes is the import of the library.
ASKING = """
import io, json, os, sys
from engine.agents.llm_program import main
for model, variables in json.loads(sys.argv[1]):
    os.environ.update(variables)
    sys.stdin = io.TextIOWrapper(io.BytesIO(b"Is it on track?"))
    status = main(["--model", model, "--schema", sys.argv[2]])
    print(json.dumps({"type": "status", "status": status}), flush=True)
"""
GOOD = Turn((Think("let me see"), Answer(ANSWER)), USED)
SCRIPTS: dict[str, Turn | Fault] = {
    "answered": GOOD,
    "words": Turn((Answer("It is on track."),), USED),
    "login": unauthorized(),
    "busy": rate_limited(retry_after_s=3),
    "broken": server_error(),
    "limited": UsageLimit(resets_at_s=RESETS_AT_S),
    "cut": Cut(usage=USED),
    "garbage": Garbage(),
    "event": StreamError(kind="server_error", message="overloaded"),
    "silent": Stall(in_stream=False, lasts_s=0.2),
}
OUTCOMES = {
    "answered": "answered",
    "words": "answered",
    "login": "login",
    "limited": "limited",
} | dict.fromkeys(("busy", "broken", "cut", "garbage", "event", "silent"), "unreachable")


def variables(server: ModelServer, kind: str) -> dict[str, str]:
    path = "/v1" if kind == "OPENAI" else ""
    return {f"{kind}_API_KEY": "sk-mine", f"{kind}_BASE_URL": server.url + path}


def asked(
    folder: Path, serve: Callable[[Script], ModelServer], model: str
) -> dict[str, list[AnyAgentEvent]]:
    """What the program told of each script, with its exit status found right."""
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    kind = "OPENAI" if model.startswith("openai") else "ANTHROPIC"
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(serve([script])) for name, script in SCRIPTS.items()}
        calls = [(model, variables(server, kind)) for server in servers.values()]
        done = subprocess.run(
            [sys.executable, "-c", ASKING, json.dumps(calls), str(folder / "schema.json")],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            check=True,
            timeout=120,
        )
        for name, server in servers.items():
            # One try each: to try again is the engine's part.
            assert len(server.ledger.requests) == 1, name
    told: dict[str, list[AnyAgentEvent]] = {}
    events: list[AnyAgentEvent] = []
    names = list(SCRIPTS)
    for line in done.stdout.splitlines():
        given = json.loads(line)
        if given["type"] != "status":
            events.append(msgspec.json.decode(line, type=AnyAgentEvent))
            continue
        name = names[len(told)]
        assert given["status"] == (0 if OUTCOMES[name] == "answered" else 1), name
        told[name], events = events, []
    assert list(told) == names
    return told


def check_told(told: dict[str, list[AnyAgentEvent]]) -> None:
    for name, events in told.items():
        ended = [event for event in events if isinstance(event, Ended)]
        outcomes = [event.outcome for event in ended] or ["answered"]
        assert outcomes == [OUTCOMES[name]], (name, ended)
        assert not any("sk-mine" in str(event) for event in events)
    for name in ("answered", "words"):
        assert [e.tokens for e in told[name] if isinstance(e, Spent)] == [TOKENS]
    (answer,) = [e for e in told["answered"] if isinstance(e, Answered)]
    assert json.loads(answer.structured or "") == ANSWER
    assert [e.text for e in told["answered"] if isinstance(e, Reasoning)] == ["let me see"]
    (words,) = [e for e in told["words"] if isinstance(e, Answered)]
    assert (words.text, words.structured) == ("It is on track.", None)
    (limited,) = [e for e in told["limited"] if isinstance(e, Ended)]
    assert limited.retry_at == RESETS_AT_S


def test_what_a_service_of_openai_says_is_told_in_our_words(tmp_path: Path) -> None:
    told = asked(tmp_path, responses.serve, "openai:gpt-5.5")
    check_told(told)
    # A call that broke off does not say there what it cost: a zero would be wrong.
    assert not [event for event in told["cut"] if isinstance(event, Spent)]


def test_what_a_service_of_anthropic_says_is_told_in_our_words(tmp_path: Path) -> None:
    told = asked(tmp_path, messages.serve, "anthropic:claude-opus-4-5")
    check_told(told)
    (spent,) = [event for event in told["cut"] if isinstance(event, Spent)]
    assert (spent.tokens.input, spent.tokens.output) == (700, 1)


OPINION = {
    "course": "off_track",
    "critique": "c-0002 gained.",
    "question": "",
    "advice": "Look at the kind.",
    "housekeeping": {
        "todo_new": ["Try the odd kind"],
        "notes_update": "",
        "data_exploration_update": "",
        "resolve_shared_todo_ids": [],
    },
}


def test_it_is_the_mentor_of_a_search_over_parameters(tmp_path: Path) -> None:
    seen: list[str] = []

    def choose(conversation: Conversation) -> Turn:
        seen.append(conversation.prompt)
        return Turn((Answer(OPINION),), USED)

    with responses.serve(choose) as server:
        env = {"set": {"OPENAI_BASE_URL": f"{server.url}/v1"}, "secret": ["OPENAI_API_KEY"]}
        mentor = {"agent": "llm", "model": "openai:gpt-5.5", "every": 2, "env": env}
        lively = Lively(tmp_path, more=yaml.safe_dump({"mentor": mentor, "budget": {"usd": 5}}))
        lively.pace("sleep 0.3")
        with lively.running(OPENAI_API_KEY="sk-mine"):
            lively.heard("ReviewFinished")
            lively("stop", "--wait")
    ended = of_type(lively.events(), "ReviewFinished")[0]
    assert (ended["outcome"], ended["problems"]) == ("answered", [])
    assert ended["opinion"]["advice"] == "Look at the kind."
    assert ended["tokens"] == msgspec.to_builtins(TOKENS)
    assert ended["cost_usd"] > 0
    assert "This is review r-001" in seen[0]
    assert "Try the odd kind" in (lively.run_dir / "artifacts" / "shared_todo.md").read_text()
    kept = [path for path in lively.run_dir.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"sk-mine" in path.read_bytes()]
