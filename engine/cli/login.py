"""`login`: a coding agent's own login, in the isolated home where its runs find it."""

import json
import os
import sys
from collections.abc import Sequence

import anyio
import click

from engine.agents import homes
from engine.agents.protocol import AgentMissingError
from engine.cli.exits import Exit, fail
from engine.executors.terminal import in_terminal


def login(agent: str, words: Sequence[str]) -> None:
    """Run the program's login in this terminal; exits with 2 when there is none afterwards.

    Args:
        agent: its name.
        words: further ones for the program's own command.
    """
    kind = _kind(agent)
    try:
        command = homes.login_command(kind, os.environ)
        in_terminal([*command.argv, *words], command.env)
    except (AgentMissingError, OSError) as error:
        fail(f"{kind}: {error}")
    found = _asked(kind)
    if not found.logged_in:
        fail(f"{kind} is not logged in: {last_line(found.text)}")
    home = homes.home_of(kind, os.environ)
    click.echo(f"{kind} is logged in, in {home}: {last_line(found.text)}")


def status(agent: str, *, as_json: bool) -> None:
    """Print whether there is a login; exits with 2 when there is none."""
    kind = _kind(agent)
    found, home = _asked(kind), homes.home_of(kind, os.environ)
    if as_json:
        said = {"agent": kind, "logged_in": found.logged_in, "text": found.text, "home": str(home)}
        click.echo(json.dumps(said))
    else:
        word = "logged in" if found.logged_in else "not logged in"
        click.echo(f"{kind} is {word}, in {home}: {last_line(found.text)}")
    sys.exit(Exit.DONE if found.logged_in else Exit.WRONG)


def last_line(text: str) -> str:
    """The last line of what a program said; warnings stand before it."""
    return text.strip().rpartition("\n")[2]


def _kind(agent: str) -> homes.Kind:
    for kind in homes.KINDS:
        if kind == agent:
            return kind
    return fail(f"{agent!r} has no login of its own; those that have: {', '.join(homes.KINDS)}")


def _asked(kind: homes.Kind) -> homes.Login:
    try:
        return anyio.run(homes.login_status, kind, os.environ)
    except (AgentMissingError, OSError) as error:
        fail(f"{kind}: {error}")
