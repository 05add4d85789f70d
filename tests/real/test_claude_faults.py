"""The real claude program against a service that fails: how it ends, and what it says."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models import messages
from tests.models.claude_command import (
    DONE,
    argv,
    claude_place,
    run,
    summed,
    told,
)
from tests.models.programs import Place
from tests.models.script import (
    Cut,
    Fault,
    Garbage,
    Refusal,
    Stall,
    UsageLimit,
    rate_limited,
    server_error,
    unauthorized,
)
from tests.models.server import refusing_url

pytestmark = pytest.mark.long
"""The programs are pinned: what they do changes with the pins; campaigns use them in CI."""

TOKEN = "sk-ant-oat01-not-a-real-token"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A repository, and an isolated home."""
    with claude_place(tmp_path) as place:
        yield place


@pytest.mark.parametrize(
    ("fault", "kind", "status", "calls"),
    [
        (rate_limited(times=None), "rate_limit", 429, 2),
        (rate_limited(retry_after_s=3600), "rate_limit", 429, 1),
        (server_error(times=None), "server_error", 500, 2),
        (Refusal(status=529, kind="overloaded_error", times=None), "server_error", 529, 2),
        (unauthorized(times=None), "authentication_failed", 401, 2),
        (
            Refusal(
                status=400,
                kind="invalid_request_error",
                message="Your credit balance is too low to access the Anthropic API.",
                times=None,
            ),
            "billing_error",
            400,
            1,
        ),
    ],
)
def test_a_fault_ends_the_run_with_its_class(
    place: Place, fault: Fault, kind: str, status: int, calls: int
) -> None:
    with messages.serve([fault]) as server:
        ended = run(place, server)
    assert ended.status == 1
    said, result = ended.only("assistant"), ended.only("result")
    assert (said["error"], said["api_error_status"]) == (kind, status)
    assert (result["subtype"], result["is_error"]) == ("success", True)
    assert result["api_error_status"] == status
    assert len(ended.of("system")) > calls - 1
    assert len(server.ledger.calls) == calls


@pytest.mark.parametrize(
    "fault", [rate_limited(retry_after_s=1), Cut(), Garbage(), Garbage(line_bytes=1_000_000)]
)
def test_a_fault_that_passes_is_outlived_and_its_cost_is_counted(
    place: Place, fault: Fault
) -> None:
    with messages.serve([fault, DONE]) as server:
        ended = run(place, server)
    assert ended.status == 0, ended.events
    assert ended.only("result")["result"] == "done"
    counted, billed = summed(ended), told(server.ledger.billed)
    rounding = counted.pop("output_tokens") - billed.pop("output_tokens")
    assert counted == billed
    assert 0 <= rounding < 20, "of an answer that was cut it can only guess the output"


def test_a_plan_that_is_used_up_says_when_it_is_back(place: Place) -> None:
    resets_at_s = int(time.time()) + 3 * 3600
    with messages.serve([UsageLimit(resets_at_s=resets_at_s)]) as server:
        token = {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": TOKEN}
        ended = run(place, server, **token)
    assert ended.status == 1
    limit = ended.only("rate_limit_event")["rate_limit_info"]
    assert (limit["status"], limit["resetsAt"]) == ("rejected", resets_at_s)
    assert ended.only("assistant")["api_error"] == "usage_limit_reached"
    assert "hit your 5-hour limit · resets" in ended.only("result")["result"]
    assert server.ledger.calls[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_refused_connection_is_given_up(place: Place) -> None:
    with refusing_url() as url:
        place.env["ANTHROPIC_BASE_URL"] = url
        ended = place.run(argv(), "x")
    assert ended.status == 1
    assert ended.only("result")["is_error"]


def test_silence_before_an_answer_is_bounded(place: Place) -> None:
    with messages.serve([Stall(in_stream=False, times=None)]) as server:
        ended = run(place, server, API_TIMEOUT_MS="1000")
    assert ended.status == 1
    assert "timed out" in ended.only("result")["result"]
    assert len(server.ledger.calls) == 2


@pytest.mark.long
def test_silence_in_an_answer_is_bounded_by_ten_seconds_at_the_least(place: Place) -> None:
    with messages.serve([Stall(in_stream=True, times=None)]) as server:
        ended = run(
            place,
            server,
            CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS="1",
            CLAUDE_CODE_MAX_RETRIES="0",
            CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK="1",
        )
    assert ended.status == 1
    assert ended.lasted_s > 10
    assert ended.only("assistant")["api_error"] == "stream_idle_timeout"
