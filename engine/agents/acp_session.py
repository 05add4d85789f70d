"""One session with an ACP agent: agree on the protocol, open it, choose the model, prompt."""

from pathlib import Path
from typing import Final, Protocol

from engine.agents import answers, codex_failures
from engine.agents.acp_json import Json, part, parts, text
from engine.agents.acp_updates import Updates
from engine.agents.acp_wire import CLOSED, PeerError, Wire
from engine.agents.protocol import Answered, AnyAgentEvent, Began, Ended, Trouble

VERSION: Final = 1
"""The version of the protocol that is spoken here."""

_AUTH_REQUIRED: Final = -32000
_ABLE: Final = {"fs": {"readTextFile": True, "writeTextFile": True}, "terminal": False}
_CEILINGS: Final = ("max_tokens", "max_turn_requests")


class Tell(Protocol):
    """Takes events."""

    def __call__(self, *events: AnyAgentEvent) -> None:
        """Take them in their order."""
        ...


class Session:
    """A session of one prompt.

    Args:
        wire: the connection.
        tree: where the agent works.
        updates: reads what it tells meanwhile.
        tell: takes events.
    """

    def __init__(self, wire: Wire, tree: Path, updates: Updates, tell: Tell) -> None:
        self._wire = wire
        self._tree = tree
        self._updates = updates
        self._tell = tell
        self._id = ""
        self.logins: list[str] = []

    async def run(self, prompt: str, model: str, effort: str) -> Ended:
        """How the prompt ended.

        Raises:
            PeerError: the agent refused something, or is gone.
        """
        able = await self._wire.ask(
            "initialize",
            {
                "protocolVersion": VERSION,
                "clientCapabilities": _ABLE,
                "clientInfo": {"name": "controlroom", "version": "1"},
            },
        )
        self.logins = [
            text(each, "name") or text(each, "id") for each in parts(able, "authMethods")
        ]
        if able.get("protocolVersion") != VERSION:
            spoken = able.get("protocolVersion")
            detail = f"it speaks version {spoken!r} of the protocol; {VERSION} is needed"
            return Ended(outcome="crashed", detail=detail[:500])
        opened = await self._wire.ask("session/new", {"cwd": str(self._tree), "mcpServers": []})
        self._id = text(opened, "sessionId")
        self._tell(Began(session=self._id, model=model or _current(opened, "model")))
        await self._choose(opened, "model", model)
        await self._choose(opened, "thought_level", effort)
        return await self._prompt(prompt)

    async def cancel(self) -> None:
        """Have the agent stop, and tell so."""
        if self._id:
            await self._wire.tell("session/cancel", {"sessionId": self._id})

    async def _prompt(self, prompt: str) -> Ended:
        block = {"type": "text", "text": prompt}
        done = await self._wire.ask("session/prompt", {"sessionId": self._id, "prompt": [block]})
        self._tell(*self._updates.end(part(done, "usage")))
        reason = text(done, "stopReason")
        if reason in _CEILINGS:
            return Ended(outcome="ceiling", detail=f"it stopped: {reason}")
        if reason not in ("end_turn", "refusal"):
            return Ended(outcome="crashed", detail=f"it stopped: {reason or 'it does not say why'}")
        if reason == "refusal":
            self._tell(Trouble(text="its model refused"))
        answer = self._updates.answer
        self._tell(Answered(text=answer, structured=answers.structured_in(answer)))
        return Ended(outcome="answered")

    async def _choose(self, opened: Json, category: str, wanted: str) -> None:
        """Set an option of the session, where a value is wanted.

        Raises:
            PeerError: the agent does not offer it.
        """
        if not wanted:
            return
        for option in parts(opened, "configOptions"):
            if text(option, "category") != category:
                continue
            values = _values(option)
            if wanted not in values:
                offered = ", ".join(values)[:500]
                raise PeerError(f"it does not offer {category} {wanted!r}, but {offered}", -1)
            choice = {"configId": text(option, "id"), "value": wanted}
            await self._wire.ask("session/set_config_option", {"sessionId": self._id, **choice})
            return
        self._tell(Trouble(text=f"it lets nobody choose its {category}: {wanted!r} is not used"))


def failure(error: PeerError, session: Session) -> Ended:
    """How an attempt ended that came to an error."""
    detail = str(error)[:1000]
    if error.code == _AUTH_REQUIRED:
        ways = f"; it offers: {', '.join(session.logins)}" if session.logins else ""
        return Ended(outcome="login", detail=f"log it in by its own command: {detail}{ways}")
    if error.code == CLOSED:
        return Ended(outcome="crashed", detail=detail)
    outcome = codex_failures.outcome_of(detail)
    at = codex_failures.retry_at(detail) if outcome == "limited" else None
    return Ended(outcome=outcome, detail=detail, retry_at=at)


def _current(opened: Json, category: str) -> str:
    """What an option of the session is, where the agent says it."""
    for option in parts(opened, "configOptions"):
        if text(option, "category") == category:
            return text(option, "currentValue")
    return ""


def _values(option: Json) -> list[str]:
    found = parts(option, "options")
    flat = [each for group in found for each in parts(group, "options")] or found
    return [text(each, "value") for each in flat if text(each, "value")]
