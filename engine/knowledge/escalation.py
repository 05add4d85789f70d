"""Whether the next change has to be a more radical one. Pure.

What is compared: the newest candidate that an agent made and that was measured, promoted or not,
with the champion of its time, which is the candidate whose commit it stands on.

- gain: the share by which its value is better than that champion's; a loss is a negative gain.
- dominant hotspot: the one with the largest share of the time, as checks report it.

The escalation stands when the gain is below the campaign's `escalate_below` and the dominant
hotspot of the two is the same. Where neither has hotspots, the gain decides alone; where one has
and the other has not, nothing is known to be the same, and it does not stand.

So the next measured candidate lifts it, by a gain that reaches the threshold or by moving the time
elsewhere; what was not measured (no change, incorrect, infra, ...) neither sets nor lifts it. The
baseline is nobody's change and is never the newest.
"""

from collections.abc import Sequence

import msgspec

from engine.core.ids import CandidateId
from engine.core.state import RunState
from engine.knowledge.past import Trial, dominant, trials
from engine.knowledge.wording import percent


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it stands, and what was compared; `why` says it in a sentence.

    `candidate` and `gain` are None as long as no agent's candidate was measured.
    """

    stands: bool
    why: str
    candidate: CandidateId | None = None
    gain: float | None = None
    hotspot: str | None = None
    hotspot_before: str | None = None


def escalation(state: RunState, below: float) -> Escalation:
    """Whether an escalation stands in a run.

    Args:
        state: of the run.
        below: the gain, as a share, that is too small to go on in the same way: 0.03.
    """
    return of_trials(trials(state), below)


def of_trials(judged: Sequence[Trial], below: float) -> Escalation:
    """The same, for what `trials` gave."""
    for trial in judged:
        if trial.by_agent and trial.gain is not None and trial.reference is not None:
            return _compare(trial, trial.gain, below)
    return Escalation(stands=False, why="no agent's candidate has been measured yet")


def _compare(trial: Trial, gain: float, below: float) -> Escalation:
    now, before = trial.dominant, _before(trial)
    small, same = gain < below, now == before
    return Escalation(
        stands=small and same,
        why=f"{trial.id} {_gained(gain, below)}, {_moved(now, before)}",
        candidate=trial.id,
        gain=gain,
        hotspot=now,
        hotspot_before=before,
    )


def _before(trial: Trial) -> str | None:
    return dominant(trial.reference.hotspots) if trial.reference else None


def _gained(gain: float, below: float) -> str:
    limit = f"{100 * below:g} %"
    return f"gained {percent(gain)}, {'less than' if gain < below else 'at least'} {limit}"


def _moved(now: str | None, before: str | None) -> str:
    if now is None and before is None:
        return "and no check reports where the time goes"
    if now is None or before is None:
        return "and it is not known whether the time still goes to the same place"
    if now == before:
        return f"and most of the time still goes to {now}"
    return f"and most of the time goes to {now} now, no longer to {before}"
