"""From events to state: the one place where state changes."""

from typing import Final, assert_never

from engine.core import events as e
from engine.core.fold_agents import code_of, fold_agent, fold_steering
from engine.core.fold_decisions import fold_decision, hear_news
from engine.core.fold_engines import fold_engine
from engine.core.fold_failures import count_failures
from engine.core.fold_finish import fold_finish
from engine.core.fold_jobs import fold_job, follow_check
from engine.core.fold_memory import fold_memory
from engine.core.fold_rechecks import champion_measured, fold_recheck, judged_against_champion
from engine.core.fold_repairs import fold_repair
from engine.core.fold_reviews import PUT_ASIDE, fold_held, fold_review, put_in_place
from engine.core.ids import CandidateId, CommandId
from engine.core.noticing import overstated_by
from engine.core.repair.events import RepairEvent
from engine.core.review_events import HeldEvent
from engine.core.state import (
    Answer,
    Candidate,
    Measured,
    OpenIteration,
    RunState,
)

_ENDLESS: Final = 2**63
_Apart = e.FinishEvent | e.DecisionEvent | e.JobEvent | RepairEvent | HeldEvent


class FoldError(Exception):
    """The events contradict each other: the journal was not written by this program."""


def fold(state: RunState | None, record: e.Record) -> RunState:
    """The state after one more event; `state` itself is changed and returned.

    Raises:
        FoldError: the event cannot follow the ones before it.
    """
    if isinstance(record.event, e.RunCreated):
        if state is not None:
            raise FoldError(f"event {record.seq}: the run is created a second time")
        state = _created(record.event, record.time)
    if state is None:
        raise FoldError(f"event {record.seq}: the first event is not RunCreated")
    if record.seq != state.seq + 1:
        raise FoldError(f"event {record.seq} follows event {state.seq}")
    _apply(state, record.event, record)
    hear_news(state, record.event)
    state.seq = record.seq
    state.time = record.time
    return state


def _created(event: e.RunCreated, time: str) -> RunState:
    return RunState(
        run=event.run,
        campaign=event.campaign,
        campaign_sha256=event.campaign_sha256,
        campaign_path=event.campaign_path,
        document=event.document,
        seed=event.seed,
        slots=event.slots,
        metric=event.metric,
        limits=event.limits,
        created=time,
        space_size=_countable(event.space_size),
    )


def _countable(size: int | None) -> int | None:
    """The size of a space, or None where it is beyond what a snapshot can hold: endless enough."""
    return size if size is None or size < _ENDLESS else None


def _apply(state: RunState, event: e.AnyEvent, record: e.Record) -> None:
    if isinstance(event, _Apart):
        _in_its_room(state, event, record)
        return
    match event:
        case e.RunCreated() | e.ClockJumped():
            pass
        case (
            e.AgentStarted()
            | e.AgentFinished()
            | e.AgentInterrupted()
            | e.ApprovalAsked()
            | e.ApprovalAnswered()
            | e.ChangeCollected()
            | e.ChangeCarriedOver()
            | e.StashRequested()
            | e.AttemptStashed()
        ):
            fold_agent(state, event, record.time, _open(state, event.iteration, record))
        case (
            e.DirectiveAdded()
            | e.DirectiveEdited()
            | e.DirectiveRetired()
            | e.StashRestored()
            | e.StashDropped()
        ):
            fold_steering(state, event, record.time)
        case (
            e.IterationStarted()
            | e.CandidateProposed()
            | e.CheckStarted()
            | e.CheckFinished()
            | e.CheckInterrupted()
            | e.PairDrawn()
            | e.NoiseMeasured()
            | e.ChampionMeasured()
            | e.VerdictReached()
        ):
            _iteration(state, event, record)
        case e.TodoAdded() | e.TodoLeftOut() | e.TodoEdited() | e.TodoResolved() | e.NoteTaken():
            fold_memory(state, event, record.time)
        case e.ReviewAsked() | e.ReviewStarted() | e.ReviewFinished() | e.ReviewInterrupted():
            fold_review(state, event, record.time)
        case e.ChampionAccepted() | e.ChampionRejected():
            _ruled(state, event, record.seq)
        case (
            e.RecheckBegun()
            | e.RecheckStarted()
            | e.RecheckChecked()
            | e.RecheckInterrupted()
            | e.RecheckEnded()
            | e.ChampionDemoted()
        ):
            fold_recheck(state, event, record.time)
        case e.CommandAccepted():
            _answered(state, event.command_id, Answer(seq=record.seq, accepted=True))
        case e.CommandRefused():
            answer = Answer(seq=record.seq, accepted=False, reason=event.reason)
            _answered(state, event.command_id, answer)
        case _:
            fold_engine(state, event, record.time)


def _in_its_room(state: RunState, event: _Apart, record: e.Record) -> None:
    if isinstance(event, e.JobEvent):
        fold_job(state, event)
    elif isinstance(event, RepairEvent):
        fold_repair(state, event, _open(state, event.iteration, record))
    elif isinstance(event, HeldEvent):
        fold_held(state, event, _open(state, event.iteration, record))
    elif isinstance(event, e.FinishEvent):
        fold_finish(state, event, record.time)
    else:
        fold_decision(state, event, record.time)


def _answered(state: RunState, command: CommandId, answer: Answer) -> None:
    state.answers[command] = answer


