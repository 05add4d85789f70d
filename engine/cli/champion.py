"""`champion accept|reject`, and `run --from`: a person's word on who is champion."""

import click

from engine.cli.console import readable, user_name
from engine.cli.exits import fail
from engine.cli.lines import value_text
from engine.cli.looking import open_run
from engine.cli.request import Request
from engine.cli.steering import end_refused, given, say
from engine.client import ClientError, RunHandle
from engine.core.answering_champions import rule
from engine.core.answering_steering import Refusal
from engine.core.commands import AcceptChampion, RejectChampion, name_of
from engine.core.confidence import confidence
from engine.core.ids import CandidateId, candidate_id, iteration_named
from engine.core.recheck_lines import evidence_lines


def accept(candidate: str, run: str | None, *, reason: str, as_json: bool) -> None:
    """Let a candidate be champion."""
    command = AcceptChampion(candidate=_named(candidate), reason=readable(reason))
    _give(run, command, as_json=as_json)


def reject(candidate: str | None, run: str | None, *, reason: str, as_json: bool) -> None:
    """Let a candidate not be champion any more."""
    name = None if candidate is None else _named(candidate)
    _give(run, RejectChampion(candidate=name, reason=readable(reason)), as_json=as_json)


def show_champion(run: str | None) -> None:
    """Print who is champion, since when, and what a person said of it."""
    state = open_run(run).state
    best = state.best() if state else None
    if state is None or best is None:
        click.echo("there is no champion yet")
        return
    value, label = value_text(best.value, state.metric), confidence(state, best) or ""
    click.echo(f"{best.id}  {value}  {label}  {best.ruled or best.reason}")
    for line in evidence_lines(state, best):
        click.echo(f"  {line}")


def start_from(request: Request, candidate: str, reason: str) -> None:
    """Let a run that is there go on from one of its candidates; exits with 2 if it cannot."""
    name = _named(candidate)
    try:
        handle = RunHandle.open(request.paths.root, by=user_name())
    except ClientError as error:
        fail(f"--from {candidate}: there is no run to go on with: {error}")
    command = AcceptChampion(candidate=name, reason=readable(reason) or "run --from")
    state = handle.state
    if state is None:
        fail(f"--from {candidate}: the run has no candidates yet")
    if state.champion == name:
        return
    effect = rule(state, command, by=user_name())
    if isinstance(effect, Refusal):
        fail(f"--from {candidate}: {effect.reason}")
    handle.send(command)


def _give(run: str | None, command: AcceptChampion | RejectChampion, *, as_json: bool) -> None:
    handle = open_run(run, by=user_name())
    done = given(handle, command)
    say(handle, name_of(command), done.outcome, as_json=as_json, candidate=command.candidate)
    end_refused(done)


def _named(text: str) -> CandidateId:
    found = iteration_named(text)
    if found is None:
        fail(f"{text!r} names no candidate; write its number, as in 7, #7 or c-0007")
    return candidate_id(found)
