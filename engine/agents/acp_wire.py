"""JSON-RPC over the pipes of a child: requests both ways, one JSON object a line."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import msgspec
from anyio.abc import ByteReceiveStream, ByteSendStream, TaskGroup

from engine.agents.acp_json import Json, parsed, part, text
from engine.agents.lines import Lines, TooLong

METHOD_NOT_FOUND: Final = -32601
INVALID: Final = -32602
CLOSED: Final = 0
"""The code of the error that stands for a peer that has gone."""

_SHOWN: Final = 300
_MOST_COMPLAINTS: Final = 20


class PeerError(Exception):
    """The other side refused a request, or is gone."""

    def __init__(self, message: str, code: int = CLOSED, data: object = None) -> None:
        detail = "" if data in (None, {}, message) else f": {msgspec.json.encode(data).decode()}"
        super().__init__(f"{message}{detail}")
        self.code = code


Handler = Callable[[str, Json], Awaitable[Json]]
"""Answers a request of the other side, by its method and parameters; a PeerError refuses it."""


class Wire:
    """Both directions of one connection.

    Args:
        receive: what the other side prints.
        send: what it reads.
        on_request: answers its requests, several at a time.
        on_notice: called with its notifications, in their order.
        on_garbage: called with what is no message, some times.
    """

    def __init__(
        self,
        receive: ByteReceiveStream,
        send: ByteSendStream,
        *,
        on_request: Handler,
        on_notice: Callable[[str, Json], None],
        on_garbage: Callable[[str], None],
    ) -> None:
        self._receive = receive
        self._send = send
        self._on_request = on_request
        self._on_notice = on_notice
        self._on_garbage = on_garbage
        self._sending = anyio.Lock()
        self._waiting: dict[int, Callable[[Json | PeerError], None]] = {}
        self._asked = 0
        self._complaints = 0
        self._closed = False

    async def listen(self) -> None:
        """Take in what comes, until the other side closes."""
        lines = Lines()
        async with anyio.create_task_group() as tasks:
            async for data in self._receive:
                for line in lines.feed(data):
                    self._take(line, tasks)
            for line in lines.finish():
                self._take(line, tasks)
            self.close()
            tasks.cancel_scope.cancel()

    async def ask(self, method: str, params: Json) -> Json:
        """The result of a request.

        Raises:
            PeerError: it was refused, or the other side is gone.
        """
        self._asked += 1
        name, answered = self._asked, anyio.Event()
        found: list[Json | PeerError] = []

        def settle(result: Json | PeerError) -> None:
            found.append(result)
            answered.set()

        self._waiting[name] = settle
        if self._closed:
            self.close()
        else:
            await self._write({"id": name, "method": method, "params": params})
        await answered.wait()
        if isinstance(found[0], PeerError):
            raise found[0]
        return found[0]

    async def tell(self, method: str, params: Json) -> None:
        """Send a notification."""
        await self._write({"method": method, "params": params})

    def _take(self, line: bytes | TooLong, tasks: TaskGroup) -> None:
        if isinstance(line, TooLong):
            self._complain(f"a line of {line.size_bytes} bytes was left out")
            return
        if not line.strip():
            return
        message = parsed(line)
        if message is None:
            self._complain(f"no message: {line[:_SHOWN].decode(errors='replace')}")
        elif "method" in message and "id" in message:
            tasks.start_soon(self._answer, message)
        elif "method" in message:
            self._on_notice(text(message, "method"), part(message, "params"))
        else:
            self._settle(message)

    def _settle(self, message: Json) -> None:
        name = message.get("id")
        settle = self._waiting.pop(name, None) if type(name) is int else None
        if settle is None:
            self._complain(f"an answer to nothing that was asked: {name!r}"[:_SHOWN])
        elif "error" in message:
            error = part(message, "error")
            code = error.get("code")
            words = text(error, "message") or "it says no more"
            known = code if isinstance(code, int) else METHOD_NOT_FOUND
            settle(PeerError(words, known, error.get("data")))
        else:
            settle(part(message, "result"))

    async def _answer(self, message: Json) -> None:
        reply: dict[str, Any] = {"id": message["id"]}
        try:
            method = text(message, "method")
            reply["result"] = await self._on_request(method, part(message, "params"))
        except PeerError as error:
            reply["error"] = {"code": error.code, "message": str(error)}
        await self._write(reply)

    async def _write(self, message: dict[str, Any]) -> None:
        line = msgspec.json.encode({"jsonrpc": "2.0", **message}) + b"\n"
        try:
            async with self._sending:
                await self._send.send(line)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # what it still prints is taken in; its end settles what was asked

    def _complain(self, words: str) -> None:
        self._complaints += 1
        if self._complaints <= _MOST_COMPLAINTS:
            self._on_garbage(words)

    def close(self) -> None:
        """Take the other side for gone: nothing that was asked is answered any more."""
        self._closed = True
        waiting, self._waiting = self._waiting, {}
        for settle in waiting.values():
            settle(PeerError("it has closed the connection"))
