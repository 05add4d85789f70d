"""Taking a run over: the lock, a journal that is whole, and everything a dead engine left open."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.core import failpoints
from engine.core.answering import refuse
from engine.core.answering_approvals import closed
from engine.core.campaign.differences import differences
from engine.core.commands import Stop
from engine.core.detaching import resumable
from engine.core.events import (
    AnyEvent,
    CampaignChangeAccepted,
    EngineStarted,
    EngineStopped,
    Limits,
    LimitsChanged,
    Record,
    RunCreated,
)
from engine.core.fold import fold
from engine.core.ids import CommandId, JobId, RunId
from engine.core.metric import Metric
from engine.core.repair.environment import repaired, standing
from engine.core.state import Finished, RunState
from engine.journal import Damaged, Journal, JournalError, JournalReader, verify
from engine.loop.campaign_agents import lost_attempt
from engine.loop.iteration import interrupted
from engine.loop.mentoring import lost_review
from engine.loop.rechecks import interrupted as interrupted_again
from engine.loop.working import lost_decision
from engine.loop.writer import now_utc
from engine.runfolder import heartbeat, inbox, lock
from engine.runfolder.identity import Identity
from engine.runfolder.paths import RunPaths

DIED: Final = "the engine died"
TOO_LATE: Final = "the engine had ended before it read this"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The run that somebody asked for, as the campaign file and the command line say it."""

    run: RunId
    campaign: str
    campaign_path: str
    campaign_sha256: str
    document: dict[str, Any]
    seed: int
    slots: int
    metric: Metric
    limits: Limits
    space_size: int | None
    fingerprint: dict[str, str]
    version: str
    accept_changes: bool
    by: str


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A run that is ours. The lock lives as long as this is referred to."""

    journal: Journal
    state: RunState
    lock: lock.RunLock
    records: list[Record]
    """What taking it over has recorded."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """Another engine holds the run."""

    pid: int


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """The run's folder or its journal cannot be used; nothing was changed."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Changed:
    """The run was begun under other terms, and nobody agreed to the new ones."""

    differences: list[str]
    consent_helps: bool


@dataclass(frozen=True, kw_only=True)
class _Recovery:
    """What is done and recorded before a run goes on."""

    started: EngineStarted
    missed: frozenset[CommandId]
    kill_leftovers: Callable[[Collection[JobId]], object]


_Ours = tuple[Journal, RunState, list[Record]]
Taken = Opened | Held | Unusable | Changed | Finished


def take_over(
    paths: RunPaths,
    wanted: Wanted,
    identity: Identity,
    kill_leftovers: Callable[[Collection[JobId]], object],
) -> Taken:
    """The run, ready to go on, or why not.

    Args:
        paths: the run's folder; it exists.
        wanted: under which terms.
        identity: this process.
        kill_leftovers: ends every process of the run that a dead engine left behind, but for the
            jobs that it is told.
    """
    try:
        held = lock.take(paths.lock, sign=False)
    except OSError as error:
        return Unusable(message=f"{paths.root}: {error.strerror}; nothing was changed")
    if isinstance(held, lock.LockHeld):
        return Held(pid=held.pid)
    failpoints.reach("lock.taken")
    taken = _open(paths, wanted, identity, kill_leftovers)
    if isinstance(taken, tuple):
        held.sign()
        return Opened(journal=taken[0], state=taken[1], lock=held, records=taken[2])
    held.release()
    return taken


def _open(
    paths: RunPaths,
    wanted: Wanted,
    identity: Identity,
    kill_leftovers: Callable[[Collection[JobId]], object],
) -> _Ours | Unusable | Changed | Finished:
    # What comes from now on is meant for this engine.
    missed = inbox.waiting(paths.inbox)
    last = heartbeat.read(paths.heartbeat)
    alive_s = last.alive_s if last else 0.0
    try:
        if not paths.journal.exists() and not _was_used(paths):
            return _create(paths, wanted, identity)
        found = verify(paths.journal, heartbeat_seq=last.seq if last else None)
        if isinstance(found, Damaged):
            return Unusable(message=found.message)
        lines = standing(wanted.document, found.state.repairs.lines)
        wanted = replace(wanted, fingerprint=repaired(wanted.fingerprint, lines))
        started = _started(wanted, identity, max(alive_s, found.state.alive_s))
        recovery = _Recovery(started=started, missed=missed, kill_leftovers=kill_leftovers)
        return _resume(paths, wanted, found.state, recovery)
    except JournalError as error:
        return Unusable(message=str(error))


def _was_used(paths: RunPaths) -> bool:
    """Whether a run was here: a journal that is missing then was lost, and is not replaced."""
    return paths.heartbeat.exists() or any(paths.logs.glob("[0-9]*.log"))


def _create(paths: RunPaths, wanted: Wanted, identity: Identity) -> _Ours:
    created = RunCreated(
        run=wanted.run,
        campaign=wanted.campaign,
        campaign_sha256=wanted.campaign_sha256,
        campaign_path=wanted.campaign_path,
        document=wanted.document,
        seed=wanted.seed,
        slots=wanted.slots,
        metric=wanted.metric,
        limits=wanted.limits,
        space_size=wanted.space_size,
    )
    journal = Journal.create(paths.journal, [created, _started(wanted, identity, 0.0)], now_utc())
    reader = JournalReader.open(paths.journal, is_live=lambda: False)
    records = reader.read_from(1)
    reader.close()
    state = None
    for record in records:
        state = fold(state, record)
    if state is None:
        raise JournalError(f"{paths.journal} cannot be read back")
    return journal, state, records


