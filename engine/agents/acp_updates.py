"""From what an ACP agent tells of its work to our own events."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from engine.agents.acp_json import Json, number, part, parts, text
from engine.agents.protocol import (
    AnyAgentEvent,
    FileChanged,
    Message,
    Reasoning,
    Spent,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from engine.agents.rendering import shortened
from engine.core.parts import Tokens

_HOLD_S: Final = 2.0
_HOLD_CHARACTERS: Final = 20_000
_ENDED: Final = ("completed", "failed")


class _Tool(msgspec.Struct):
    """A tool that is at work; `told` is what was told of its output."""

    kind: str
    told: str = ""
    diffs: dict[str, bool] = {}
    paths: list[str] = []


class Updates:
    """Reads the updates of one session.

    Args:
        now_s: a clock in seconds.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._tools: dict[str, _Tool] = {}
        self._kind: type[Message | Reasoning] = Message
        self._message = ""
        self._held = ""
        self._held_since_s = 0.0
        self._usd = 0.0
        self._priced = False
        self.answer = ""

    def read(self, update: Json) -> list[AnyAgentEvent]:
        """The events in an update. Text comes in small pieces: it is held for about two seconds."""
        kind = text(update, "sessionUpdate")
        match kind:
            case "agent_message_chunk":
                return list(self._chunk(Message, update))
            case "agent_thought_chunk":
                return list(self._chunk(Reasoning, update))
            case "tool_call" | "tool_call_update":
                return [*self.flush(), *self._tool(update)]
            case "usage_update":
                return list(self._cost(update))
            case _:
                return []

    def flush(self) -> list[AnyAgentEvent]:
        """The text that was held."""
        held, self._held = self._held, ""
        return [self._kind(text=held)] if held.strip() else []

    def end(self, usage: Json) -> list[AnyAgentEvent]:
        """What was held, and what the session used in all, as far as the agent says it."""
        events = self.flush()
        tokens = tokens_of(usage)
        if tokens.total:
            # Where it tells the cost of all, that was told already.
            events.append(Spent(tokens=tokens, cost_usd=0.0 if self._priced else None))
        return events

    def _chunk(self, kind: type[Message | Reasoning], update: Json) -> Iterator[AnyAgentEvent]:
        said, message = text(part(update, "content"), "text"), text(update, "messageId")
        if kind is not self._kind or message != self._message:
            yield from self.flush()
            if kind is Message:
                self.answer = ""
        self._kind, self._message = kind, message
        if not self._held:
            self._held_since_s = self._now_s()
        self._held += said
        if kind is Message:
            self.answer += said
        late = self._now_s() - self._held_since_s >= _HOLD_S
        if late or len(self._held) > _HOLD_CHARACTERS:
            yield from self._give()

    def _give(self) -> Iterator[AnyAgentEvent]:
        """What was held, up to the end of its last line or word."""
        cut = max(self._held.rfind("\n"), self._held.rfind(" ")) + 1 or len(self._held)
        rest = self._held[cut:]
        self._held = self._held[:cut]
        yield from self.flush()
        self._held, self._held_since_s = rest, self._now_s()

    def _tool(self, update: Json) -> Iterator[AnyAgentEvent]:
        self._kind, self._message = Reasoning, ""  # the next message is another one
        name = text(update, "toolCallId")
        tool = self._tools.get(name)
        if tool is None:
            tool = self._tools[name] = _Tool(kind=text(update, "kind") or "tool")
            yield _started(name, tool, update)
        self._note(tool, update)
        output = _output(update)
        fresh = output.removeprefix(tool.told)
        if text(update, "status") in _ENDED:
            del self._tools[name]
            yield from _finished(name, tool, fresh, ok=text(update, "status") == "completed")
        elif fresh:
            tool.told = output
            yield ToolOutput(id=name, text=shortened(fresh))

    def _note(self, tool: _Tool, update: Json) -> None:
        paths = [text(each, "path") for each in parts(update, "locations")]
        tool.paths = [path for path in paths if path] or tool.paths
        for each in parts(update, "content"):
            if text(each, "type") == "diff" and text(each, "path"):
                tool.diffs[text(each, "path")] = each.get("oldText") is None

    def _cost(self, update: Json) -> Iterator[AnyAgentEvent]:
        cost = part(update, "cost")
        usd: Any = cost.get("amount")
        sound = isinstance(usd, int | float) and 0 <= usd < float("inf")
        if text(cost, "currency") != "USD" or isinstance(usd, bool) or not sound:
            return
        self._priced = True
        if usd > self._usd:
            yield Spent(tokens=Tokens(), cost_usd=usd - self._usd)
            self._usd = float(usd)


def tokens_of(usage: Json) -> Tokens:
    """The tokens of a session.

    Whether its input holds what was cached, and its output what was thought, shows in the total.
    """
    given, output = number(usage, "inputTokens"), number(usage, "outputTokens")
    cached, written = number(usage, "cachedReadTokens"), number(usage, "cachedWriteTokens")
    thought, total = number(usage, "thoughtTokens"), number(usage, "totalTokens")
    more = total - given - output
    if more >= cached + written:
        given, more = given + cached + written, more - cached - written
    if thought and more >= thought:
        output += thought
    given = max(given, cached + written)
    return Tokens(
        input=given,
        cached_input=cached,
        cache_write=written,
        output=max(output, thought),
        reasoning=thought,
    )


def _started(name: str, tool: _Tool, update: Json) -> ToolStarted:
    command: Any = part(update, "rawInput").get("command")
    words = " ".join(map(str, command)) if isinstance(command, list) else command  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    shown = words if isinstance(words, str) and words else text(update, "title")
    kind = "shell" if tool.kind == "execute" else tool.kind
    return ToolStarted(id=name, tool=kind, text=shortened(shown))


def _output(update: Json) -> str:
    texts = [text(part(each, "content"), "text") for each in parts(update, "content")]
    return "\n".join(each for each in texts if each)


def _finished(name: str, tool: _Tool, output: str, *, ok: bool) -> Iterator[AnyAgentEvent]:
    yield ToolFinished(id=name, ok=ok, text=shortened(output))
    if not ok:
        return
    for path, fresh in tool.diffs.items():
        yield FileChanged(path=path, kind="add" if fresh else "update")
    for path in tool.paths if tool.kind == "delete" else ():
        yield FileChanged(path=path, kind="delete")
