"""What agents' programs print in a run that ends well, and what holds for events of any run."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from engine.agents.acp_updates import Updates
from engine.agents.protocol import (
    Answered,
    AnyAgentEvent,
    Began,
    Billed,
    Ended,
    Spent,
    StreamReader,
)
from engine.agents.spending import Ledger
from engine.core.parts import Tokens

ODD: Sequence[Any] = (
    None, True, -1, 0, 2**63, -1.5, 1e308, "", "x" * 10_000, "\u202e\x1b[2J", [], [None], [[]],
    {}, {"type": 3}, {"": {"": None}}, "{", 10**30,
)  # fmt: skip


def own() -> list[bytes]:
    used = {"input": 3000, "cached_input": 1200, "cache_write": 300, "output": 150}
    return [
        b"looking around",
        *json_lines(
            {"type": "began", "session": "s", "model": "m"},
            {"type": "tool_started", "id": "1", "tool": "shell", "text": "make"},
            {"type": "tool_finished", "id": "1", "ok": True, "exit_code": 0, "text": "done"},
            {"type": "file_changed", "path": "a.py", "kind": "update"},
            {"type": "spent", "tokens": {**used, "reasoning": 30}, "cost_usd": 0.5},
            {"type": "answered", "text": '{"choice": 2}', "structured": '{"choice": 2}'},
        ),
    ]


def llm() -> list[bytes]:
    """A call with a search on the web, whose answer came as the arguments of a tool."""
    used = {"input": 3000, "cached_input": 1200, "cache_write": 300, "output": 150}
    return json_lines(
        {"type": "began", "session": "", "model": "m"},
        {"type": "reasoning", "text": "what was measured?"},
        {"type": "tool_started", "id": "1", "tool": "web_search", "text": '{"query": "q"}'},
        {"type": "tool_finished", "id": "1", "ok": True},
        {"type": "message", "text": "I looked it up."},
        {"type": "spent", "tokens": {**used, "reasoning": 30}, "model": "m"},
        {"type": "answered", "text": '{"choice": 2}', "structured": '{"choice": 2}'},
    )


def codex() -> list[bytes]:
    command = {"id": "i2", "type": "command_execution", "command": "/bin/bash -lc 'make'"}
    done = {"aggregated_output": "ok\n", "exit_code": 0, "status": "completed"}
    usage = {
        "input_tokens": 3000,
        "cached_input_tokens": 1200,
        "cache_write_input_tokens": 300,
        "output_tokens": 150,
        "reasoning_output_tokens": 30,
    }
    items = [
        {"id": "i1", "type": "reasoning", "text": "**Plan** lower it"},
        {"id": "i3", "type": "file_change", "status": "completed",
         "changes": [{"path": "/t/a.py", "kind": "update"}]},
        {"id": "i4", "type": "todo_list", "items": [{"text": "a", "completed": True}]},
        {"id": "i5", "type": "agent_message", "text": "Lowered it."},
        {"id": "i6", "type": "agent_message", "text": '{"choice": 2}'},
    ]  # fmt: skip
    return json_lines(
        {"type": "thread.started", "thread_id": "01a1fd49-0000-7000-8000-000000000000"},
        {"type": "turn.started"},
        {"type": "item.started", "item": {**command, "status": "in_progress"}},
        {"type": "item.completed", "item": {**command, **done}},
        *({"type": "item.completed", "item": item} for item in items),
        {"type": "turn.completed", "usage": usage},
    )


def acp() -> list[bytes]:
    """What the bridge prints of a session."""
    said = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "I look."}}
    tool = {"toolCallId": "t1", "kind": "execute", "title": "make"}
    updates = Updates()
    events: list[AnyAgentEvent] = [Began(session="s")]
    for update in (
        said,
        {**tool, "sessionUpdate": "tool_call", "rawInput": {"command": "make"}},
        {**tool, "sessionUpdate": "tool_call_update", "status": "completed"},
        {"sessionUpdate": "usage_update", "cost": {"amount": 0.5, "currency": "USD"}},
    ):
        events += updates.read(update)
    usage = {"inputTokens": 1500, "cachedReadTokens": 1200, "cachedWriteTokens": 300}
    output = {"outputTokens": 120, "thoughtTokens": 30, "totalTokens": 3150}
    events += updates.end({**usage, **output})
    answer = '{"choice": 2}'
    events += [Answered(text=answer, structured=answer), Ended(outcome="answered")]
    return [msgspec.json.encode(event) for event in events]


def claude() -> list[bytes]:
    model = "claude-sonnet-4-5"

    def call(name: str, usage: dict[str, Any]) -> list[dict[str, Any]]:
        begin = {**usage, "output_tokens": 1, "output_tokens_details": {"thinking_tokens": 0}}
        message = {"id": name, "model": model, "content": [], "usage": begin}
        return [
            {"type": "stream_event", "event": event, "api_message_id": name}
            for event in (
                {"type": "message_start", "message": message},
                {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "x"}},
                {"type": "message_delta", "delta": {}, "usage": usage},
                {"type": "message_stop"},
            )
        ]

    usage = {
        "input_tokens": 750,
        "cache_read_input_tokens": 600,
        "cache_creation_input_tokens": 150,
        "output_tokens": 75,
        "output_tokens_details": {"thinking_tokens": 15},
    }
    blocks = [
        {"type": "thinking", "thinking": "Lower it."},
        {"type": "text", "text": "Lowering it."},
        {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make"}},
        {"type": "tool_use", "id": "t2", "name": "Edit", "input": {"file_path": "/t/a.py"}},
    ]
    results = [
        {"type": "tool_result", "tool_use_id": "t1", "content": "ok", "is_error": False},
        {
            "type": "tool_result",
            "tool_use_id": "t2",
            "content": [{"type": "text", "text": "d"}],
        },
    ]
    total = {
        "inputTokens": 1500,
        "cacheReadInputTokens": 1200,
        "cacheCreationInputTokens": 300,
        "outputTokens": 150,
        "thinkingTokens": 30,
    }
    return json_lines(
        {"type": "system", "subtype": "init", "session_id": "s", "model": model},
        *call("m1", usage),
        {"type": "assistant", "message": {"id": "m1", "model": model, "content": blocks}},
        {"type": "user", "message": {"role": "user", "content": results}},
        *call("m2", usage),
        {
            "type": "result",
            "subtype": "success",
            "is_error": False,
            "result": '{"choice": 2}',
            "structured_output": {"choice": 2},
            "total_cost_usd": 0.0125,
            "modelUsage": {model: total},
            "permission_denials": [],
        },
    )


def json_lines(*events: dict[str, Any]) -> list[bytes]:
    return [msgspec.json.encode(event) for event in events]


def events_of(reader: StreamReader, lines: Sequence[bytes]) -> list[AnyAgentEvent]:
    events: list[AnyAgentEvent] = []
    for line in lines:
        events += reader.read(line)
        events += reader.look()
    return events


def spent(events: Sequence[AnyAgentEvent]) -> Tokens:
    ledger = Ledger(lambda _model, _tokens: None)
    for event in events:
        if isinstance(event, Spent):
            ledger.spend(event)
    return ledger.used.tokens


def check_sound(events: Sequence[AnyAgentEvent]) -> None:
    """What holds for the events of any run: one end, the last, and nothing spent below zero."""
    assert [type(event) for event in events].count(Ended) == 1
    assert isinstance(events[-1], Ended)
    for event in events:
        msgspec.json.encode(event)
        if isinstance(event, Spent):
            assert min(msgspec.structs.astuple(event.tokens)) >= 0
            assert event.cost_usd is None or event.cost_usd >= 0
        if isinstance(event, Billed):
            assert event.cost_usd >= 0


def places_in(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else ()
    parts = enumerate(value) if isinstance(value, list) else parts
    for key, part in parts:
        yield (*above, key)
        yield from places_in(part, (*above, key))


def with_odd(value: Any, place: tuple[Any, ...], odd: Any) -> bytes:
    whole = copy.deepcopy(value)
    at = whole
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = odd
    return msgspec.json.encode(whole) if odd != 10**30 else _big(whole, place)


def _big(whole: Any, place: tuple[Any, ...]) -> bytes:
    at = whole
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = "BIG"
    return msgspec.json.encode(whole).replace(b'"BIG"', b"1" + b"0" * 30)
