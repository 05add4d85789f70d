"""Reading what codex prints: one JSON object a line."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from engine.agents import answers, codex_failures
from engine.agents.codex_rollout import Rollout, Usage, tokens_of
from engine.agents.command import end_detail
from engine.agents.protocol import (
    Answered,
    AnyAgentEvent,
    Began,
    Ended,
    FileChanged,
    Message,
    Reasoning,
    Spent,
    ToolFinished,
    ToolStarted,
    Trouble,
)
from engine.agents.rendering import shortened
from engine.core.parts import Tokens

_ALL_BYTES: Final = 256 << 20
_RECONNECTING: Final = "Reconnecting"
_KINDS: Final = ("add", "update", "delete")
_TOOLS: Final = {
    "mcp_tool_call": ("server", "tool"),
    "collab_tool_call": ("tool", "prompt"),
    "web_search": ("query",),
}
"""Items that are tools, and what of them says what they do."""


class CodexReader:
    """Reads one run of codex.

    Args:
        home: the home of the attempt, where codex keeps the files of its sessions.
        model: the model that it was told to use.
    """

    def __init__(self, home: Path, model: str) -> None:
        self._home = home
        self._rollout = Rollout(home)
        self._model = model
        self._thread = ""
        self._spent: dict[str, Tokens] = {}
        self._said = ""
        self._completed = False
        self._failed = ""
        self._last_try = ""
        self._started: set[str] = set()

    def read(self, line: bytes) -> list[AnyAgentEvent]:
        """The events in a line."""
        event = _object(line)
        match event.get("type"):
            case "thread.started":
                self._thread = str(event.get("thread_id", ""))
                return [Began(session=self._thread, model=self._model)]
            case "item.started":
                return list(self._begun(_part(event, "item")))
            case "item.completed":
                self._last_try = ""
                return list(self._done(_part(event, "item")))
            case "turn.completed":
                self._completed = True
                # The file tells it call by call; the turn's own total is the last word.
                total = Usage(self._thread, tokens_of(event.get("usage")))
                return [*self._news(_ALL_BYTES), *self._up_to(total)]
            case "turn.failed":
                self._failed = str(_part(event, "error").get("message", "the turn failed"))
                return [Trouble(text=shortened(self._failed))]
            case "error":
                return self._trouble(str(event.get("message", "")))
            case None:
                return [Trouble(text=shortened(f"no event: {line.decode(errors='replace')}", 500))]
            case _:
                return []

    def look(self) -> list[AnyAgentEvent]:
        """What the session's files say that is new."""
        return self._news()

    def close(self, exit_code: int | None, errors: str) -> list[AnyAgentEvent]:
        """What it used that is not told yet, its answer, and how it ended."""
        events = self._news(_ALL_BYTES)
        ended = self._end(exit_code, errors)
        if not self._spent and ended.outcome in ("limited", "login"):
            events.append(Spent(tokens=Tokens(), model=self._model))  # nothing, for certain
        if ended.outcome == "answered":
            events.append(Answered(text=self._said, structured=answers.structured_in(self._said)))
        self._tidy()
        return [*events, ended]

    def _end(self, exit_code: int | None, errors: str) -> Ended:
        if exit_code == 0 and self._completed and not self._failed:
            return Ended(outcome="answered")
        detail = self._failed or end_detail(exit_code, errors)
        words = self._failed or self._last_try or errors
        outcome = codex_failures.outcome_of(words, self._rollout.error)
        if outcome != "limited":
            return Ended(outcome=outcome, detail=detail)
        retry_at = self._rollout.resets_at_s or codex_failures.retry_at(self._failed)
        return Ended(outcome=outcome, detail=detail, retry_at=retry_at)

    def _trouble(self, message: str) -> list[AnyAgentEvent]:
        retrying = message.startswith(_RECONNECTING)
        if retrying:
            self._last_try = message  # should it be ended while it tries, this is why
        return [Trouble(text=shortened(message), retrying=retrying)]

    def _news(self, most_bytes: int | None = None) -> list[AnyAgentEvent]:
        found = self._rollout.read() if most_bytes is None else self._rollout.read(most_bytes)
        events: list[AnyAgentEvent] = []
        for one in found:
            events += self._up_to(one) if isinstance(one, Usage) else [one]
        return events

    def _up_to(self, usage: Usage) -> list[AnyAgentEvent]:
        """What was spent since the last total of the same thread."""
        before = self._spent.get(usage.thread, Tokens())
        new = {
            name: max(0, getattr(usage.total, name) - getattr(before, name))
            for name in Tokens.__struct_fields__
        }
        if not any(new.values()):
            return []
        self._spent[usage.thread] = before.plus(Tokens(**new))
        return [Spent(tokens=Tokens(**new), model=self._model)]

    def _begun(self, item: Mapping[str, Any]) -> Iterator[AnyAgentEvent]:
        kind, name = str(item.get("type")), str(item.get("id", ""))
        self._started.add(name)
        if kind == "command_execution":
            yield ToolStarted(id=name, tool="shell", text=shortened(str(item.get("command", ""))))
        elif kind in _TOOLS:
            yield ToolStarted(id=name, tool=kind, text=_summary(item, _TOOLS[kind]))

    def _done(self, item: Mapping[str, Any]) -> Iterator[AnyAgentEvent]:
        kind, name = str(item.get("type")), str(item.get("id", ""))
        text = str(item.get("text", ""))
        match kind:
            case "agent_message":
                self._said = text
                yield Message(text=text)
            case "reasoning" | "plan":
                yield Reasoning(text=text)
            case "todo_list":
                yield Reasoning(text=_todo(item))
            case "error":
                yield Trouble(text=shortened(str(item.get("message", ""))))
            case "file_change":
                yield from _changes(item)
            case _ if kind == "command_execution" or kind in _TOOLS:
                if name not in self._started:
                    yield from self._begun(item)
                yield _finished(item, name)
            case _:
                return

    def _tidy(self) -> None:
        """Remove what codex needs while it runs; the files of its sessions stay."""
        try:
            entries = [entry for entry in self._home.iterdir() if entry.name != "sessions"]
        except OSError:
            return
        for entry in entries:
            if entry.is_symlink() or not entry.is_dir():
                entry.unlink(missing_ok=True)
            else:
                shutil.rmtree(entry, ignore_errors=True)


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _part(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = event.get(name)
    return cast("dict[str, Any]", part) if isinstance(part, dict) else {}


def _summary(item: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return shortened(" ".join(str(item[name]) for name in names if item.get(name)))


def _finished(item: Mapping[str, Any], name: str) -> ToolFinished:
    code = item.get("exit_code")
    ok = code == 0 if isinstance(code, int) else item.get("status") == "completed"
    return ToolFinished(
        id=name,
        ok=ok,
        exit_code=code if isinstance(code, int) else None,
        text=shortened(str(item.get("aggregated_output", ""))),
    )


def _changes(item: Mapping[str, Any]) -> Iterator[AnyAgentEvent]:
    changes = item.get("changes")
    for change in cast("list[Any]", changes) if isinstance(changes, list) else []:
        if isinstance(change, dict):
            part = cast("dict[str, Any]", change)
            kind = part.get("kind")
            if kind in _KINDS:
                yield FileChanged(path=str(part.get("path", "")), kind=kind)
    if item.get("status") == "failed":
        yield Trouble(text="a change of files failed")


def _todo(item: Mapping[str, Any]) -> str:
    items = item.get("items")
    parts = [
        cast("dict[str, Any]", part)
        for part in (cast("list[Any]", items) if isinstance(items, list) else [])
        if isinstance(part, dict)
    ]
    return "\n".join(f"[{'x' if p.get('completed') else ' '}] {p.get('text', '')}" for p in parts)