def _resume(
    paths: RunPaths, wanted: Wanted, state: RunState, recovery: _Recovery
) -> _Ours | Changed | Finished:
    changes = _changes(state, wanted)
    if isinstance(changes, Changed):
        return changes
    if state.finished is not None and not changes and not state.turns:
        _close_finished(paths, state, recovery.started.alive_s)
        return state.finished
    kept = _kept_jobs(state, recovery.started, changes)
    recovery.kill_leftovers(kept)
    failpoints.reach("recovery.killed")
    gone = [t for t in state.open.values() if t.check and t.job not in kept]
    cut_off: list[AnyEvent] = [interrupted(t, DIED) for t in gone]
    again = state.rechecks.open
    if again is not None and again.turn.check and again.turn.job not in kept:
        cut_off.append(interrupted_again(again, DIED))
    cut_off += [event for t in state.open.values() for event in closed(state, t.iteration)]
    cut_off += [lost_attempt(paths, t, DIED) for t in state.open.values() if t.agent]
    if state.reviews.open is not None:
        cut_off.append(lost_review(paths, state.reviews.open, DIED))
    if state.decisions.open is not None:
        cut_off.append(lost_decision(paths, state.decisions.open, DIED))
    late = _late_stops(paths, state, recovery.missed)
    journal = Journal.open(paths.journal)
    events: list[AnyEvent] = [*cut_off, recovery.started, *late, *changes]
    records = journal.append(events, expected_seq=state.seq, time=now_utc())
    for record in records:
        fold(state, record)
    failpoints.reach("recovery.recorded")
    return journal, state, records


def _kept_jobs(
    state: RunState, started: EngineStarted, changes: Sequence[AnyEvent]
) -> frozenset[JobId]:
    """The jobs that go on: they measure what would be measured now."""
    accepted = any(isinstance(change, CampaignChangeAccepted) for change in changes)
    if accepted or state.fingerprint != started.fingerprint:
        return frozenset()
    return frozenset(turn.job for turn in state.turns if turn.job and resumable(turn))


def _late_stops(paths: RunPaths, state: RunState, missed: frozenset[CommandId]) -> list[AnyEvent]:
    """Refusals of commands to stop that were meant for an engine which is gone."""
    commands = [each for each in inbox.pending(paths.inbox) if each.id in missed]
    stops = [each for each in commands if isinstance(each.command, Stop)]
    return [event for each in stops for event in refuse(state, each, TOO_LATE)]


def _close_finished(paths: RunPaths, state: RunState, alive_s: float) -> None:
    """Record the end of an engine that was killed between its last decision and its last word."""
    if state.finished is None or state.stopped is not None:
        return
    stopped = EngineStopped(
        reason=state.finished.detail, exit_status=state.finished.exit_status, alive_s=alive_s
    )
    journal = Journal.open(paths.journal)
    journal.append([stopped], expected_seq=state.seq, time=now_utc())
    journal.close()


def _changes(state: RunState, wanted: Wanted) -> list[AnyEvent] | Changed:
    """What is to be recorded about new terms, or why the run cannot go on under them."""
    if wanted.seed != state.seed:
        return Changed(differences=[f"seed: {state.seed} -> {wanted.seed}"], consent_helps=False)
    foreign = _foreign(state, wanted)
    if foreign:
        return Changed(differences=foreign, consent_helps=False)
    events: list[AnyEvent] = []
    found = differences(state.document, wanted.document)
    weighty = [str(difference) for difference in found if difference.needs_consent]
    if weighty and not wanted.accept_changes:
        return Changed(differences=weighty, consent_helps=True)
    if weighty:
        events.append(_accepted(wanted, weighty))
    if wanted.limits != state.limits or wanted.slots != state.slots:
        events.append(LimitsChanged(limits=wanted.limits, slots=wanted.slots, by=wanted.by))
    return events


def _foreign(state: RunState, wanted: Wanted) -> list[str]:
    """Where what is measured now is another thing than what the run measured.

    Under another device, environment or harness the champion is measured again, and the run goes
    on.
    """
    if state.engine is None:
        return []
    old, new = state.fingerprint.get("workload"), wanted.fingerprint.get("workload")
    return [] if old == new else [f"workload: {old} -> {new}"]


def _accepted(wanted: Wanted, found: list[str]) -> CampaignChangeAccepted:
    return CampaignChangeAccepted(
        campaign_sha256=wanted.campaign_sha256,
        document=wanted.document,
        differences=found,
        metric=wanted.metric,
        by=wanted.by,
    )


def _started(wanted: Wanted, identity: Identity, alive_s: float) -> EngineStarted:
    return EngineStarted(
        pid=identity.pid,
        start_ticks=identity.start_ticks,
        boot_id=identity.boot_id,
        host=identity.host,
        version=wanted.version,
        alive_s=alive_s,
        fingerprint=wanted.fingerprint,
        forgeable=wanted.metric.forgeable,
    )
