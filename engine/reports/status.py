"""The status of a run: one pure function of its events, its liveness, and the time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec

from engine.core.events import Limits
from engine.core.ids import ApprovalId, JobId
from engine.core.measuring_lines import noise_text
from engine.core.state import OpenIteration, RunState
from engine.reports.finishing import (
    FinishStatus,
    ReportStatus,
    ending_word,
    finish_status,
    frozen_word,
    report_status,
)
from engine.reports.jobs import JobLook, JobStatus, job_statuses
from engine.reports.mentoring import MentorStatus, mentor_status
from engine.reports.standing import (
    BaselineStatus,
    ChampionStatus,
    baseline_status,
    champion_status,
)
from engine.reports.working import (
    RepairsStatus,
    WorkerStatus,
    repairs_status,
    worker_status,
)
from engine.runfolder import Heartbeat, Liveness, SlotBeat

StateWord = Literal[
    "starting",
    "running",
    "waiting",
    "pausing",
    "paused",
    "finishing",
    "reporting",
    "stopping",
    "stopped",
    "done",
    "halted",
    "crashed",
    "stalled",
]
STALLED_AFTER_S: Final = 5.0
"""A heartbeat is written each second; this many missing ones mean that the engine hangs."""


class SlotStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a slot does, and for how long it has."""

    slot: int
    iteration: int
    phase: str
    since_s: float


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What agents have used so far; of `unpriced_tokens` the price is unknown, not 0.

    Of `untold_attempts`, reviews among them, not even the tokens are known.
    """

    usd: float = 0.0
    tokens: int = 0
    unpriced_tokens: int = 0
    untold_attempts: int = 0


class Checking(msgspec.Struct, frozen=True, kw_only=True):
    """How long checks took: `pairs_s` went into measuring in pairs, `checks_s` into all else.

    `again_s` went into measuring again outside of iterations.
    """

    checks_s: float = 0.0
    pairs_s: float = 0.0
    again_s: float = 0.0


class NoiseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the referee can see: see `NoiseMeasured`; `text` says it in a sentence."""

    noise: float | None
    pairs: int
    pair_s: float
    visible: float | None
    surely: float | None
    gain: float
    needed: int | None
    text: str


class ApprovalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent asks a person; `until` says when `default` holds (UTC, ISO 8601)."""

    id: ApprovalId
    iteration: int
    text: str
    default: Literal["approve", "refuse"]
    until: str


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The engine that holds or last held the run."""

    pid: int | None
    alive: bool


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `status --json` prints. Durations are in seconds."""

    run: str
    run_dir: str
    campaign: str | None
    state: StateWord
    reason: str | None
    until: str | None
    phase: str | None
    iteration: int
    counts: dict[str, int]
    failures_counted: int
    champion: ChampionStatus | None
    baseline: BaselineStatus | None
    heartbeat_age_s: float | None
    slots: list[SlotStatus]
    approvals: list[ApprovalStatus]
    spend: Spend
    checking: Checking
    noise: NoiseStatus | None
    engine: EngineStatus
    limits: Limits | None
    journal: str
    finish: FinishStatus | None = None
    report: ReportStatus | None = None
    mentor: MentorStatus | None = None
    worker: WorkerStatus | None = None
    repairs: RepairsStatus = RepairsStatus()
    jobs: list[JobStatus] = []


class View(NamedTuple):
    """Where the facts came from: the run's folder, and "ok" or what is wrong with its journal.

    `jobs` are what the folders of jobs say.
    """

    run: str
    run_dir: str
    journal: str = "ok"
    jobs: Mapping[JobId, JobLook] = {}


def status_of(state: RunState | None, liveness: Liveness, now: float, view: View) -> Status:
    """The status at `now`, in seconds since 1970."""
    word, reason = _word(state, liveness, now)
    until = _until(state, now) if word == "waiting" else None
    if view.journal != "ok" and not liveness.held:
        reason = view.journal
    slots = _slots(state, liveness, now)
    return Status(
        run=state.run if state else view.run,
        run_dir=view.run_dir,
        campaign=state.campaign if state else None,
        state=word,
        reason=reason or None,
        until=until,
        phase=", ".join(dict.fromkeys(slot.phase for slot in slots)) or None,
        iteration=state.last_iteration if state else 0,
        counts=dict(state.counts) if state else {},
        failures_counted=state.counted_failures if state else 0,
        champion=champion_status(state),
        baseline=baseline_status(state),
        heartbeat_age_s=_age_s(liveness.heartbeat, now),
        slots=slots,
        approvals=_approvals(state),
        spend=_spend(state),
        checking=_checking(state),
        noise=_noise(state),
        engine=_engine(state, liveness),
        limits=state.limits if state else None,
        journal=view.journal,
        finish=finish_status(state, now),
        report=report_status(state),
        mentor=mentor_status(state),
        worker=worker_status(state, now),
        repairs=repairs_status(state),
        jobs=job_statuses(state, view.jobs, now),
    )


def as_json_data(status: Status) -> dict[str, Any]:
    """The status as plain JSON data."""
    return msgspec.to_builtins(status)


def _word(state: RunState | None, liveness: Liveness, now: float) -> tuple[StateWord, str]:
    if not liveness.held:
        return _word_at_rest(state, liveness)
    beat = liveness.heartbeat
    if beat is None or (liveness.holder and beat.pid != liveness.holder):
        return _word_unheard(state, liveness, now)
    age_s = now - beat.time
    if age_s > STALLED_AFTER_S:
        return "stalled", f"the engine (pid {beat.pid}) has said nothing for {age_s:.0f} s"
    if state is None or state.engine is None or state.engine.pid != beat.pid:
        return "starting", ""
    return _word_alive(state, liveness, beat, now)


def _word_unheard(state: RunState | None, liveness: Liveness, now: float) -> tuple[StateWord, str]:
    """The state of a run whose engine has not written a heartbeat, or a torn one."""
    engine = state.engine if state and not state.stopped else None
    if engine is None or engine.pid != liveness.holder:
        return "starting", ""
    if now - _unix(engine.started) <= STALLED_AFTER_S:
        return "starting", ""
    return "stalled", f"the engine (pid {engine.pid}) writes no heartbeat"


def _word_at_rest(state: RunState | None, liveness: Liveness) -> tuple[StateWord, str]:
    if state is None or state.stopped is None:
        beat = liveness.heartbeat
        pid = f" (pid {beat.pid})" if beat else ""
        return "crashed", f"the engine{pid} ended without a word; the same run command resumes it"
    if state.finished:
        return "done", state.finished.detail or state.finished.reason
    return "stopped", state.stopped.reason


def _word_alive(
    state: RunState, liveness: Liveness, beat: Heartbeat, now: float
) -> tuple[StateWord, str]:
    if state.stopped or state.finished:
        return "stopping", _ending(state)
    if state.stopping is not None:
        return "stopping", state.stopping
    if (closing := ending_word(state)) is not None:
        return closing
    if state.paused and state.paused.halt:
        return "halted", state.paused.reason
    if state.paused or liveness.pause is not None:
        running = _steps_run(state)
        reason = state.paused.reason if state.paused else liveness.pause or ""
        return "pausing" if running or not state.paused else "paused", reason
    if beat.waiting:
        return "waiting", beat.waiting
    until = _parked_until(state, now)
    if until is not None and not _steps_run(state):
        return "waiting", f"usage limit, until {until[:16].replace('T', ' ')} UTC"
    return frozen_word(state) or ("running", "")


def _steps_run(state: RunState) -> bool:
    return any(turn.check or turn.agent for turn in state.turns)


def _parked_until(state: RunState | None, now: float) -> str | None:
    """Until when the agent's provider is not to be asked; None when it may be."""
    until = state.parked_until if state else None
    return until if until is not None and _unix(until) > now else None


