"""The scripted services themselves, without any agent: both protocols, in order and out of it."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.driving import wait_for
from tests.models import messages, responses
from tests.models.script import (
    Answer,
    Conversation,
    Cut,
    Fault,
    Garbage,
    Refusal,
    Say,
    Script,
    Shell,
    Stall,
    StreamError,
    Turn,
    UsageLimit,
    follow,
    rate_limited,
)
from tests.models.server import ModelServer, refusing_url
from tests.models.usage import NOTHING, Outcome, Prices, Usage

COST = Usage(fresh=1, cached=20, cache_written=300, output=4000, reasoning=1000)


class Client:
    """A client of one protocol, as far as these tests need one."""

    def __init__(self, name: str) -> None:
        self.name = name

    def serve(self, script: Script) -> ModelServer:
        return messages.serve(script) if self.name == "messages" else responses.serve(script)

    def body(self, prompt: str, turns: int = 0) -> bytes:
        """A request after so many turns of the model, each with one tool call."""
        if self.name == "messages":
            said: list[Any] = [{"role": "user", "content": prompt}]
            for _turn in range(turns):
                result = {"type": "tool_result", "content": [{"type": "text", "text": "out"}]}
                said.append({"role": "assistant", "content": [{"type": "text", "text": "x"}]})
                said.append({"role": "user", "content": [result]})
            fields = {"messages": said, "tools": [{"name": "Bash"}]}
        else:
            said = [{"role": "user", "content": [{"type": "input_text", "text": prompt}]}]
            for turn in range(turns):
                call = f"call_t{turn}_x"
                said.append({"type": "function_call", "id": f"fc_t{turn}_y", "call_id": call})
                said.append({"type": "function_call_output", "call_id": call, "output": "out"})
            fields = {"input": said, "tools": [{"type": "function"}]}
        return msgspec.json.encode({"model": "m", "stream": True, **fields})

    def ask(self, server: ModelServer, body: bytes) -> tuple[int, bytes]:
        """Status and body of the response; what was cut off is left as it is."""
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        path = "/v1/messages" if self.name == "messages" else "/v1/responses"
        connection.request("POST", path, body)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text

    def whole(self, text: bytes) -> bool:
        """Whether a stream came to its proper end."""
        return text.rstrip().endswith(b'"message_stop"}') or b"response.completed" in text


@pytest.fixture(params=["messages", "responses"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


def test_turns_and_faults_come_in_order_and_are_billed(client: Client) -> None:
    script = [rate_limited(times=2), Turn((Say("a b"), Shell("true")), COST), Turn((Answer("c"),))]
    with client.serve(script) as server:
        answers = [client.ask(server, client.body("hello", turn)) for turn in (0, 0, 0, 1)]
    assert [status for status, _text in answers] == [429, 429, 200, 200]
    assert [client.whole(text) for _status, text in answers] == [False, False, True, True]
    assert [call.billed for call in server.ledger.calls] == [NOTHING, NOTHING, COST, Usage()]
    assert server.ledger.billed == server.ledger.told == COST + Usage()
    prices = Prices(fresh_usd=1e6, cached_usd=1e6, cache_written_usd=1e6, output_usd=1e6)
    assert server.ledger.cost_usd(prices) == 4321 + 1050


def test_the_cost_is_written_as_the_protocol_counts_it(client: Client) -> None:
    with client.serve([Turn((Answer("x"),), COST)]) as server:
        _status, text = client.ask(server, client.body("x"))
    if client.name == "messages":
        assert b'"input_tokens":1,"cache_creation_input_tokens":300' in text
    else:
        assert b'"input_tokens":321,' in text
        assert b'"total_tokens":4321' in text


def test_a_fault_may_last_for_ever(client: Client) -> None:
    with client.serve([Refusal(status=503, times=None), Turn((Answer("never"),))]) as server:
        assert {client.ask(server, client.body("x"))[0] for _ in range(5)} == {503}


def test_what_is_not_in_the_script_fails_the_test(client: Client) -> None:
    with pytest.raises(AssertionError, match="not in the script"), client.serve([]) as server:
        assert client.ask(server, client.body("x"))[0] == 400
    with pytest.raises(AssertionError, match="not in the script"), client.serve([]) as server:
        assert client.ask(server, b"no JSON")[0] == 400


def test_other_paths_are_no_calls(client: Client) -> None:
    with client.serve([]) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        for method, path in (("GET", "/v1/models"), ("HEAD", "/"), ("POST", "/telemetry")):
            connection.request(method, path, b"{}")
            response = connection.getresponse()
            response.read()
            assert response.status == 404
        connection.close()
    assert [request.outcome for request in server.ledger.requests] == [Outcome.OTHER] * 3
    assert server.ledger.calls == []


def test_a_choice_sees_the_conversation(client: Client) -> None:
    seen: list[Conversation] = []

    def choose(conversation: Conversation) -> Turn:
        seen.append(conversation)
        return Turn((Answer("ok"),))

    with client.serve(choose) as server:
        client.ask(server, client.body("how are you", 2))
    (conversation,) = seen
    assert (conversation.turns, conversation.results) == (2, ("out", "out"))
    assert conversation.prompt.startswith("how are you")
    assert (conversation.model, conversation.streamed, conversation.structured) == (
        "m",
        True,
        False,
    )


def test_several_agents_follow_one_script_at_once(client: Client) -> None:
    turns = [Turn((Answer(f"turn-{number}"),)) for number in range(3)]
    heard: list[Sequence[bytes]] = []

    def agent(name: int) -> None:
        answers = [client.ask(server, client.body(f"agent {name}", turn)) for turn in range(3)]
        heard.append([text for _status, text in answers])

    with client.serve(follow(turns)) as server:
        agents = [threading.Thread(target=agent, args=(name,)) for name in range(8)]
        for thread in agents:
            thread.start()
        for thread in agents:
            thread.join()
    assert len(heard) == 8
    for texts in heard:
        assert [f"turn-{n}".encode() in text for n, text in enumerate(texts)] == [True] * 3
    assert len(server.ledger.calls) == 24


def test_a_question_without_tools_is_beside_the_script(client: Client) -> None:
    body = msgspec.json.decode(client.body("a title, please"))
    del body["tools"]
    with client.serve([]) as server:
        _status, text = client.ask(server, msgspec.json.encode(body))
    assert client.whole(text)
    assert server.ledger.billed.input == 20


@pytest.mark.parametrize(
    "fault",
    [Cut(usage=COST), Garbage(line_bytes=1_000_000), StreamError(kind="k", message="m")],
)
def test_a_broken_stream_does_not_end_well(client: Client, fault: Fault) -> None:
    with client.serve([fault]) as server:
        status, text = client.ask(server, client.body("x"))
    assert status == 200
    assert not client.whole(text)
    assert max(len(line) for line in text.splitlines()) > 1_000_000 or not isinstance(
        fault, Garbage
    )
    (call,) = server.ledger.calls
    assert call.billed == (COST.begun() if isinstance(fault, Cut) else NOTHING)
    told = COST.begun() if isinstance(fault, Cut) and client.name == "messages" else NOTHING
    assert call.told == told


@pytest.mark.parametrize("resets_at_s", [None, 2_000_000_000])
def test_a_used_up_plan_names_the_moment_if_it_is_known(
    client: Client, resets_at_s: int | None
) -> None:
    with client.serve([UsageLimit(resets_at_s=resets_at_s)]) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        connection.request("POST", f"/v1/{client.name}", client.body("x"))
        response = connection.getresponse()
        text = response.read().decode() + str(response.headers)
        connection.close()
    assert response.status == 429
    assert ("2000000000" in text) is (resets_at_s is not None)


@pytest.mark.parametrize("in_stream", [False, True])
def test_a_stall_lasts_until_the_service_closes(client: Client, *, in_stream: bool) -> None:
    ended = threading.Event()

    def ask() -> None:
        with contextlib.suppress(http.client.HTTPException):
            client.ask(server, client.body("x"))
        ended.set()

    with client.serve([Stall(in_stream=in_stream)]) as server:
        threading.Thread(target=ask, daemon=True).start()
        server.ledger.wait_for(1)
        assert not ended.wait(0.3)
    assert ended.wait(5)


def test_a_client_that_goes_away_has_cost_something(client: Client) -> None:
    slow = Turn((Say("word " * 2000),), COST, pace_s=0.005)
    with client.serve([slow]) as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        body = client.body("x")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            head = f"POST /v1/{client.name} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            connection.recv(100)
        server.ledger.wait_for(1)
    (call,) = server.ledger.calls
    assert (call.outcome, call.billed) == (Outcome.BROKEN, COST.begun())


def test_a_closed_service_and_a_refusing_address_refuse(client: Client) -> None:
    with client.serve([]) as server:
        pass
    with refusing_url() as url:
        for address in (server.url, url):
            host, _, port = address.removeprefix("http://").partition(":")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, int(port)), timeout=5)
    wait_for(lambda: "model server" not in [thread.name for thread in threading.enumerate()])
