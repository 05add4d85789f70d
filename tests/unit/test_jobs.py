"""What is decided about detached jobs, from recorded events alone."""

from collections.abc import Sequence

import msgspec
import pytest

from engine.checks.classify import Observed, classify
from engine.core import events as e
from engine.core.answering import answer
from engine.core.commands import Envelope, StopJob
from engine.core.detaching import as_job, followed, resumable
from engine.core.fold import fold
from engine.core.ids import CommandId, IterationNumber, JobId
from engine.core.job_lines import job_line
from engine.core.jobs.events import (
    JobEnded,
    JobReattached,
    JobStarted,
    JobStopRequested,
)
from engine.core.jobs.liveness import job_state
from engine.core.jobs.parts import MOST_DONE
from engine.core.plan import Plan, PlannedCheck
from engine.core.referee import next_step
from engine.core.state import RunState, dump, load
from engine.core.steps import RunCheck, TakeTurns
from engine.executors.jobs.protocol import Lost, Stopped
from tests.checking import campaign_of
from tests.recorded import NOON, began, checked, checking, created, judged, proposed, started

NOW_S = 4e9
ONE = JobId("j-0001")
BEGUN = JobStarted(job=ONE, pid=7, start_ticks=1, boot_id="b", marker="m")
PLAN = Plan(checks=(PlannedCheck(name="cost", detached=True),))


def detached(number: int, job: JobId) -> e.CheckStarted:
    return msgspec.structs.replace(checking(number), job=job)


def told(*events: e.AnyEvent, slots: int = 3) -> RunState:
    """The state after a baseline that is judged, and these events."""
    head: Sequence[e.AnyEvent] = (
        msgspec.structs.replace(created(), slots=slots),
        started(),
        began(1),
        proposed(1),
        checked(1, 1.0),
        judged(1, 1.0, "promoted"),
    )
    state = None
    for seq, event in enumerate((*head, *events), 1):
        state = fold(state, e.Record(seq=seq, time=NOON, event=event, hash=b""))
    assert state is not None
    return state


def training(number: int = 2, job: JobId = ONE) -> list[e.AnyEvent]:
    """An iteration whose check runs in a job."""
    return [began(number, slot=number - 2), proposed(number), detached(number, job)]


def test_a_job_from_its_check_to_its_end() -> None:
    state = told(*training())
    assert (state.open[2].job, state.jobs.number) == (ONE, 1)
    assert state.jobs.open[ONE].pid is None
    state = told(*training(), BEGUN, JobReattached(job=ONE, log_bytes=9))
    assert (state.jobs.open[ONE].pid, state.jobs.open[ONE].attached) == (7, 1)
    end = JobEnded(job=ONE, outcome="ended", exit_code=3, at="2026-01-01T00:00:00Z")
    state = told(*training(), BEGUN, end, checked(2, 1.0))
    (done,) = state.jobs.done
    assert (done.outcome, done.exit_code, done.ended) == ("ended", 3, "2026-01-01T00:00:00Z")
    assert (state.jobs.open, state.open[2].job) == ({}, None)
    assert load(dump(state)) == state


def test_a_job_that_nobody_tells_of_ends_with_its_check() -> None:
    cut = e.CheckInterrupted(
        iteration=IterationNumber(2),
        candidate=proposed(2).candidate,
        check="cost",
        attempt=1,
        reason="stop",
    )
    state = told(*training(), BEGUN, cut)
    assert state.jobs.of(ONE) == state.jobs.done[0]
    assert state.jobs.done[0].outcome == "interrupted"
    assert told(*training(), checked(2, 1.0)).jobs.done[0].outcome == "not started"


def test_so_many_jobs_are_remembered() -> None:
    events: list[e.AnyEvent] = [began(2), proposed(2)]
    for number in range(1, MOST_DONE + 11):
        events += [detached(2, JobId(f"j-{number:04d}")), checked(2, 1.0)]
    state = told(*events)
    assert len(state.jobs.done) == MOST_DONE
    assert state.jobs.of(ONE) is None
    assert state.jobs.number == MOST_DONE + 10


def test_only_a_detached_check_gets_a_job_and_a_log_of_its_own() -> None:
    state = told(*training())
    named = as_job(state, PLAN, checking(3))
    assert (named.job, named.log.path) == ("j-0002", "jobs/j-0002/log")
    assert as_job(state, Plan(checks=(PlannedCheck(name="cost"),)), checking(3)) == checking(3)


def test_news_are_recorded_once() -> None:
    end = JobEnded(job=ONE, outcome="ended", exit_code=0)
    again = JobReattached(job=ONE, log_bytes=0)
    assert followed(told(*training()), BEGUN) == [BEGUN]
    assert followed(told(*training(), BEGUN), BEGUN) == []
    assert followed(told(*training(), BEGUN), again) == [again]
    assert followed(told(*training(), BEGUN), end) == [end]
    over = told(*training(), BEGUN, end)
    assert [followed(over, news) for news in (BEGUN, again, end)] == [[], [], []]


def test_what_is_cut_off_does_not_go_on() -> None:
    cut = e.IterationCut(iteration=IterationNumber(2), reason="no time")
    assert resumable(told(*training()).open[2])
    assert not resumable(told(*training(), cut).open[2])
    assert not resumable(told(began(2), proposed(2), checking(2)).open[2])


def asked(state: RunState, job: str) -> list[e.AnyEvent]:
    command = StopJob(job=JobId(job), reason="no use")
    return answer(state, Envelope(id=CommandId("1"), by="me", command=command))


