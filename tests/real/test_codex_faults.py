"""The real codex program against a service that fails: how it ends, and what it says."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models import responses
from tests.models.codex_command import (
    DONE,
    argv,
    called,
    codex_place,
    rollout,
    run,
    told,
)
from tests.models.programs import Place
from tests.models.script import (
    Cut,
    Fault,
    Garbage,
    Refusal,
    Stall,
    StreamError,
    UsageLimit,
    rate_limited,
    server_error,
    unauthorized,
)
from tests.models.server import refusing_url
from tests.models.usage import NOTHING

pytestmark = pytest.mark.long
"""The programs are pinned: what they do changes with the pins; campaigns use them in CI."""

IMPATIENT = ("-c", "model_providers.room.stream_idle_timeout_ms=1000")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A repository, and an isolated home."""
    with codex_place(tmp_path) as place:
        yield place


@pytest.mark.parametrize(
    ("fault", "message", "calls"),
    [
        (rate_limited(times=None), "exceeded retry limit, last status: 429", 1),
        (server_error(times=None), "high demand", 4),
        (unauthorized(times=None), "401 Unauthorized: invalid API key", 2),
        (Refusal(status=400, message="no such thing", times=None), "no such thing", 1),
        (Refusal(status=429, kind="insufficient_quota", times=None), "Quota exceeded", 1),
        (Cut(times=None), "stream closed before response.completed", 2),
        (Garbage(times=None), "stream closed before response.completed", 2),
        (Garbage(line_bytes=1_000_000, times=None), "stream closed before", 2),
        (Stall(in_stream=True, times=None), "idle timeout waiting for SSE", 2),
        (StreamError(kind="insufficient_quota", message="", times=None), "Quota exceeded", 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Fault) else "",
)
def test_a_fault_ends_the_turn_with_a_message(
    place: Place, fault: Fault, message: str, calls: int
) -> None:
    with responses.serve([fault]) as server:
        ended = run(place, server, *(IMPATIENT if isinstance(fault, Stall) else ()))
    assert ended.status == 1
    assert message in ended.only("turn.failed")["error"]["message"]
    assert len(server.ledger.calls) == calls
    assert called(place) == []
    assert server.ledger.told == NOTHING


@pytest.mark.parametrize("fault", [rate_limited(retry_after_s=1), Cut(), Garbage()])
def test_a_fault_that_passes_is_outlived(place: Place, fault: Fault) -> None:
    with responses.serve([fault, DONE]) as server:
        ended = run(place, server)
    assert ended.status == 0, ended.events
    assert "Reconnecting... 1/1" in ended.only("error")["message"]
    assert ended.only("turn.completed")["usage"] == told(server.ledger.told)


@pytest.mark.parametrize(("in_s", "form"), [(2 * 60, "%-I:%M %p"), (90_000, "%b %-d")])
def test_a_used_up_plan_says_when_it_is_back(place: Place, in_s: int, form: str) -> None:
    resets_at_s = int(time.time()) + in_s
    with responses.serve([UsageLimit(resets_at_s=resets_at_s)]) as server:
        ended = run(place, server)
    text = ended.only("turn.failed")["error"]["message"]
    moment = time.gmtime(resets_at_s)
    assert "hit your usage limit" in text
    assert f"try again at {time.strftime(form, moment)}" in " ".join(text.split())
    limits = [
        line["payload"]["rate_limits"]["primary"]["resets_at"]
        for line in rollout(place)
        if line["payload"].get("type") == "token_count"
    ]
    assert limits == [resets_at_s], "the exact moment is in the session's file"
    assert rollout(place)[-1]["payload"]["error"]["codex_error_info"] == "usage_limit_exceeded"


def test_a_used_up_plan_may_not_say_when(place: Place) -> None:
    with responses.serve([UsageLimit()]) as server:
        ended = run(place, server)
    assert ended.only("turn.failed")["error"]["message"].endswith("again later.")


def test_a_refused_connection_is_given_up(place: Place) -> None:
    with refusing_url() as url:
        ended = place.run(argv(place, url), "x")
    assert ended.status == 1
    assert "Connection failed" in ended.only("turn.failed")["error"]["message"]


def test_silence_before_an_answer_has_no_end_but_sigterm(place: Place) -> None:
    with responses.serve([Stall(in_stream=False)]) as server:
        running = place.start(argv(place, server.url), "x")
        server.ledger.wait_for(1)
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(3)
        ended = running.terminate()
    assert ended.status == -15
    assert [event["type"] for event in ended.events] == ["thread.started", "turn.started"]
