"""Journals and run folders made without an engine."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from engine.core import events as e
from engine.core.events import AnyEvent, Record
from engine.core.fold import fold
from engine.core.ids import CandidateId, IterationNumber, RunId, TraceId, candidate_id
from engine.core.metric import Metric
from engine.core.state import RunState
from engine.core.verdict import Verdict
from engine.journal import Journal
from engine.runfolder import RunPaths, create_run_folder, identity

NOON = "2026-11-21T12:00:00.000000+00:00"
LOG = e.LogSpan(path="logs/00001.log")


def created(run: str = "made-s0") -> e.RunCreated:
    """The first event of a run that climbs down `est_ms`."""
    return e.RunCreated(
        run=RunId(run),
        campaign="made",
        campaign_sha256="00",
        campaign_path="made.yaml",
        document={"campaign": "made"},
        seed=0,
        slots=1,
        metric=Metric(name="est_ms", unit="ms", direction="min", label="static estimate"),
        limits=e.Limits(iterations=100),
    )


def started(pid: int | None = None, alive_s: float = 0.0) -> e.EngineStarted:
    """An engine that took the run: this process, unless another pid is given."""
    own = identity.own()
    return e.EngineStarted(
        pid=pid or own.pid,
        start_ticks=own.start_ticks,
        boot_id=own.boot_id,
        host=own.host,
        version="0",
        alive_s=alive_s,
        fingerprint={},
    )


def stopped(reason: str = "drained", exit_status: int = 0) -> e.EngineStopped:
    """The engine ended in good order."""
    return e.EngineStopped(reason=reason, exit_status=exit_status, alive_s=1.0)


def began(number: int, slot: int = 0) -> e.IterationStarted:
    """A slot began an iteration."""
    trace = TraceId(f"trace-{number}")
    return e.IterationStarted(iteration=IterationNumber(number), slot=slot, trace_id=trace)


def proposed(number: int) -> e.CandidateProposed:
    """What an iteration judges."""
    return e.CandidateProposed(
        iteration=IterationNumber(number),
        candidate=candidate_id(IterationNumber(number)),
        parameters={"chunk": 64 * number, "inverse": "ladder"},
        key=f"key-{number}",
        seed=number,
        parents=[CandidateId("c-0001")] if number > 1 else [],
        tags=["explore"],
        proposer="evolution",
    )


def checking(number: int, attempt: int = 1) -> e.CheckStarted:
    """The intent to run the check `cost`."""
    candidate = candidate_id(IterationNumber(number))
    return e.CheckStarted(
        iteration=IterationNumber(number),
        candidate=candidate,
        check="cost",
        attempt=attempt,
        log=LOG,
    )


def checked(number: int, value: float) -> e.CheckFinished:
    """The check `cost` passed and reported `est_ms`."""
    return e.CheckFinished(
        iteration=IterationNumber(number),
        candidate=candidate_id(IterationNumber(number)),
        check="cost",
        attempt=1,
        outcome="passed",
        exit_code=0,
        duration_s=0.5,
        log=LOG,
        metrics={"est_ms": value},
    )


def judged(number: int, value: float | None, verdict: Verdict) -> e.VerdictReached:
    """The verdict of an iteration."""
    return e.VerdictReached(
        iteration=IterationNumber(number),
        candidate=candidate_id(IterationNumber(number)),
        verdict=verdict,
        reason="because",
        value=value,
    )


def iteration(number: int, value: float = 1.0, verdict: Verdict = "rejected") -> list[AnyEvent]:
    """A whole iteration."""
    return [
        began(number),
        proposed(number),
        checking(number),
        checked(number, value),
        judged(number, value, verdict),
    ]


def iterations(count: int) -> list[AnyEvent]:
    """Whole iterations: the first two are promoted, at 1.0 and 0.5 ms."""
    story: list[AnyEvent] = []
    for number in range(1, count + 1):
        better = number <= 2
        story += iteration(
            number, 1 / number if better else 2.0, "promoted" if better else "rejected"
        )
    return story


def extend(journal: Journal, events: Sequence[AnyEvent]) -> list[Record]:
    """The events as appended, five to a commit."""
    found: list[Record] = []
    for start in range(0, len(events), 5):
        batch = events[start : start + 5]
        found += journal.append(batch, expected_seq=journal.last_seq, time=NOON)
    return found


def folded(records: Sequence[Record]) -> RunState:
    """The state that records add up to, from scratch."""
    state: RunState | None = None
    for record in records:
        state = fold(state, record)
    assert state is not None
    return state


def state_of(*events: AnyEvent) -> RunState:
    """The state that events add up to, which are numbered here."""
    return folded(
        [Record(seq=n, time=NOON, event=each, hash=b"") for n, each in enumerate(events, 1)]
    )


def make_run(folder: Path, count: int = 3, name: str = "made-s0") -> RunPaths:
    """A run at rest with `count` iterations, ended in good order."""
    paths = create_run_folder(RunPaths.of(folder, name).root)
    journal = Journal.create(paths.journal, [created(name), started()], NOON)
    extend(journal, [*iterations(count), stopped()])
    journal.close()
    return paths


def digests(folder: Path) -> dict[str, str]:
    """A hash of every file below a folder: equal means that no byte was changed."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
