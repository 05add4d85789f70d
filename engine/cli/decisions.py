"""`decision`: tells what a worker decided."""

import json
from collections.abc import Iterator

import click
import msgspec

from engine.cli.lines import printable, value_text
from engine.cli.looking import all_records, open_run, warn_of_damage
from engine.core.decision_lines import words_of
from engine.core.decisions.parts import Decision
from engine.core.metric import Metric
from engine.reports.decisions import DecisionTold, decisions_of


def list_decisions(run: str | None, *, as_json: bool) -> None:
    """Print what the worker decided, the newest last, and what became of it."""
    handle = open_run(run)
    found = decisions_of(all_records(handle))
    if as_json:
        click.echo(json.dumps({"decisions": [msgspec.to_builtins(each) for each in found]}))
    else:
        metric = handle.state.metric if handle.state else None
        click.echo("\n\n".join(told(each, metric) for each in found) or "no decisions")
    warn_of_damage(handle)


def told(found: DecisionTold, metric: Metric | None) -> str:
    """A decision in some lines, the first of which says why the worker was asked."""
    since = f"{found.asked[:16].replace('T', ' ')} UTC"
    why = "; ".join(found.reasons)
    head = f"{found.id}  after {found.at_iteration} iterations, {since}: {why}"
    lines = [head, *(f"  {line}" for line in _lines(found, metric))]
    return "\n".join(printable(" ".join(line.splitlines())) for line in lines)


def _lines(found: DecisionTold, metric: Metric | None) -> Iterator[str]:
    if found.own is not None:
        yield from _decision(found.own, "the worker's own: ")
    if found.decision is not None:
        yield from _decision(found.decision, "instead: " if found.own else "")
    yield from (f"out of form: {each}" for each in found.problems)
    yield from (f"gate: {issue.text}" for issue in found.issues)
    if found.held_for:
        yield f"waited for a review: {'; '.join(found.held_for)}"
    if (review := found.review) is not None:
        course = (review.course or "came to nothing").replace("_", " ")
        yield f"{review.id}: {course}{f': {review.critique}' if review.critique else ''}"
    yield _outcome(found, metric)


def _decision(decision: Decision, whose: str) -> Iterator[str]:
    yield f"{whose}{words_of(decision)} ({decision.category})"
    if decision.folder:
        yield f"in {decision.folder}"
    if decision.rationale:
        yield f"because {decision.rationale}"


def _outcome(found: DecisionTold, metric: Metric | None) -> str:
    detail = f": {found.detail}" if found.detail else ""
    if found.status != "taken" or found.decision is None:
        return f"{found.status}{detail}"
    if found.iteration is None:
        until = f" until {found.until[:19].replace('T', ' ')} UTC" if found.until else ""
        return f"{found.decision.action.replace('_', ' ')}{until}{detail}"
    how = "stopped" if found.decision.action == "stop_run" else "began"
    value = "" if found.value is None else f", {value_text(found.value, metric)}"
    return f"{how} iteration {found.iteration}: {found.verdict or 'under way'}{value}"
