"""Reading what claude prints: one JSON object a line."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from engine.agents import answers, claude_failures
from engine.agents.claude_usage import Account
from engine.agents.command import end_detail
from engine.agents.protocol import (
    Answered,
    AnyAgentEvent,
    Began,
    Billed,
    Ended,
    FileChanged,
    Message,
    Reasoning,
    ToolFinished,
    ToolStarted,
    Trouble,
)
from engine.agents.rendering import shortened

Json = Mapping[str, Any]
_EDITORS: Final = ("Edit", "Write", "NotebookEdit")
_SYNTHETIC: Final = "<synthetic>"


class ClaudeReader:
    """Reads one run of claude.

    Args:
        model: the model that it was told to use.
        caveat: what a person should know of this run; told at its begin.
    """

    def __init__(self, model: str, caveat: str = "") -> None:
        self._caveat = caveat
        self._account = Account(model)
        self._edits: dict[str, str] = {}
        self._result: Json | None = None
        self._failure = claude_failures.Failure()

    def read(self, line: bytes) -> list[AnyAgentEvent]:
        """The events in a line."""
        event = _object(line)
        match event.get("type"):
            case "system":
                return list(self._system(event))
            case "stream_event":
                return list(self._streamed(event))
            case "assistant":
                return list(self._said(event))
            case "user":
                return list(self._returned(event))
            case "rate_limit_event":
                self._failure.limit(_part(event, "rate_limit_info"))
                return []
            case "result":
                return list(self._end(event))
            case None:
                return [Trouble(text=shortened(f"no event: {line.decode(errors='replace')}", 500))]
            case _:
                return []

    def look(self) -> list[AnyAgentEvent]:
        """Nothing: all that it tells is in its lines."""
        return []

    def close(self, exit_code: int | None, errors: str) -> list[AnyAgentEvent]:
        """What it used that is not told yet, its answer, and how it ended.

        The result counts, not the exit status: that is 0 also when claude was interrupted.
        """
        events: list[AnyAgentEvent] = list(self._account.rest())
        if self._result is None:
            detail = "" if exit_code is None else end_detail(exit_code, errors)
            return [*events, self._failure.end(self._failure.text or detail, errors)]
        ended = _ended(self._result, self._failure)
        if ended.outcome == "answered":
            events.append(_answer(self._result))
        return [*events, ended]

    def _streamed(self, event: Json) -> Iterator[AnyAgentEvent]:
        self._failure.forget_retries()
        yield from self._account.streamed(_part(event, "event"), _text(event, "api_message_id"))

    def _system(self, event: Json) -> Iterator[AnyAgentEvent]:
        match event.get("subtype"):
            case "init":
                yield Began(session=_text(event, "session_id"), model=_text(event, "model"))
                if self._caveat:
                    yield Trouble(text=self._caveat)
            case "api_retry":
                yield Trouble(text=self._failure.retry(event), retrying=True)
            case _:
                return

    def _said(self, event: Json) -> Iterator[AnyAgentEvent]:
        message = _part(event, "message")
        if event.get("error") or message.get("model") == _SYNTHETIC:
            text = "\n".join(_text(block, "text") for block in _parts(message, "content"))
            self._failure.fail(event, text)
            yield Trouble(text=shortened(text))
            return
        for block in _parts(message, "content"):
            match block.get("type"):
                case "text":
                    yield Message(text=_text(block, "text"))
                case "thinking":
                    yield Reasoning(text=_text(block, "thinking"))
                case "tool_use" | "server_tool_use":
                    yield self._tool(block)
                case _:
                    pass

    def _tool(self, block: Json) -> ToolStarted:
        name, called, given = _text(block, "id"), _text(block, "name"), _part(block, "input")
        path = _text(given, "file_path") or _text(given, "notebook_path")
        if called in _EDITORS:
            self._edits[name] = path
        if called == "Bash":
            return ToolStarted(id=name, tool="shell", text=shortened(_text(given, "command")))
        text = path or json.dumps(given, ensure_ascii=False)
        return ToolStarted(id=name, tool=called, text=shortened(text))

    def _returned(self, event: Json) -> Iterator[AnyAgentEvent]:
        for block in _parts(_part(event, "message"), "content"):
            if block.get("type") != "tool_result":
                continue
            name, ok = _text(block, "tool_use_id"), not block.get("is_error")
            yield ToolFinished(id=name, ok=ok, text=shortened(_printed(block)))
            path = self._edits.pop(name, "")
            if ok and path:
                made = _part(event, "tool_use_result").get("type") == "create"
                yield FileChanged(path=path, kind="add" if made else "update")

    def _end(self, event: Json) -> Iterator[AnyAgentEvent]:
        self._result = event
        yield from self._account.settle(_part(event, "modelUsage"))
        cost_usd = event.get("total_cost_usd")
        if isinstance(cost_usd, int | float) and 0 <= cost_usd < float("inf"):
            yield Billed(cost_usd=float(cost_usd))
        for denial in _parts(event, "permission_denials"):
            given = _part(denial, "tool_input")
            what = _text(given, "command") or _text(given, "file_path") or json.dumps(given)
            yield Trouble(text=shortened(f"denied: {_text(denial, 'tool_name')} {what}", 600))


def _ended(result: Json, failure: claude_failures.Failure) -> Ended:
    subtype, text = _text(result, "subtype"), _text(result, "result")
    errors = result.get("errors")
    said = "; ".join(map(str, cast("list[Any]", errors))) if isinstance(errors, list) else ""
    if subtype.startswith("error_max_") and not subtype.startswith("error_max_structured"):
        return Ended(outcome="ceiling", detail=said or subtype)
    if subtype == "success" and not result.get("is_error"):
        return Ended(outcome="answered")
    return failure.end(text or said or subtype)


def _answer(result: Json) -> Answered:
    text, structured = _text(result, "result"), result.get("structured_output")
    if isinstance(structured, dict):
        return Answered(text=text, structured=json.dumps(structured, ensure_ascii=False))
    return Answered(text=text, structured=answers.structured_in(text))


def _object(line: bytes) -> Json:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _part(event: Json, name: str) -> Json:
    part = event.get(name)
    return cast("dict[str, Any]", part) if isinstance(part, dict) else {}


def _parts(event: Json, name: str) -> list[Json]:
    parts = event.get(name)
    found = cast("list[Any]", parts) if isinstance(parts, list) else []
    return [cast("dict[str, Any]", part) for part in found if isinstance(part, dict)]


def _text(event: Json, name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _printed(block: Json) -> str:
    return _text(block, "content") or "\n".join(
        _text(part, "text") for part in _parts(block, "content")
    )
