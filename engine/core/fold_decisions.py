"""From events of a worker's decisions to state; a part of `engine.core.fold`."""

from typing import Final, assert_never

from engine.core import events as e
from engine.core.decisions import events as d
from engine.core.decisions.parts import KEPT_DECISIONS, Decided, Decisions, OpenDecision, Status
from engine.core.fold_reviews import note_follows
from engine.core.fold_spend import add_spend
from engine.core.parts import Tokens
from engine.core.state import RunState

MOST_NEWS: Final = 12


def fold_decision(state: RunState, event: d.DecisionEvent, time: str) -> None:
    """Change the state by what a worker decides."""
    made = state.decisions
    match event:
        case d.DecisionAsked():
            _asked(made, event, time)
        case d.DecisionAnswered():
            _answered(state, event)
        case d.DecisionInterrupted():
            _interrupted(state, event)
        case d.DecisionGated():
            _gated(made, event)
        case d.DecisionHeld() | d.DecisionReleased() | d.DecisionVetoed() | d.DecisionReplaced():
            _reviewed(made, event)
        case d.DecisionTaken():
            _followed(state, event)
            _taken(made, event)
        case d.DecisionDropped():
            _done(made, "dropped", event.reason)
        case _:
            assert_never(event)


def hear_news(state: RunState, event: e.AnyEvent) -> None:
    """Remember what a worker that waits may wait for; every event passes here."""
    made = state.decisions
    if not made.begun:
        return
    text = _news(event)
    if text:
        made.news = [*made.news, text][-MOST_NEWS:]
    if isinstance(event, e.RunResumed):
        made.in_vain, made.rests, made.waits_until = 0, False, ""
    elif isinstance(event, e.CampaignChangeAccepted) and made.pending is not None:
        _done(made, "dropped", "the campaign was changed")


def _news(event: e.AnyEvent) -> str:
    match event:
        case e.VerdictReached():
            return f"{event.candidate} ended: {event.verdict}"
        case e.ReviewFinished() if event.opinion is not None:
            return f"review {event.review}"
        case e.DirectiveAdded() | e.DirectiveEdited() | e.DirectiveRetired():
            return f"directive {event.directive}"
        case e.TodoAdded() if event.role == "person":
            return f"open work {event.todo} by {event.by}"
        case e.ChampionAccepted() | e.ChampionRejected() | e.ChampionDemoted():
            return f"another champion after {event.candidate}"
        case e.RunResumed():
            return f"resumed by {event.by}"
        case e.LimitsChanged() | e.CampaignChangeAccepted():
            return f"other terms by {event.by}"
        case _:
            return ""


def _asked(made: Decisions, event: d.DecisionAsked, time: str) -> None:
    made.begun += 1
    made.open = OpenDecision(
        id=event.decision,
        agent=event.agent,
        since=time,
        folder=event.folder,
        reasons=event.reasons,
        at_iteration=event.at_iteration,
    )
    made.asked_at, made.news, made.waits_until, made.rests = time, [], "", False


def _answered(state: RunState, event: d.DecisionAnswered) -> None:
    made, begun = state.decisions, state.decisions.open
    _spend(state, event.tokens, event.cost_usd)
    add_spend(state.spend, event.tokens, event.cost_usd, event.outcome)
    if begun is None:
        return
    made.open = None
    made.pending = Decided(
        id=event.decision,
        at_iteration=begun.at_iteration,
        since=begun.since,
        reasons=begun.reasons,
        decision=event.answer,
        status="ready",
        detail=event.detail,
    )
    if event.answer is None:
        _done(made, "failed", event.detail)
        # A provider's limit is no fault of the worker, and has its own end.
        made.in_vain += event.outcome != "limited"
    _rest(made, event.rest_until)


def _interrupted(state: RunState, event: d.DecisionInterrupted) -> None:
    made, begun = state.decisions, state.decisions.open
    _spend(state, event.tokens, event.cost_usd)
    add_spend(state.spend, event.tokens, event.cost_usd, None)
    if begun is not None:
        made.open = None
        made.news = [*begun.reasons, *made.news][-MOST_NEWS:]
    made.in_vain += bool(event.rest_until)
    _rest(made, event.rest_until)


def _gated(made: Decisions, event: d.DecisionGated) -> None:
    if made.pending is None:
        return
    made.pending.issues = event.issues
    if event.blocked:
        _done(made, "blocked")
        made.in_vain += 1
        _rest(made, event.rest_until)


def _reviewed(
    made: Decisions,
    event: d.DecisionHeld | d.DecisionReleased | d.DecisionVetoed | d.DecisionReplaced,
) -> None:
    pending = made.pending
    if pending is None:
        return
    match event:
        case d.DecisionHeld():
            pending.status, pending.held_until = "held", event.until
            pending.held_for = event.reasons
        case d.DecisionReleased():
            pending.status, pending.detail = "ready", event.reason
            pending.review = event.review or pending.review
        case d.DecisionVetoed():
            pending.review = event.review
            _done(made, "vetoed", event.reason)
            made.news = [*made.news, f"review {event.review} vetoed {event.decision}"]
        case d.DecisionReplaced():
            pending.status, pending.detail, pending.review = "ready", event.reason, event.review
            pending.own, pending.decision = pending.decision, event.replacement
        case _:
            assert_never(event)


def _taken(made: Decisions, event: d.DecisionTaken) -> None:
    if made.pending is None:
        return
    made.pending.iteration, made.pending.candidate = event.iteration, event.candidate
    waits = event.action == "wait"
    made.waits = made.waits + 1 if waits else 0
    made.in_vain = made.in_vain + 1 if event.in_vain else 0
    _done(made, "taken", event.detail)
    if waits:
        made.waits_until = event.until
    else:
        _rest(made, event.until)


def _followed(state: RunState, event: d.DecisionTaken) -> None:
    """Remember which reviews a worker says that the run follows which it began."""
    pending = state.decisions.pending
    if pending is None or pending.decision is None or event.action not in {"run", "propose"}:
        return
    if event.candidate is not None:
        note_follows(state, pending.decision.follows, event.candidate)


def _done(made: Decisions, status: Status, detail: str = "") -> None:
    if made.pending is not None:
        made.pending.status = status
        made.pending.detail = detail or made.pending.detail
        made.done = [*made.done, made.pending][-KEPT_DECISIONS:]
        made.pending = None


def _rest(made: Decisions, until: str) -> None:
    if until:
        made.waits_until, made.rests = until, True


def _spend(state: RunState, tokens: Tokens, cost_usd: float | None) -> None:
    state.decisions.tokens = state.decisions.tokens.plus(tokens)
    state.decisions.usd += cost_usd or 0.0
