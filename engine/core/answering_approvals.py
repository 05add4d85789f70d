"""What agents ask a person, and what comes of it: pure decisions, as events."""

from typing import Final, Literal

from engine.core import events as e
from engine.core.answering_steering import Refusal
from engine.core.commands import Approve, Refuse
from engine.core.ids import ApprovalId, IterationNumber
from engine.core.state import Approval, RunState

BY_DEADLINE: Final = "the deadline"
BY_END: Final = "the end of the attempt"
LONGEST_TEXT: Final = 2000
"""Characters of a question; what is longer is cut."""


def decide(state: RunState, command: Approve | Refuse, *, by: str) -> list[e.AnyEvent] | Refusal:
    """The event of a command that answers what an agent asks."""
    approval = state.approvals.get(command.approval)
    if approval is not None:
        approved = isinstance(command, Approve)
        return [_answered(approval, approved=approved, by=by, reason=command.reason)]
    if command.approval in map(_id, range(1, state.asked + 1)):
        return Refusal(f"{command.approval} was answered already")
    listed = ", ".join(state.approvals) or "none"
    return Refusal(f"nothing is asked as {command.approval}; open now: {listed}")


def asked(
    state: RunState,
    started: e.AgentStarted,
    *,
    ask: str,
    text: str,
    default: Literal["approve", "refuse"],
    deadline: str,
) -> e.ApprovalAsked:
    """What the agent of an attempt asks, with the next number: `a-003`."""
    cut = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} [...]"
    return e.ApprovalAsked(
        approval=_id(state.asked + 1),
        iteration=started.iteration,
        candidate=started.candidate,
        attempt=started.attempt,
        ask=ask,
        text=cut,
        default=default,
        deadline=deadline,
    )


def by_default(state: RunState, name: ApprovalId, *, by: str) -> list[e.AnyEvent]:
    """The default holds; nothing when it was answered before."""
    approval = state.approvals.get(name)
    if approval is None:
        return []
    return [_answered(approval, approved=approval.default == "approve", by=by)]


def closed(state: RunState, iteration: IterationNumber) -> list[e.AnyEvent]:
    """The default holds for all that is still open of an attempt which ended."""
    names = [each.id for each in state.approvals.values() if each.iteration == iteration]
    return [event for name in names for event in by_default(state, name, by=BY_END)]


def _answered(
    approval: Approval, *, approved: bool, by: str, reason: str = ""
) -> e.ApprovalAnswered:
    return e.ApprovalAnswered(
        approval=approval.id,
        iteration=approval.iteration,
        candidate=approval.candidate,
        approved=approved,
        by=by,
        reason=reason,
    )


def _id(number: int) -> ApprovalId:
    return ApprovalId(f"a-{number:03d}")
