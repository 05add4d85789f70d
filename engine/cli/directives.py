"""`directive`: steering texts that go into an agent's prompts, changed while a run goes on."""

import json
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from engine.cli.console import readable, user_name
from engine.cli.exits import fail
from engine.cli.looking import open_run
from engine.cli.steering import end_refused, given, say
from engine.client import RunHandle
from engine.core.commands import (
    AddDirective,
    AnyCommand,
    EditDirective,
    RetireDirective,
    name_of,
)
from engine.core.events import DirectiveAdded
from engine.core.ids import DirectiveId
from engine.core.state import Directive
from engine.knowledge import directives
from engine.knowledge.directives import DirectiveError, DirectiveText

_MOST_BYTES: Final = 1 << 20


def add(
    run: str | None,
    text: str | None,
    *,
    title: str,
    file: Path | None,
    preset: str | None,
    as_json: bool,
) -> None:
    """Steer the prompts from the next one on."""
    found = _text(text, file, preset, title)
    command = AddDirective(title=found.title, text=found.text, source=readable(found.source))
    _order(run, command, as_json=as_json)


def edit(
    run: str | None, directive: str, text: str | None, *, file: Path | None, as_json: bool
) -> None:
    """Let a directive say something else."""
    found = _text(text, file, None, "")
    _order(run, EditDirective(directive=DirectiveId(directive), text=found.text), as_json=as_json)


def retire(run: str | None, directive: str, *, reason: str, as_json: bool) -> None:
    """Keep a directive out of prompts from now on."""
    command = RetireDirective(directive=DirectiveId(directive), reason=readable(reason))
    _order(run, command, as_json=as_json)


def list_directives(run: str | None, *, all_of_them: bool, as_json: bool) -> None:
    """Print the directives that are in force; with `all_of_them` the retired ones too."""
    handle = open_run(run)
    known = handle.state.directives.values() if handle.state else ()
    shown = [each for each in known if all_of_them or each.retired is None]
    waiting = [each for each in handle.unanswered() if _steers(each.command)]
    if as_json:
        listed = [msgspec.to_builtins(each) for each in shown]
        pending = [msgspec.to_builtins(each) for each in waiting]
        click.echo(json.dumps({"directives": listed, "waiting": pending}))
        return
    click.echo("\n\n".join(map(_listed, shown)) or "no directives")
    for each in waiting:
        click.echo(f"{name_of(each.command)} by {each.by} waits in the inbox for an engine")


def list_presets(*, as_json: bool) -> None:
    """Print the directives that ship."""
    found = {name: directives.preset(name).title for name in directives.presets()}
    if as_json:
        click.echo(json.dumps({"presets": found}))
        return
    width = max(map(len, found), default=0)
    for name, title in found.items():
        click.echo(f"{name:<{width}}  {title}")


def _steers(command: AnyCommand) -> bool:
    return isinstance(command, AddDirective | EditDirective | RetireDirective)


def _listed(directive: Directive) -> str:
    """A directive for people: what it is called, who said it when, and its text."""
    since = f"{directive.since[:16].replace('T', ' ')} UTC"
    head = f"{directive.id}  {directive.title}\n  by {directive.by}, {since}, {directive.source}"
    if directive.retired is not None:
        head += f"\n  retired: {directive.retired}"
    return head + "".join(f"\n  | {line}" for line in directive.text.splitlines())


def _order(
    run: str | None, command: AddDirective | EditDirective | RetireDirective, *, as_json: bool
) -> None:
    handle = open_run(run, by=user_name())
    done = given(handle, command)
    name = _added(handle, done.answer.seq) if done.answer and done.accepted else None
    outcome = f"{done.outcome} as {name}; it is in the next prompt" if name else done.outcome
    say(
        handle,
        name_of(command),
        done.outcome if as_json else outcome,
        as_json=as_json,
        directive=name,
    )
    end_refused(done)


def _added(handle: RunHandle, answered: int) -> str | None:
    """The id that a directive got; the event stands right before the one that answers."""
    for record in handle.records_from(max(1, answered - 1), 1):
        if isinstance(record.event, DirectiveAdded):
            return record.event.directive
    return None


def _text(text: str | None, file: Path | None, preset: str | None, title: str) -> DirectiveText:
    """The directive that the words mean; exits with 2 unless they mean exactly one."""
    if sum(each is not None for each in (text, file, preset)) != 1:
        fail("give the text, or `-` for standard input, or --file FILE, or --preset NAME")
    try:
        if file is not None:
            found = directives.from_file(file)
        elif preset is not None:
            found = directives.preset(preset)
        else:
            found = directives.inline(_given_text(text or ""), readable(title))
    except DirectiveError as error:
        fail(readable(str(error)))
    return msgspec.structs.replace(found, title=readable(title)) if title else found


def _given_text(text: str) -> str:
    if text != "-":
        return readable(text)
    try:
        return sys.stdin.buffer.read(_MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"standard input cannot be read as text: {error}")
