"""The status as a function of events, liveness and time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import pytest

from engine.core import events as e
from engine.core.events import AnyEvent, Record
from engine.core.parts import Tokens
from engine.core.state import RunState
from engine.reports.status import Status, View, as_json_data, status_of
from engine.runfolder import Heartbeat, Liveness, SlotBeat
from tests.agent_events import at_work, worked
from tests.recorded import (
    NOON,
    began,
    checking,
    created,
    folded,
    iterations,
    judged,
    proposed,
    started,
    stopped,
)

PID = 4711
NOW = datetime.fromisoformat(NOON).timestamp() + 100
VIEW = View(run="made-s0", run_dir="/runs/made-s0")
LATER = "2026-11-21T13:00:00.000Z"
FROZEN = [
    e.FinishPlanned(
        by="cli", source="command", activate_at=NOON, deadline=LATER, final_rounds=1, top_k=10
    ),
    e.FinishBegan(
        deadline=LATER, latest_start=NOON, cut_at=NOON, report_at=NOON, final_rounds=1, leaders=2
    ),
]
MEASURING = e.FinishMoved(phase="measuring", reason="")
WRITING = [e.FinishMoved(phase="reporting", reason=""), e.ReportStarted(top_k=10, within_s=60)]
CANCELLED = e.FinishCancelled(by="cli", phase="final_rounds")
FINISHED = e.RunFinished(reason="target", detail="est_ms reached 0.5 ms", exit_status=0)
PAUSED = e.RunPaused(by="cli", reason="lunch")
HALTED = e.RunPaused(by="guardrail", reason="alike", halt=True)
BUSY = [began(1), proposed(1), checking(1)]
IDLE = [began(1), proposed(1)]
RUNNING = [created(), started(PID)]


def state_of(events: Sequence[AnyEvent]) -> RunState | None:
    records = [
        Record(seq=seq, time=NOON, event=event, hash=b"") for seq, event in enumerate(events, 1)
    ]
    return folded(records) if records else None


def beat(age_s: float = 0.5, **changes: object) -> Heartbeat:
    fields: dict[str, Any] = {
        "pid": PID,
        "start_ticks": 1,
        "boot_id": "b",
        "host": "h",
        "time": NOW - age_s,
        "seq": 0,
        "alive_s": 1.0,
        "state": "running",
    }
    return Heartbeat(**(fields | changes))


def alive(age_s: float = 0.5, pause: str | None = None, **changes: object) -> Liveness:
    return Liveness(holder=PID, heartbeat=beat(age_s, **changes), pause=pause)


def dead(pause: str | None = None) -> Liveness:
    return Liveness(holder=None, heartbeat=beat(50), pause=pause)


def status(events: Sequence[AnyEvent], liveness: Liveness, view: View = VIEW) -> Status:
    return status_of(state_of(events), liveness, NOW, view)


@pytest.mark.parametrize(
    ("events", "liveness", "word", "reason"),
    [
        ([], Liveness(holder=PID, heartbeat=None), "starting", None),
        ([], alive(), "starting", None),
        ([created()], alive(), "starting", None),
        (RUNNING, Liveness(holder=99, heartbeat=beat()), "starting", None),
        ([*RUNNING, stopped()], Liveness(holder=99, heartbeat=beat()), "starting", None),
        (RUNNING, alive(), "running", None),
        ([*RUNNING, *BUSY], alive(4.9), "running", None),
        (RUNNING, Liveness(holder=0, heartbeat=beat()), "running", None),
        (RUNNING, alive(5.1), "stalled", "the engine (pid 4711) has said nothing for 5 s"),
        ([*RUNNING, PAUSED], alive(60), "stalled", "the engine (pid 4711) has said nothing for"),
        (
            RUNNING,
            Liveness(holder=PID, heartbeat=None),
            "stalled",
            "the engine (pid 4711) writes no heartbeat",
        ),
        (RUNNING, alive(waiting="usage limit"), "waiting", "usage limit"),
        ([*RUNNING, PAUSED], alive(), "paused", "lunch"),
        ([*RUNNING, PAUSED, *IDLE], alive(), "paused", "lunch"),
        ([*RUNNING, *BUSY, PAUSED], alive(), "pausing", "lunch"),
        (RUNNING, alive(pause="by shell"), "pausing", "by shell"),
        ([*RUNNING, PAUSED, e.RunResumed(by="cli")], alive(), "running", None),
        ([*RUNNING, PAUSED], alive(waiting="disk"), "paused", "lunch"),
        ([*RUNNING, HALTED], alive(pause="alike"), "halted", "alike"),
        ([*RUNNING, *BUSY, HALTED], alive(), "halted", "alike"),
        ([*RUNNING, HALTED, e.RunResumed(by="cli")], alive(), "running", None),
        ([*RUNNING, HALTED, stopped("halted")], dead("alike"), "stopped", "halted"),
        (
            [*RUNNING, *BUSY, PAUSED, e.StopRequested(by="cli", reason="enough")],
            alive(),
            "stopping",
            "enough",
        ),
        ([*RUNNING, *FROZEN], alive(), "finishing", "final rounds: 0 of 1"),
        ([*RUNNING, *FROZEN, PAUSED], alive(), "paused", "lunch"),
        ([*RUNNING, *FROZEN, PAUSED, MEASURING], alive(), "finishing", "measured again"),
        ([*RUNNING, *FROZEN, MEASURING, *WRITING], alive(), "reporting", "the best 10"),
        ([*RUNNING, WRITING[1]], alive(), "reporting", "the best 10"),
        ([*RUNNING, *FROZEN, CANCELLED], alive(), "running", None),
        ([*RUNNING, FINISHED], alive(), "stopping", "est_ms reached 0.5 ms"),
        ([*RUNNING, stopped("signal")], alive(), "stopping", "signal"),
        ([*RUNNING, stopped("signal")], dead(), "stopped", "signal"),
        ([*RUNNING, PAUSED, stopped("signal")], dead("lunch"), "stopped", "signal"),
        ([*RUNNING, FINISHED, stopped()], dead(), "done", "est_ms reached 0.5 ms"),
        (
            [*RUNNING, FINISHED, stopped(), started(PID)],
            dead(),
            "crashed",
            "the engine (pid 4711) ended without a word",
        ),
        (RUNNING, dead(), "crashed", "the same run command resumes it"),
        ([created()], dead(), "crashed", "ended without a word"),
        ([], Liveness(holder=None, heartbeat=None), "crashed", "ended without a word"),
    ],
)
def test_the_state_in_a_word(
    events: list[AnyEvent], liveness: Liveness, word: str, reason: str | None
) -> None:
    found = status(events, liveness)
    assert found.state == word
    if reason is None:
        assert found.reason is None
    else:
        assert found.reason is not None
        assert reason in found.reason


def test_a_damaged_journal_is_the_reason_of_a_run_at_rest() -> None:
    view = VIEW._replace(journal="the journal is unusable: it is empty")
    assert status([], dead(), view).reason == "the journal is unusable: it is empty"
    assert status(RUNNING, alive(), view).reason is None
    assert status(RUNNING, alive(), view).journal == "the journal is unusable: it is empty"


def test_the_json_has_exactly_the_documented_fields() -> None:
    data = as_json_data(status([*RUNNING, *iterations(3), began(4), proposed(4)], alive()))
    assert data == {
        "run": "made-s0",
        "run_dir": "/runs/made-s0",
        "campaign": "made",
        "state": "running",
        "reason": None,
        "until": None,
        "phase": "deciding",
        "iteration": 4,
        "counts": {"promoted": 2, "rejected": 1},
        "failures_counted": 0,
        "champion": {
            "candidate": "c-0002",
            "metric": "est_ms",
            "value": 0.5,
            "unit": "ms",
            "iteration": 2,
            "label": "static estimate",
            "forgeable": False,
            "confidence": "exploratory",
            "doubt": "",
            "again": None,
        },
        "baseline": {
            "candidate": "c-0001",
            "value": 1.0,
            "first": 1.0,
            "drift": None,
            "drifted": False,
            "text": "",
        },
        "heartbeat_age_s": 0.5,
        "approvals": [],
        "slots": [{"slot": 0, "iteration": 4, "phase": "deciding", "since_s": 100.0}],
        "spend": {"usd": 0.0, "tokens": 0, "unpriced_tokens": 0, "untold_attempts": 0},
        "checking": {"checks_s": 1.5, "pairs_s": 0.0, "again_s": 0.0},
        "noise": None,
        "engine": {"pid": 4711, "alive": True},
        "limits": {
            "iterations": 100,
            "for_s": None,
            "plateau": None,
            "failures": None,
            "failures_in_all": None,
            "stop_at_target": False,
            "usd": None,
            "tokens": None,
            "exit_on_halt": False,
            "finish": {
                "minutes": 60.0,
                "before_for": None,
                "final_rounds": 1,
                "top_k": 10,
                "report": True,
            },
        },
        "finish": None,
        "report": None,
        "mentor": None,
        "worker": None,
        "repairs": {"begun": 0, "repaired": 0, "failed": 0, "skipped": 0, "open": None},
        "jobs": [],
        "journal": "ok",
    }
    assert msgspec.json.decode(msgspec.json.encode(data)) == data


def test_a_run_of_which_nothing_is_known() -> None:
    data = as_json_data(status([], Liveness(holder=None, heartbeat=None)))
    assert data["run"] == "made-s0"
    assert data["campaign"] is data["champion"] is data["heartbeat_age_s"] is data["limits"] is None
    assert data["engine"] == {"pid": None, "alive": False}


def test_slots_come_from_whichever_knows_more() -> None:
    slots = [
        SlotBeat(slot=1, iteration=2, phase="waits for a core", since=NOW - 3),
        SlotBeat(slot=0, iteration=1, phase="cost", since=NOW - 9.5),
    ]
    events = [*RUNNING, *BUSY, began(2, slot=1)]
    newer = status(events, alive(seq=len(events), slots=slots))
    assert [(each.slot, each.phase, each.since_s) for each in newer.slots] == [
        (0, "cost", 9.5),
        (1, "waits for a core", 3.0),
    ]
    assert newer.phase == "cost, waits for a core"
    older = status(events, alive(seq=len(events) - 1, slots=slots))
    assert [(each.slot, each.phase, each.since_s) for each in older.slots] == [
        (0, "cost", 100.0),
        (1, "deciding", 100.0),
    ]


def test_a_run_that_is_not_alive_has_no_slots() -> None:
    found = status([*RUNNING, *BUSY], dead())
    assert found.slots == []
    assert found.engine.alive is False
    assert found.engine.pid == PID


def test_a_heartbeat_from_the_future_is_fresh() -> None:
    """Clocks of two hosts differ."""
    found = status(RUNNING, alive(-30))
    assert found.state == "running"
    assert found.heartbeat_age_s == 0.0


def limited(retry_at: str | None) -> list[AnyEvent]:
    """An agent's attempt, at the end of which its provider says when to come back."""
    return [*RUNNING, *at_work(1), worked(1, outcome="limited", retry_at=retry_at)]


