"""From events of agents, directives and stashes to state; a part of `engine.core.fold`."""

from typing import assert_never

from engine.core import events as e
from engine.core.fold_reviews import note_followed
from engine.core.fold_spend import add_spend
from engine.core.ids import candidate_id
from engine.core.state import Approval, Code, Directive, OpenIteration, RunState, Stash
from engine.core.turn import Attempt

AgentEvent = (
    e.AgentStarted
    | e.AgentFinished
    | e.AgentInterrupted
    | e.ApprovalAsked
    | e.ApprovalAnswered
    | e.ChangeCollected
    | e.ChangeCarriedOver
    | e.StashRequested
    | e.AttemptStashed
)
SteeringEvent = (
    e.DirectiveAdded | e.DirectiveEdited | e.DirectiveRetired | e.StashRestored | e.StashDropped
)


def code_of(state: RunState, event: e.CandidateProposed) -> Code | None:
    """What is known of a candidate's code when it is proposed."""
    base = event.base or event.commit
    if base is None:
        return None
    stash = state.stashes.get(event.restores) if event.restores is not None else None
    stands_on = _stood_on(state, stash) if stash is not None else base
    return Code(base=base, stands_on=stands_on, agent=event.agent, commit=event.commit)


def _stood_on(state: RunState, stash: Stash) -> str:
    code = state.candidates[candidate_id(stash.iteration)].code
    return code.stands_on if code is not None else stash.commit


def fold_agent(state: RunState, event: AgentEvent, time: str, turn: OpenIteration) -> None:
    """Change the state by an event of an open iteration's agent or of its change."""
    match event:
        case e.AgentStarted():
            turn.attempts, turn.log = event.attempt, event.log
            turn.escalated = event.escalated
            turn.agent = Attempt(
                agent=event.agent, number=event.attempt, since=time, folder=event.folder
            )
        case e.AgentFinished():
            _finished(state, event, time, turn)
        case e.AgentInterrupted():
            _interrupted(state, event, time, turn)
        case e.ApprovalAsked():
            _asked(state, event, time)
        case e.ApprovalAnswered():
            if state.approvals.pop(event.approval, None) is not None and turn.agent is not None:
                turn.agent.approved[event.approval] = event.approved
        case e.ChangeCollected():
            turn.change = event
            _set_code(state, turn, event)
            code = _code(state, turn)
            code.changed, code.noticed, code.said = event.changed, event.noticed, event.said
        case e.ChangeCarriedOver():
            turn.finished, turn.halves = [], []
            _set_code(state, turn, event)
            _code(state, turn).stands_on = event.base
        case e.StashRequested():
            turn.put_aside = event
        case e.AttemptStashed():
            turn.agent = None
            state.stashed += 1
            state.stashes[event.stash] = Stash(
                id=event.stash,
                iteration=event.iteration,
                ref=event.ref,
                commit=event.commit,
                reason=event.reason,
                by=event.by,
                since=time,
            )
        case _:
            assert_never(event)


def fold_steering(state: RunState, event: SteeringEvent, time: str) -> None:
    """Change the state by what a person said about directives and stashes."""
    match event:
        case e.DirectiveAdded():
            state.directives[event.directive] = Directive(
                id=event.directive,
                title=event.title,
                text=event.text,
                source=event.source,
                by=event.by,
                since=time,
            )
        case e.DirectiveEdited():
            state.directives[event.directive].text = event.text
        case e.DirectiveRetired():
            state.directives[event.directive].retired = event.reason or f"by {event.by}"
        case e.StashRestored():
            state.restoring.append(event.stash)
        case e.StashDropped():
            state.stashes.pop(event.stash, None)
            state.restoring = [each for each in state.restoring if each != event.stash]
        case _:
            assert_never(event)


def _asked(state: RunState, event: e.ApprovalAsked, time: str) -> None:
    state.asked += 1
    state.approvals[event.approval] = Approval(
        id=event.approval,
        iteration=event.iteration,
        candidate=event.candidate,
        text=event.text,
        default=event.default,
        until=event.deadline,
        since=time,
    )


def _finished(state: RunState, event: e.AgentFinished, time: str, turn: OpenIteration) -> None:
    begun = turn.agent.since if turn.agent is not None else time
    turn.agent, turn.log = None, event.log
    turn.answers.append(event)
    turn.answered_at = time
    _code(state, turn).answer = event.answer
    note_followed(state, event)
    _spend(state, turn, event)
    _park(state, event, begun, time)


def _interrupted(
    state: RunState, event: e.AgentInterrupted, time: str, turn: OpenIteration
) -> None:
    turn.agent = None
    if event.signature:
        turn.let_down.append(event)
        turn.answered_at = time
    _spend(state, turn, event)


def _park(state: RunState, event: e.AgentFinished, begun: str, time: str) -> None:
    """What an attempt that was under way when the limit was told can do says nothing about it."""
    if event.outcome == "limited":
        state.parked_until, state.parked_at = event.retry_at, time
    elif begun > state.parked_at:
        state.parked_until = None


def _spend(
    state: RunState, turn: OpenIteration, event: e.AgentFinished | e.AgentInterrupted
) -> None:
    code = _code(state, turn)
    outcome = event.outcome if isinstance(event, e.AgentFinished) else None
    add_spend(state.spend, event.tokens, event.cost_usd, outcome)
    code.tokens += event.tokens.total
    if event.cost_usd is not None:
        code.cost_usd = (code.cost_usd or 0.0) + event.cost_usd


def _set_code(
    state: RunState, turn: OpenIteration, event: e.ChangeCollected | e.ChangeCarriedOver
) -> None:
    code = _code(state, turn)
    code.commit, code.tree, code.base = event.commit, event.tree, event.base


def _code(state: RunState, turn: OpenIteration) -> Code:
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    code = state.candidates[turn.candidate].code
    assert code is not None  # noqa: S101  (agents work on candidates of code alone)
    return code