def _until(state: RunState | None, now: float) -> str | None:
    """When what is waited for ends by itself, where that is known."""
    asked = min((each.until for each in _approvals(state)), default=None)
    return asked or _parked_until(state, now)


def _approvals(state: RunState | None) -> list[ApprovalStatus]:
    return [
        ApprovalStatus(
            id=each.id,
            iteration=each.iteration,
            text=each.text,
            default=each.default,
            until=each.until,
        )
        for each in (state.approvals.values() if state else ())
    ]


def _ending(state: RunState) -> str:
    if state.finished:
        return state.finished.detail or state.finished.reason
    return state.stopped.reason if state.stopped else ""


def _age_s(beat: Heartbeat | None, now: float) -> float | None:
    return round(max(0.0, now - beat.time), 3) if beat else None


def _engine(state: RunState | None, liveness: Liveness) -> EngineStatus:
    if liveness.held:
        return EngineStatus(pid=liveness.holder or _last_pid(state, liveness), alive=True)
    return EngineStatus(pid=_last_pid(state, liveness), alive=False)


def _last_pid(state: RunState | None, liveness: Liveness) -> int | None:
    if state and state.engine:
        return state.engine.pid
    return liveness.heartbeat.pid if liveness.heartbeat else None


def _spend(state: RunState | None) -> Spend:
    if state is None:
        return Spend()
    spent = state.spend
    return Spend(
        usd=round(spent.usd, 6),
        tokens=spent.tokens.total,
        unpriced_tokens=spent.unpriced,
        untold_attempts=spent.untold,
    )


def _checking(state: RunState | None) -> Checking:
    if state is None:
        return Checking()
    return Checking(
        checks_s=round(state.checks_s, 3),
        pairs_s=round(state.pairs_s, 3),
        again_s=round(state.rechecks.took_s, 3),
    )


def _noise(state: RunState | None) -> NoiseStatus | None:
    found = state.noise if state else None
    if found is None:
        return None
    return NoiseStatus(
        noise=found.noise,
        pairs=found.pairs,
        pair_s=found.pair_s,
        visible=found.visible,
        surely=found.surely,
        gain=found.gain,
        needed=found.needed,
        text=noise_text(found),
    )


def _slots(state: RunState | None, liveness: Liveness, now: float) -> list[SlotStatus]:
    """What the slots of a live engine do, from whichever knows more: heartbeat or events."""
    beat = liveness.heartbeat
    if not liveness.held or state is None:
        return []
    if beat and beat.seq >= state.seq and beat.pid == (liveness.holder or beat.pid):
        found = [_slot_from_beat(slot, now) for slot in beat.slots]
    else:
        found = [_slot_from_events(turn, now) for turn in state.turns]
    return sorted(found, key=lambda slot: (slot.slot, slot.iteration))


def _slot_from_beat(beat: SlotBeat, now: float) -> SlotStatus:
    since_s = round(max(0.0, now - beat.since), 3)
    return SlotStatus(slot=beat.slot, iteration=beat.iteration, phase=beat.phase, since_s=since_s)


def _slot_from_events(turn: OpenIteration, now: float) -> SlotStatus:
    since = turn.phase_since if turn.agent or turn.check else turn.since
    return SlotStatus(
        slot=turn.slot,
        iteration=turn.iteration,
        phase=turn.phase,
        since_s=round(max(0.0, now - _unix(since)), 3),
    )


def _unix(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