def _iteration(
    state: RunState,
    event: e.IterationStarted
    | e.CandidateProposed
    | e.CheckStarted
    | e.CheckFinished
    | e.CheckInterrupted
    | e.PairDrawn
    | e.NoiseMeasured
    | e.ChampionMeasured
    | e.VerdictReached,
    record: e.Record,
) -> None:
    match event:
        case e.IterationStarted():
            _iteration_started(state, event, record)
        case e.CandidateProposed():
            _proposed(state, event, record)
        case e.CheckStarted() | e.CheckFinished() | e.CheckInterrupted():
            turn = _open(state, event.iteration, record)
            _check(turn, event, record.time)
            follow_check(state, turn, event, record.time)
            if isinstance(event, e.CheckFinished):
                _took(state, event)
        case e.PairDrawn():
            _drawn(state, event, record)
        case e.NoiseMeasured():
            state.noise = event
        case e.ChampionMeasured():
            _measured_again(state, event)
        case e.VerdictReached():
            _verdict(state, event, record)
        case _:
            assert_never(event)


def _check(
    turn: OpenIteration, event: e.CheckStarted | e.CheckFinished | e.CheckInterrupted, time: str
) -> None:
    match event:
        case e.CheckStarted():
            turn.check, turn.attempt, turn.half = event.check, event.attempt, event.half
            turn.check_since, turn.log = time, event.log
        case e.CheckFinished():
            (turn.finished if event.half is None else turn.halves).append(event)
            turn.finished_at = time
            turn.check, turn.attempt, turn.half, turn.log = None, 0, None, event.log
        case e.CheckInterrupted():
            turn.check, turn.attempt, turn.half = None, event.attempt, None


def _drawn(state: RunState, event: e.PairDrawn, record: e.Record) -> None:
    if event.recheck is None:
        _open(state, event.iteration, record).drawn.append(event)
    elif state.rechecks.open is not None:
        state.rechecks.open.turn.drawn.append(event)


def _took(state: RunState, event: e.CheckFinished) -> None:
    if event.half is None:
        state.checks_s += event.duration_s
    else:
        state.pairs_s += event.duration_s


def _measured_again(state: RunState, event: e.ChampionMeasured) -> None:
    champion_measured(state, event)
    champion = state.candidates[event.candidate]
    champion.value = event.now
    champion.measured = Measured(
        iteration=event.iteration, fingerprint=state.fingerprint, error=event.error
    )


def _open(state: RunState, iteration: int, record: e.Record) -> OpenIteration:
    if iteration not in state.open:
        raise FoldError(f"event {record.seq}: iteration {iteration} is not open")
    return state.open[iteration]


def _iteration_started(state: RunState, event: e.IterationStarted, record: e.Record) -> None:
    if event.iteration != state.last_iteration + 1:
        raise FoldError(
            f"event {record.seq}: iteration {event.iteration} follows {state.last_iteration}"
        )
    state.last_iteration = event.iteration
    state.open[event.iteration] = OpenIteration(
        iteration=event.iteration,
        slot=event.slot,
        trace_id=event.trace_id,
        since=record.time,
    )


def _proposed(state: RunState, event: e.CandidateProposed, record: e.Record) -> None:
    _open(state, event.iteration, record).candidate = event.candidate
    state.keys.add(event.key)
    if event.restores is not None and event.restores in state.restoring:
        state.restoring.remove(event.restores)
    state.candidates[event.candidate] = Candidate(
        id=event.candidate,
        iteration=event.iteration,
        parameters=event.parameters,
        seed=event.seed,
        parents=event.parents,
        tags=event.tags,
        proposer=event.proposer,
        code=code_of(state, event),
        chosen=event.chosen,
        instead=put_in_place(state, event.replaces, event.candidate),
    )
    if state.baseline is None:
        state.baseline = event.candidate


def _verdict(state: RunState, event: e.VerdictReached, record: e.Record) -> None:
    turn = _open(state, event.iteration, record)
    del state.open[event.iteration]
    if event.candidate == state.baseline:
        state.overstated = overstated_by(state, turn, event.metrics)
    state.reviews.put_aside = turn.held is not None and turn.held.settled in PUT_ASIDE
    judged_against_champion(state, event)
    _judge(state.candidates[event.candidate], event, turn)
    count_failures(state, event)
    state.counts[event.verdict] = state.counts.get(event.verdict, 0) + 1
    if event.verdict == "promoted":
        _promote(state, event, record.seq)
    else:
        state.since_promotion += 1


def _judge(candidate: Candidate, event: e.VerdictReached, turn: OpenIteration) -> None:
    candidate.verdict = event.verdict
    candidate.value = event.value
    candidate.reason = event.reason
    candidate.metrics = event.metrics
    candidate.decision = event.decision
    for report in turn.finished:
        if report.hotspots:
            candidate.hotspots = report.hotspots


def _promote(state: RunState, event: e.VerdictReached, seq: int) -> None:
    _enthrone(state, event.candidate, seq)
    state.candidates[event.candidate].measured = Measured(
        iteration=event.iteration, fingerprint=state.fingerprint, error=event.value_error
    )


def _enthrone(state: RunState, candidate: CandidateId, seq: int) -> None:
    state.champion = candidate
    state.since_promotion = 0
    state.candidates[candidate].reigned = seq


def _ruled(state: RunState, event: e.ChampionAccepted | e.ChampionRejected, seq: int) -> None:
    candidate = state.candidates[event.candidate]
    match event:
        case e.ChampionAccepted():
            _enthrone(state, event.candidate, seq)
            candidate.ruled = f"accepted by {event.by}: {event.reason}"
        case e.ChampionRejected():
            state.champion = event.champion
            candidate.reigned = 0
            candidate.ruled = f"rejected by {event.by}: {event.reason}"
        case _:
            assert_never(event)