def test_a_job_is_stopped_once_and_only_where_it_runs() -> None:
    state = told(*training())
    wish, _ = asked(state, ONE)
    assert wish == JobStopRequested(job=ONE, by="me", reason="no use")
    assert [type(each).__name__ for each in asked(told(*training(), wish), ONE)] == [
        "CommandAccepted"
    ]
    (refused,) = asked(told(*training(), checked(2, 1.0)), ONE)
    assert isinstance(refused, e.CommandRefused)
    assert refused.reason == "j-0001 is over"
    (unknown,) = asked(state, "j-0009")
    assert isinstance(unknown, e.CommandRefused)
    assert unknown.reason == "there is no job j-0009"


def test_what_somebody_stopped_is_inconclusive_and_no_failure() -> None:
    stopped = msgspec.structs.replace(
        checked(2, 1.0),
        outcome="failed",
        verdict="inconclusive",
        detail="stopped by me",
        metrics={},
        own=True,
    )
    verdict = next_step(state := told(*training(), stopped), state.open[2], PLAN, NOW_S)
    assert isinstance(verdict, e.VerdictReached)
    assert (verdict.verdict, verdict.consequence, verdict.signature) == ("inconclusive", "none", "")
    assert verdict.value is None


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (Lost("gone"), "infra"),
        (Stopped(reason="stopped by me", asked=True), "inconclusive"),
        (Stopped(reason="its output matched", asked=False), "compile"),
    ],
)
def test_what_the_end_of_a_job_means(ended: Lost | Stopped, expected: str) -> None:
    spec = campaign_of({"run": "true", "fails_as": "compile"}).checks[0]
    judged = classify(spec, Observed(ended=ended))
    assert judged.verdict == expected
    assert ended.reason in judged.detail


@pytest.mark.parametrize(
    ("looked", "output", "busy", "expected"),
    [
        (None, 0, 0, "starting"),
        (999, 990, 0, "running"),
        (999, 100, 998, "quiet"),  # it computes for a quarter of an hour without a word
        (999, 100, 900, "quiet"),
        (999, 100, 100, "stuck"),
        (900, 899, 899, "unheard"),
    ],
)
def test_a_quiet_training_is_not_a_stuck_one(
    looked: float | None, output: float, busy: float, expected: str
) -> None:
    assert job_state(1000, looked=looked, last_output=output, last_busy=busy) == expected


def sharing(cores: int, needs: int = 1, **others: int) -> Plan:
    checks = [PlannedCheck(name="cost", needs={"cores": needs})]
    checks += [PlannedCheck(name=name, needs={"cores": count}) for name, count in others.items()]
    return Plan(checks=tuple(checks), resources={"cores": cores})


@pytest.mark.parametrize(("cores", "expected"), [(1, TakeTurns), (2, RunCheck)])
def test_a_check_waits_for_what_it_needs(cores: int, expected: type) -> None:
    state = told(*training(2), began(3, slot=1), proposed(3))
    assert isinstance(next_step(state, state.open[3], sharing(cores), NOW_S), expected)


def test_it_waits_for_the_one_that_has_it() -> None:
    state = told(*training(2), began(3, slot=1), proposed(3))
    assert next_step(state, state.open[3], sharing(1), NOW_S) == TakeTurns(after=IterationNumber(2))


def test_who_came_first_goes_first() -> None:
    """Or what needs much would wait for ever while others pass it by."""
    state = told(*training(2), began(3, slot=1), proposed(3), began(4, slot=2), proposed(4))
    big = sharing(3, needs=2)  # 2 has two of three, 3 wants two as well, 4 too
    assert next_step(state, state.open[3], big, NOW_S) == TakeTurns(after=IterationNumber(2))
    state = told(began(2), proposed(2), began(3, slot=1), proposed(3), slots=2)
    assert next_step(state, state.open[2], big, NOW_S) == RunCheck(name="cost")
    assert next_step(state, state.open[3], big, NOW_S) == TakeTurns(after=IterationNumber(2))
    enough = sharing(4, needs=2)
    assert next_step(state, state.open[3], enough, NOW_S) == RunCheck(name="cost")


def test_a_slot_that_is_no_more_is_not_waited_for() -> None:
    state = told(began(2, slot=5), proposed(2), began(3), proposed(3))
    assert next_step(state, state.open[3], sharing(1), NOW_S) == RunCheck(name="cost")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (BEGUN, "job j-0001 runs by itself, supervised by pid 7"),
        (JobReattached(job=ONE, log_bytes=5), "job j-0001 is followed again, 5 bytes in its log"),
        (JobStopRequested(job=ONE, by="me", reason="why"), "job j-0001 is to stop, says me: why"),
        (
            JobEnded(job=ONE, outcome="ended", exit_code=3, took_s=2),
            "job j-0001 ended with status 3 after 2.0 s",
        ),
        (
            JobEnded(job=ONE, outcome="ended", signal=9, took_s=2),
            "job j-0001 ended with signal 9 after 2.0 s",
        ),
        (
            JobEnded(job=ONE, outcome="pattern", detail="nan", took_s=2),
            "job j-0001 was ended (pattern) after 2.0 s: nan",
        ),
        (JobEnded(job=ONE, outcome="lost", detail="gone"), "job j-0001 is lost: gone"),
    ],
)
def test_what_people_read(event: e.JobEvent, expected: str) -> None:
    assert job_line(event) == expected
