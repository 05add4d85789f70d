"""A model service on the loopback that follows a script, fails as told, and keeps a ledger."""

import socket
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, Self, assert_never

import msgspec

from tests.models.script import (
    Answer,
    Choice,
    Conversation,
    Cut,
    Fault,
    Garbage,
    InOrder,
    Refusal,
    Say,
    Script,
    Stall,
    StreamError,
    Turn,
    UsageLimit,
)
from tests.models.usage import NOTHING, Ledger, Outcome, Request, Usage

SIDE = Turn((Answer("ok"),), Usage(fresh=20, cached=0, output=2, reasoning=0))
"""The answer to a question beside the conversation, such as one for a title."""

UNFINISHED = (Say("This answer will not come to its end, whatever happens."),)


class Reply(msgspec.Struct, frozen=True):
    """A whole response."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


class Protocolled(Protocol):
    """How one service writes what a script says."""

    def conversation(self, path: str, body: bytes) -> Conversation | None:
        """What a request to a model holds; None when it is no call of a model.

        Raises:
            msgspec.MsgspecError: the body is not what the service takes.
        """
        ...

    def answer(self, turn: Turn, conversation: Conversation) -> Sequence[bytes]:
        """The pieces of a response body: events, or one JSON text where no stream is wanted."""
        ...

    def refuse(self, fault: Refusal | UsageLimit | StreamError) -> Reply:
        """The response for a request that fails in an orderly way."""
        ...

    def begun(self, usage: Usage) -> Usage:
        """What the client learns of a call's cost when only half of its stream comes."""
        ...


class ModelServer:
    """A running service. Leave the `with` block to stop it: it fails if something was unscripted.

    Attributes:
        url: where it is, without a path.
        ledger: every request that came.
    """

    def __init__(self, protocol: Protocolled, script: Script) -> None:
        self.protocol = protocol
        self.ledger = Ledger()
        self.closing = threading.Event()
        self.choose: Choice = script if callable(script) else InOrder(script)
        self.turn_taking = threading.Lock()
        self._http = _HttpServer(self)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._serve, name="model server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self.close()
        if kind is None:
            assert not self.ledger.of(Outcome.UNSCRIPTED), "a request was not in the script"
            assert not self._http.errors, self._http.errors

    def close(self) -> None:
        """Stop answering; what stalls is let go, and the port refuses connections from now on."""
        if not self.closing.is_set():
            self.closing.set()
            socket.create_connection(("127.0.0.1", self._http.server_port)).close()
            self._thread.join()
            self._http.server_close()

    def _serve(self) -> None:
        while not self.closing.is_set():
            self._http.handle_request()


class _HttpServer(ThreadingHTTPServer):
    """The sockets of a ModelServer: one thread for each connection."""

    daemon_threads = True

    def __init__(self, models: ModelServer) -> None:
        self.models = models
        self.errors: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Remember what went wrong in a handler; a client that went away is nothing wrong."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.errors.append(repr(error))


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _HttpServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._note(self._body(), Outcome.OTHER)
        self._send(Reply(404, b"{}"))

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self._body()
        models = self.server.models
        try:
            conversation = models.protocol.conversation(self.path, body)
        except msgspec.MsgspecError:
            self._note(body, Outcome.UNSCRIPTED)
            return self._send(Reply(400, b"{}"))
        if conversation is None:
            self._note(body, Outcome.OTHER)
            return self._send(Reply(404, b"{}"))
        with models.turn_taking:
            chosen = models.choose(conversation) if conversation.tooled else SIDE
        if chosen is None:
            self._note(body, Outcome.UNSCRIPTED)
            return self._send(Reply(400, b'{"error": {"message": "not in the script"}}'))
        return self._give(chosen, conversation, body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _give(self, chosen: Turn | Fault, conversation: Conversation, body: bytes) -> None:
        protocol = self.server.models.protocol
        match chosen:
            case Turn():
                self._turn(chosen, conversation, body)
            case Refusal() | UsageLimit() | StreamError():
                self._note(body, Outcome.REFUSED)
                self._send(protocol.refuse(chosen))
            case Garbage():
                self._note(body, Outcome.BROKEN)
                line = b"data: {" + b"x" * chosen.line_bytes + b"\n\n"
                self._stream([line], {}, conversation)
            case Stall(in_stream=False):
                self._note(body, Outcome.BROKEN, chosen.usage.begun())
                self.server.models.closing.wait(chosen.lasts_s)
                self.close_connection = True
            case Stall() | Cut():
                half = Turn(UNFINISHED, chosen.usage)
                pieces = protocol.answer(half, conversation)
                self._note(body, Outcome.BROKEN, half.usage.begun(), protocol.begun(half.usage))
                self._stream(pieces[: len(pieces) // 2], {}, conversation)
                if isinstance(chosen, Stall):
                    self.server.models.closing.wait(chosen.lasts_s)
            case _:
                assert_never(chosen)

    def _turn(self, turn: Turn, conversation: Conversation, body: bytes) -> None:
        protocol = self.server.models.protocol
        *pieces, last = protocol.answer(turn, conversation)
        known = protocol.begun(turn.usage)
        ledger = self.server.models.ledger
        broken = self._request(body, Outcome.BROKEN, turn.usage.begun(), known)
        try:
            self._stream(pieces, turn.headers, conversation, turn.pace_s)
        except ConnectionError:
            ledger.add(broken)
            raise
        answered = self._request(body, Outcome.ANSWERED, turn.usage, turn.usage)
        ledger.add(answered)
        try:
            self.wfile.write(last)
        except ConnectionError:
            ledger.correct(answered, broken)
            raise

    def _note(
        self, body: bytes, outcome: Outcome, billed: Usage = NOTHING, told: Usage = NOTHING
    ) -> None:
        self.server.models.ledger.add(self._request(body, outcome, billed, told))

    def _request(self, body: bytes, outcome: Outcome, billed: Usage, told: Usage) -> Request:
        return Request(
            at_s=time.time(),
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            outcome=outcome,
            billed=billed,
            told=told,
        )

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"content-type": "application/json", "content-length": str(len(reply.body))}
        for name, value in (headers | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def _stream(
        self,
        pieces: Sequence[bytes],
        headers: dict[str, str],
        conversation: Conversation,
        pace_s: float = 0.0,
    ) -> None:
        self.close_connection = True
        self.send_response(200)
        kind = "text/event-stream" if conversation.streamed else "application/json"
        for name, value in ({"content-type": kind, "connection": "close"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
            if pace_s:
                self.server.models.closing.wait(pace_s)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@contextmanager
def refusing_url() -> Generator[str]:
    """An address on which connections are refused as long as the block lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