def test_an_agent_that_is_parked_waits() -> None:
    found = status(limited("2026-11-21T14:20:00Z"), alive())
    assert (found.state, found.until) == ("waiting", "2026-11-21T14:20:00Z")
    assert found.reason == "usage limit, until 2026-11-21 14:20 UTC"


def test_a_run_whose_agent_is_parked_runs_while_a_check_does() -> None:
    events = [*limited("2026-11-21T14:20:00Z"), began(2, slot=1), proposed(2), checking(2)]
    found = status(events, alive())
    assert (found.state, found.until) == ("running", None)


def test_an_agent_whose_time_has_come_waits_no_more() -> None:
    found = status(limited("2026-11-21T12:01:00Z"), alive())
    assert (found.state, found.until, found.reason) == ("running", None, None)


def test_a_slot_in_which_an_agent_works_says_which() -> None:
    events = [*RUNNING, *at_work(1)]
    (slot,) = status(events, alive()).slots
    assert (slot.phase, slot.since_s) == ("codex", 100.0)
    assert status([*events, PAUSED], alive()).state == "pausing"


def test_what_agents_have_used() -> None:
    unpriced = worked(2, cost_usd=None)
    events = [*RUNNING, *at_work(1), worked(1), *at_work(2), unpriced]
    spend = as_json_data(status(events, alive()))["spend"]
    assert spend == {
        "usd": 0.0421, "tokens": 24_690, "unpriced_tokens": 12_345, "untold_attempts": 0,
    }  # fmt: skip
    silent = worked(3, cost_usd=None, tokens=Tokens())
    events += [*at_work(3), silent]
    spend = as_json_data(status(events, alive()))["spend"]
    assert spend["untold_attempts"] == 1


def test_failures_that_count_are_counted() -> None:
    failed = msgspec.structs.replace(judged(1, None, "infra"), consequence="counted")
    assert status([*RUNNING, began(1), proposed(1), failed], alive()).failures_counted == 1
