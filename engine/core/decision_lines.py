"""What events of a worker's decisions say to people: a line each."""

from typing import assert_never

from engine.core.agent_lines import because, spend_text
from engine.core.decisions import events as d
from engine.core.decisions.parts import Decision


def decision_line(event: d.DecisionEvent) -> str:
    """The event in a line."""
    match event:
        case d.DecisionAsked():
            return f"worker {event.agent} is asked as {event.decision}: {'; '.join(event.reasons)}"
        case d.DecisionAnswered():
            return _answered(event)
        case d.DecisionInterrupted():
            return f"{event.decision} interrupted, to be asked again: {event.reason}"
        case d.DecisionGated():
            issues = "; ".join(issue.text for issue in event.issues)
            passed = f"{event.decision} passed the gate"
            return f"{event.decision} became a wait: {issues}" if event.blocked else passed
        case d.DecisionTaken():
            return _taken(event)
        case d.DecisionDropped():
            return f"{event.decision} is dropped: {event.reason}"
        case d.DecisionHeld() | d.DecisionReleased() | d.DecisionVetoed() | d.DecisionReplaced():
            return _reviewed(event)
        case _:
            assert_never(event)


def words_of(decision: Decision) -> str:
    """What is decided, in a few words and all its values."""
    values = " ".join(f"{name}={value}" for name, value in decision.parameters.items())
    return ", ".join(filter(None, [_named(decision), decision.command, values]))


def _briefly(decision: Decision) -> str:
    """The same without values, which its candidate shows; without a label they are its name."""
    if not decision.label:
        return words_of(decision)
    return ", ".join(filter(None, [_named(decision), decision.command]))


def _named(decision: Decision) -> str:
    what = decision.label or decision.run
    return " ".join(filter(None, [decision.action.replace("_", " "), what]))


def _answered(event: d.DecisionAnswered) -> str:
    spent = spend_text(event.tokens, event.cost_usd)
    took = f"{event.duration_s:.1f} s{f', {spent}' if spent else ''}"
    if event.answer is None:
        return because(f"{event.decision} came to nothing in {took}", event.detail)
    again = ", asked twice" if event.asked_again else ""
    head = f"{event.decision} in {took}{again}: {_briefly(event.answer)}"
    return because(head, event.answer.rationale)


def _taken(event: d.DecisionTaken) -> str:
    match event.action:
        case "run" | "propose":
            return f"{event.decision} begins {event.candidate}"
        case "stop_run" if event.iteration is not None:
            return f"{event.decision} stops {event.candidate}"
        case "wait":
            return f"{event.decision} waits until {event.until[11:19]} UTC"
        case _:
            return because(f"{event.decision} {event.action.replace('_', ' ')}", event.detail)


def _reviewed(
    event: d.DecisionHeld | d.DecisionReleased | d.DecisionVetoed | d.DecisionReplaced,
) -> str:
    match event:
        case d.DecisionHeld():
            until = event.until[11:19]
            return f"{event.decision} waits for a review until {until}: {'; '.join(event.reasons)}"
        case d.DecisionReleased():
            return because(f"{event.decision} goes on", event.reason)
        case d.DecisionVetoed():
            return because(f"{event.decision} vetoed by {event.review}", event.reason)
        case d.DecisionReplaced():
            what = _briefly(event.replacement)
            return because(f"{event.decision} replaced by {event.review}: {what}", event.reason)
        case _:
            assert_never(event)
