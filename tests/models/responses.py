"""The OpenAI Responses protocol: what codex speaks.

Input tokens hold the cached ones and those written to the cache; output holds the reasoning.
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from typing import assert_never

import msgspec

from tests.models.script import (
    Answer,
    Conversation,
    Create,
    Edit,
    Json,
    Read,
    Refusal,
    Say,
    Script,
    Shell,
    Step,
    StreamError,
    Think,
    Turn,
    UsageLimit,
)
from tests.models.server import ModelServer, Reply
from tests.models.usage import NOTHING, Usage

_TURN = re.compile(r"_t(\d+)_")
_FIVE_HOURS_MIN = "300"


class _Part(msgspec.Struct):
    text: str = ""


class _Item(msgspec.Struct):
    type: str = "message"
    role: str = ""
    id: str | None = None
    call_id: str | None = None
    content: str | list[_Part] | None = None
    output: str | list[_Part] | None = None


class _Format(msgspec.Struct):
    type: str = "text"


class _Text(msgspec.Struct):
    format: _Format | None = None


class _Tool(msgspec.Struct):
    type: str = ""


class _Body(msgspec.Struct):
    model: str
    input: list[_Item]
    tools: list[_Tool] = []
    stream: bool = False
    text: _Text | None = None


def serve(script: Script) -> ModelServer:
    """A service for codex; its base URL is `url` + "/v1"."""
    return ModelServer(Responses(), script)


class Responses:
    """The wire format."""

    def conversation(self, path: str, body: bytes) -> Conversation | None:
        """What a request holds."""
        if not path.split("?", maxsplit=1)[0].endswith("/responses"):
            return None
        request = msgspec.json.decode(body, type=_Body)
        items = request.input
        marks = [_TURN.search(item.id or item.call_id or "") for item in items]
        form = request.text and request.text.format
        return Conversation(
            prompt="\n".join(_text(item.content) for item in items if item.role != "assistant"),
            turns=max((int(mark[1]) + 1 for mark in marks if mark), default=0),
            results=tuple(_text(i.output) for i in items if i.type.endswith("_call_output")),
            model=request.model,
            structured=form is not None and form.type == "json_schema",
            streamed=request.stream,
            tooled=bool(request.tools),
        )

    def answer(self, turn: Turn, conversation: Conversation) -> Sequence[bytes]:
        """The events of a response."""
        return list(_events(turn, conversation.turns))

    def refuse(self, fault: Refusal | UsageLimit | StreamError) -> Reply:
        """An error as the service writes it."""
        match fault:
            case Refusal(status=status, kind=kind, message=message, headers=headers):
                error = {"type": kind, "code": kind, "message": message}
                return Reply(status, msgspec.json.encode({"error": error}), headers)
            case UsageLimit(resets_at_s=resets_at_s):
                return _used_up(resets_at_s)
            case StreamError(kind=kind, message=message):
                response = {"id": _id("resp", 0), "error": {"code": kind, "message": message}}
                body = _event("response.failed", response=response)
                return Reply(200, body, {"content-type": "text/event-stream"})
            case _:
                assert_never(fault)

    def begun(self, usage: Usage) -> Usage:
        """Nothing: the cost is in the last event only."""
        return NOTHING


def _text(content: str | list[_Part] | None) -> str:
    if isinstance(content, list):
        return "\n".join(part.text for part in content)
    return content or ""


def _id(kind: str, turn: int) -> str:
    return f"{kind}_t{turn}_{uuid.uuid4().hex[:16]}"


def _event(kind: str, **fields: Json) -> bytes:
    data = msgspec.json.encode({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def _events(turn: Turn, number: int) -> Iterator[bytes]:
    response = {"id": _id("resp", number), "object": "response"}
    yield _event("response.created", response={**response, "status": "in_progress", "output": []})
    output: list[Json] = []
    for index, step in enumerate(turn.steps):
        item = _item(step, number)
        yield _event(
            "response.output_item.added", output_index=index, item={**item, "status": "in_progress"}
        )
        yield from _deltas(step, item, index)
        yield _event("response.output_item.done", output_index=index, item=item)
        output.append(item)
    done = {**response, "status": "completed", "output": output, "usage": _usage(turn.usage)}
    yield _event("response.completed", response=done)


def _deltas(step: Step, item: dict[str, Json], index: int) -> Iterator[bytes]:
    match step:
        case Say() | Answer():
            for word in re.findall(r"\S*\s*", _said(step))[:-1]:
                place: dict[str, Json] = {"item_id": item["id"], "output_index": index}
                yield _event("response.output_text.delta", content_index=0, delta=word, **place)
        case Think(text=text):
            kind = "response.reasoning_summary_text.delta"
            yield _event(kind, item_id=item["id"], output_index=index, summary_index=0, delta=text)
        case Shell() | Read() | Edit() | Create():
            pass
        case _:
            assert_never(step)


def _item(step: Step, turn: int) -> dict[str, Json]:
    match step:
        case Think(text=text):
            summary: Json = [{"type": "summary_text", "text": text}]
            return {"type": "reasoning", "id": _id("rs", turn), "summary": summary}
        case Say() | Answer():
            content: Json = [{"type": "output_text", "text": _said(step), "annotations": []}]
            return _done("message", turn, role="assistant", content=content)
        case Shell(command=command, wait_s=wait_s):
            return _exec(turn, {"cmd": command, "yield_time_ms": int(wait_s * 1000)})
        case Read(path=path):
            return _exec(turn, {"cmd": f"cat -- '{path}'"})
        case Edit(path=path, old=old, new=new):
            lines = [f"-{line}" for line in old.splitlines()]
            lines += [f"+{line}" for line in new.splitlines()]
            return _patch(turn, f"*** Update File: {path}", "@@", *lines)
        case Create(path=path, text=text):
            return _patch(
                turn, f"*** Add File: {path}", *(f"+{line}" for line in text.splitlines())
            )
        case _:
            assert_never(step)


def _said(step: Say | Answer) -> str:
    if isinstance(step, Say):
        return step.text
    if isinstance(step.content, str):
        return step.content
    return msgspec.json.encode(step.content).decode()


def _done(kind: str, turn: int, **fields: Json) -> dict[str, Json]:
    return {"type": kind, "id": _id(kind[:4], turn), "status": "completed", **fields}


def _exec(turn: int, arguments: dict[str, Json]) -> dict[str, Json]:
    text = msgspec.json.encode(arguments).decode()
    call: dict[str, Json] = {"name": "exec_command", "arguments": text}
    return _done("function_call", turn, call_id=_id("call", turn), **call)


def _patch(turn: int, *lines: str) -> dict[str, Json]:
    text = "\n".join(("*** Begin Patch", *lines, "*** End Patch", ""))
    call: dict[str, Json] = {"name": "apply_patch", "input": text}
    return _done("custom_tool_call", turn, call_id=_id("call", turn), **call)


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.cache_written,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


def _used_up(resets_at_s: int | None) -> Reply:
    error: dict[str, Json] = {
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "plan_type": "plus",
    }
    headers = {"x-codex-primary-used-percent": "100"}
    if resets_at_s is not None:
        error["resets_at"] = resets_at_s
        headers["x-codex-primary-window-minutes"] = _FIVE_HOURS_MIN
        headers["x-codex-primary-reset-at"] = str(resets_at_s)
    return Reply(429, msgspec.json.encode({"error": error}), headers)
