"""What a wish for a finish, or for none, comes to. Pure."""

from typing import Final

from engine.core import events as e
from engine.core.answering_steering import Refusal
from engine.core.commands import CancelFinish, Finish
from engine.core.finish.times import unix_s, utc
from engine.core.state import RunState

REPORT_ONLY_S: Final = 600.0
"""How long a report that is wanted at once may take."""


def finish_command(
    state: RunState, command: Finish | CancelFinish, *, by: str, now_s: float
) -> list[e.AnyEvent] | Refusal:
    """The events of a command."""
    if isinstance(command, CancelFinish):
        return cancel(state, by=by)
    return plan_finish(state, command, by=by, now_s=now_s)


def plan_finish(
    state: RunState,
    command: Finish,
    *,
    by: str,
    now_s: float,
    source: e.Source = "command",
    digest: str = "",
) -> list[e.AnyEvent] | Refusal:
    """The plan, which takes the place of one that is there; or why not.

    Args:
        state: the run.
        command: what is wanted; what it leaves open is as the campaign says.
        by: who wants it.
        now_s: seconds since 1970.
        source: where it was asked.
        digest: of the file that asks.
    """
    refusal = _refusal(state, command)
    if refusal is not None:
        return refusal
    rules = state.limits.finish
    minutes = rules.minutes if command.minutes is None else command.minutes
    activate_s = now_s if command.activate_at is None else unix_s(command.activate_at)
    window_s = REPORT_ONLY_S if command.report_only else minutes * 60
    deadline_s = activate_s + window_s
    if command.deadline is not None:
        deadline_s = unix_s(command.deadline)
    if deadline_s <= now_s:
        return Refusal(f"its deadline, {utc(deadline_s)}, is over")
    if deadline_s <= activate_s:
        return Refusal("it would be over before it begins")
    rounds, top_k = command.final_rounds, command.top_k
    return [
        e.FinishPlanned(
            by=by,
            source=source,
            activate_at=utc(activate_s),
            deadline=utc(deadline_s),
            final_rounds=rules.final_rounds if rounds is None else rounds,
            top_k=rules.top_k if top_k is None else top_k,
            note=command.note,
            report_only=command.report_only,
            digest=digest,
        )
    ]


def cancel(state: RunState, *, by: str, reason: str = "") -> list[e.AnyEvent] | Refusal:
    """The finish is not to be; refused once the report is being written."""
    finish = state.finish
    if finish is None or finish.over:
        return Refusal("no finish is planned")
    if finish.phase == "reporting":
        return Refusal("the report is being written; the run ends after it")
    return [e.FinishCancelled(by=by, phase=finish.phase, reason=reason)]


def _refusal(state: RunState, command: Finish) -> Refusal | None:
    finish = state.finish
    if state.finished is not None:
        return Refusal("the run is over")
    if finish is not None and finish.phase == "reporting":
        return Refusal("the report is being written; the run ends after it")
    if finish is not None and finish.phase == "measuring" and not command.report_only:
        return Refusal("the leaders are being measured; cancel that first")
    if command.minutes is not None and not command.minutes > 0:
        return Refusal("minutes must be above 0")
    if command.final_rounds is not None and command.final_rounds < 0:
        return Refusal("final rounds must be 0 or more")
    if command.top_k is not None and command.top_k < 1:
        return Refusal("top k must be 1 or more")
    return None
