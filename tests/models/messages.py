"""The Anthropic Messages protocol: what claude speaks.

Input tokens are the fresh ones only; those read from and written to a cache are counted beside
them. The cost of the input comes with the first event, that of the output with the last but one.
"""

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
from tests.models.usage import Usage

_STRUCTURED = "StructuredOutput"


class _Block(msgspec.Struct):
    type: str
    text: str = ""
    content: "str | list[_Block] | None" = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Block]


class _Tool(msgspec.Struct):
    name: str = ""


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    tools: list[_Tool] = []
    stream: bool = False


def serve(script: Script) -> ModelServer:
    """A service for claude; its base URL is `url`."""
    return ModelServer(Messages(), script)


class Messages:
    """The wire format."""

    def conversation(self, path: str, body: bytes) -> Conversation | None:
        """What a request holds."""
        if not path.split("?", maxsplit=1)[0].endswith("/v1/messages"):
            return None
        request = msgspec.json.decode(body, type=_Body)
        mine = [message for message in request.messages if message.role == "assistant"]
        theirs = [message for message in request.messages if message.role != "assistant"]
        blocks = [block for message in theirs for block in _blocks(message.content)]
        return Conversation(
            prompt="\n".join(block.text for block in blocks if block.type == "text"),
            turns=len(mine),
            results=tuple(_text(b.content) for b in blocks if b.type == "tool_result"),
            model=request.model,
            structured=any(tool.name == _STRUCTURED for tool in request.tools),
            streamed=request.stream,
            tooled=bool(request.tools),
        )

    def answer(self, turn: Turn, conversation: Conversation) -> Sequence[bytes]:
        """The events of a message, or the message."""
        blocks = [_block(step, conversation) for step in turn.steps]
        if conversation.streamed:
            return list(_events(turn, blocks, conversation.model))
        message = _message(conversation.model, _usage(turn.usage), blocks, _stop(blocks))
        return [msgspec.json.encode(message)]

    def refuse(self, fault: Refusal | UsageLimit | StreamError) -> Reply:
        """An error as the service writes it."""
        match fault:
            case Refusal(status=status, kind=kind, message=message, headers=headers):
                return Reply(status, _error(kind, message), headers)
            case UsageLimit(resets_at_s=resets_at_s):
                text = "This request would exceed your account's rate limit."
                return Reply(429, _error("rate_limit_error", text), _used_up(resets_at_s))
            case StreamError(kind=kind, message=message):
                body = b"event: error\ndata: " + _error(kind, message) + b"\n\n"
                return Reply(200, body, {"content-type": "text/event-stream"})
            case _:
                assert_never(fault)

    def begun(self, usage: Usage) -> Usage:
        """The first event's numbers: all input, and one token of output."""
        return usage.begun()


def _blocks(content: str | list[_Block] | None) -> list[_Block]:
    if isinstance(content, list):
        return content
    return [_Block("text", content or "")]


def _text(content: str | list[_Block] | None) -> str:
    return "\n".join(block.text for block in _blocks(content))


def _error(kind: str, message: str) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}})


def _used_up(resets_at_s: int | None) -> dict[str, str]:
    limit = "anthropic-ratelimit-unified"
    headers = {f"{limit}-status": "rejected", f"{limit}-representative-claim": "five_hour"}
    headers |= {f"{limit}-5h-status": "rejected", f"{limit}-5h-utilization": "1.0"}
    if resets_at_s is not None:
        moment = str(resets_at_s)
        headers |= {f"{limit}-reset": moment, f"{limit}-5h-reset": moment, "retry-after": "3600"}
    return headers


def _event(kind: str, **fields: Json) -> bytes:
    data = msgspec.json.encode({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def _message(
    model: str, usage: Json, content: Sequence[dict[str, Json]] = (), stop: str | None = None
) -> dict[str, Json]:
    return {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage,
    }


def _stop(blocks: Sequence[dict[str, Json]]) -> str:
    used = any(block["type"] == "tool_use" for block in blocks)
    return "tool_use" if used else "end_turn"


def _events(turn: Turn, blocks: Sequence[dict[str, Json]], model: str) -> Iterator[bytes]:
    yield _event("message_start", message=_message(model, _usage(turn.usage.begun())))
    for index, block in enumerate(blocks):
        empty, deltas = _parts(block)
        yield _event("content_block_start", index=index, content_block=empty)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    delta: Json = {"stop_reason": _stop(blocks), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage=_usage(turn.usage))
    yield _event("message_stop")


def _parts(block: dict[str, Json]) -> tuple[Json, Sequence[Json]]:
    """A block as it starts, and what is added to it piece by piece."""
    match block["type"]:
        case "text":
            words = str(block["text"]).split(" ")
            texts = [word + " " for word in words[:-1]] + words[-1:]
            return {**block, "text": ""}, [{"type": "text_delta", "text": t} for t in texts]
        case "thinking":
            thought: Json = {"type": "thinking_delta", "thinking": block["thinking"]}
            signed: Json = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [thought, signed]
        case _:
            text = msgspec.json.encode(block["input"]).decode()
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": text}]


def _block(step: Step, conversation: Conversation) -> dict[str, Json]:
    match step:
        case Think(text=text):
            return {"type": "thinking", "thinking": text, "signature": "c2lnbmVk"}
        case Say(text=text):
            return {"type": "text", "text": text}
        case Answer(content=content):
            return _final(content, structured=conversation.structured)
        case Shell(command=command, wait_s=wait_s):
            timeout_ms = int(wait_s * 1000)
            return _use("Bash", command=command, description="run it", timeout=timeout_ms)
        case Read(path=path):
            return _use("Read", file_path=path)
        case Edit(path=path, old=old, new=new):
            return _use("Edit", file_path=path, old_string=old, new_string=new)
        case Create(path=path, text=text):
            return _use("Write", file_path=path, content=text)
        case _:
            assert_never(step)


def _final(content: "str | Json", *, structured: bool) -> dict[str, Json]:
    if isinstance(content, str):
        return {"type": "text", "text": content}
    if structured:
        return _use_json(_STRUCTURED, content)
    return {"type": "text", "text": msgspec.json.encode(content).decode()}


def _use(tool: str, **arguments: Json) -> dict[str, Json]:
    return _use_json(tool, arguments)


def _use_json(tool: str, arguments: Json) -> dict[str, Json]:
    identity = f"toolu_{uuid.uuid4().hex[:20]}"
    return {"type": "tool_use", "id": identity, "name": tool, "input": arguments}


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.fresh,
        "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }
