"""`controlroom run`: here, detached, or detached with the screen in front."""

import os
import sys
from typing import Any

import click

from engine.checks.preflight import missing
from engine.cli.agents_ready import missing_logins, without_walls
from engine.cli.checking import loaded_or_exit, refuse_missing
from engine.cli.elsewhere import elsewhere
from engine.cli.exits import fail
from engine.cli.flags import overrides_of
from engine.cli.launching import launch
from engine.cli.request import request_of
from engine.cli.screen import become_screen, require_terminal
from engine.cli.told_texts import text_problems


def run(**options: Any) -> None:
    """Do what `controlroom run` was asked to do; never returns into the command line."""
    overrides = overrides_of(options)
    loaded = loaded_or_exit(options["config"], overrides)
    if options["on"] is not None:
        overrides = (*overrides, *elsewhere(loaded.campaign, options["on"]))
        loaded = loaded_or_exit(options["config"], overrides)
    request = request_of(loaded, overrides, options)
    lacking = missing(loaded, os.environ, slots=request.slots, unsealed=request.unsealed)
    lacking += text_problems(loaded)
    lacking += missing_logins(loaded.campaign, os.environ)
    if lacking:
        refuse_missing(options["config"], lacking)
    for warning in without_walls(loaded.campaign):
        click.echo(f"controlroom: {warning}", err=True)
    if options["from_"] is not None:
        from engine.cli.champion import start_from

        start_from(request, options["from_"], options["reason"])
    if options["no_ui"]:
        from engine.cli.foreground import foreground

        sys.exit(foreground(request))
    if options["as_json"]:
        fail(
            "--json goes with --no-ui; for a run in the background use `controlroom events --json`"
        )
    if not options["detach"]:
        require_terminal("controlroom run CONFIG --no-ui")
    pid = launch(request)
    if options["detach"]:
        click.echo(f"{request.run} {pid}")
        return
    become_screen(request.paths.root)
