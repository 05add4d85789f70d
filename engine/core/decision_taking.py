"""From a worker's word to what is recorded of it: gated, taken, or left alone for a while. Pure."""

import msgspec

from engine.core import events as e
from engine.core.answering_finish import plan_finish
from engine.core.answering_steering import Refusal
from engine.core.commands import Finish
from engine.core.deciding import rest_s, wait_s
from engine.core.decision_gate import Facts, Ground, gate, named_run
from engine.core.decisions.events import DecisionGated, DecisionTaken
from engine.core.decisions.parts import SAFE, Chosen, Decision, WorkerRules
from engine.core.finish.times import utc
from engine.core.ids import CandidateId, DecisionId, IterationNumber
from engine.core.state import RunState


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision is judged and carried out by, at `now_s`; `by` is the worker's name."""

    rules: WorkerRules
    ground: Ground
    by: str
    now_s: float


def judged(
    state: RunState, name: DecisionId, decision: Decision, means: Means, facts: Facts
) -> list[e.AnyEvent]:
    """The events that follow an answer in its transaction.

    What stops something, or waits, is taken at once; a run passes the gate, or is blocked by it.
    """
    if decision.action in SAFE:
        return carried_out(state, name, decision, means)
    issues = gate(state, decision, means.rules.gate, means.ground, facts)
    rest = utc(means.now_s + rest_s(state, means.rules)) if issues else ""
    return [DecisionGated(decision=name, issues=issues, blocked=bool(issues), rest_until=rest)]


def carried_out(
    state: RunState, name: DecisionId, decision: Decision, means: Means
) -> list[e.AnyEvent]:
    """The events of an action that begins nothing."""
    match decision.action:
        case "stop_run":
            return _stop_run(state, name, decision, means)
        case "shut_down":
            return _shut_down(state, name, decision, means)
        case _:
            until = utc(means.now_s + wait_s(state, decision.wait_s, means.rules))
            return [DecisionTaken(decision=name, action="wait", until=until)]


def taken(
    name: DecisionId, decision: Decision, number: IterationNumber, candidate: CandidateId
) -> DecisionTaken:
    """The event of a run that begins, in its transaction."""
    return DecisionTaken(
        decision=name, action=decision.action, iteration=number, candidate=candidate
    )


def chosen(name: DecisionId, decision: Decision, rules: WorkerRules) -> Chosen:
    """What the candidate of a decision keeps of it."""
    wanted = decision.monitor_s if decision.monitor_s > 0 else rules.monitor_s
    return Chosen(
        decision=name,
        label=decision.label,
        category=decision.category,
        command=decision.command,
        folder=decision.folder,
        monitor_s=min(wanted, rules.most_monitor_s),
    )


def _stop_run(
    state: RunState, name: DecisionId, decision: Decision, means: Means
) -> list[e.AnyEvent]:
    one = named_run(state, decision.run)
    turn = state.open.get(one.iteration) if one else None
    if one is None or turn is None or turn.cut:
        why = f"there is no run {decision.run or '(none named)'} under way"
        if turn is not None and turn.cut:
            why = f"{decision.run} is being cut off already"
        return [_in_vain(state, name, decision, means, why)]
    why = f": {decision.rationale.strip()}" if decision.rationale.strip() else ""
    cut = e.IterationCut(iteration=one.iteration, reason=f"stopped by {means.by}{why}"[:400])
    done = DecisionTaken(
        decision=name, action="stop_run", iteration=one.iteration, candidate=one.id
    )
    return [done, cut]


def _shut_down(
    state: RunState, name: DecisionId, decision: Decision, means: Means
) -> list[e.AnyEvent]:
    """The orderly end of a finish, without final rounds: the worker has nothing more to try."""
    finish = state.finish
    if finish is not None and finish.freezes:
        detail = f"the finish is under way: {finish.phase}"
        return [DecisionTaken(decision=name, action="shut_down", detail=detail)]
    wish = Finish(final_rounds=0, note=decision.rationale.strip()[:400])
    found = plan_finish(state, wish, by=means.by, now_s=means.now_s, source="worker")
    if isinstance(found, Refusal):
        return [_in_vain(state, name, decision, means, found.reason)]
    return [DecisionTaken(decision=name, action="shut_down"), *found]


def _in_vain(
    state: RunState, name: DecisionId, decision: Decision, means: Means, why: str
) -> DecisionTaken:
    rest = utc(means.now_s + rest_s(state, means.rules))
    return DecisionTaken(
        decision=name, action=decision.action, detail=why, until=rest, in_vain=True
    )
