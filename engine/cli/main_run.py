"""The command line of `run`: names and options only, as in `engine.cli.main`."""

from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from engine.cli.groups import InGroup, WithGroups

LARGEST: Final = 2**53
"""Larger numbers are not exact in every program that reads JSON."""

_COUNT: Final = click.IntRange(min=0)
_ON_FAIL: Final = click.Choice(["fail", "count-failure", "continue"])
_AGENT: Final = "Agent (overrides of the campaign, as --set makes them)"
_FAILURES: Final = "Failures (overrides of the campaign)"
_GIT: Final = "Repository (overrides of the campaign)"
_agent: Final = partial(click.option, cls=InGroup, group=_AGENT)
_failures: Final = partial(click.option, cls=InGroup, group=_FAILURES)
_git: Final = partial(click.option, cls=InGroup, group=_GIT)


@click.command(cls=WithGroups)
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--no-ui", is_flag=True, help="The engine in the foreground, plain lines, no screen.")
@click.option("--detach", is_flag=True, help="Start the engine, print its name and pid, return.")
@click.option(
    "--iterations", type=click.IntRange(1, LARGEST), help="The run's total, the baseline too."
)
@click.option("--for", "for_", metavar="DURATION", help="Engine time, such as 8h or 30m.")
@click.option("--seed", type=click.IntRange(0, LARGEST), help="Overrides the campaign's seed.")
@click.option("--slots", type=click.IntRange(1, 1024), help="Iterations at a time.")
@click.option("--name", help="The run's name; CAMPAIGN-sSEED unless given.")
@click.option("--new", is_flag=True, help="A fresh run beside an existing one of that name.")
@click.option(
    "--from", "from_", metavar="CANDIDATE", help="Go on from this candidate: it becomes champion."
)
@click.option("--reason", default="", help="Why; kept with --from.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="The run's folder.")
@click.option(
    "--on",
    metavar="HOST",
    help="Run the checks there: ssh://user@host:port, ssh://NAME, or one of `executors`.",
)
@click.option(
    "--set",
    "set_",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a campaign key; KEY+=VALUE appends to a list.",
)
@click.option("--accept-changes", is_flag=True, help="Go on though the campaign file changed.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines (with --no-ui).")
@click.option("--exit-on-halt", is_flag=True, help="End with 3 where a guardrail halts the run.")
@click.option(
    "--unsealed", is_flag=True, help="Run sealed checks without a sandbox: scores can be forged."
)
@_agent("--agent", metavar="NAME", help="codex, claude, command, scripted, acp or a dotted path.")
@_agent("--model", metavar="NAME", help="Its model.")
@_agent("--effort", metavar="WORD", help="How much it is to think, in its own words.")
@_agent("--prompt-file", type=click.Path(path_type=Path), help="The prompt's template.")
@_agent("--directive", multiple=True, metavar="TEXT", help="A steering text; may be repeated.")
@_agent(
    "--directive-file",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The same, from a file; may be repeated.",
)
@_agent(
    "--directive-preset",
    multiple=True,
    metavar="NAME",
    help="One that ships, see `directive presets`; may be repeated.",
)
@_agent("--retries", type=_COUNT, help="Of an attempt that its provider let down.")
@_agent("--retry-sleep", metavar="DURATION", help="The pause before; doubled each time.")
@_agent("--agent-timeout", metavar="DURATION", help="Ends an attempt.")
@_agent("--agent-idle-timeout", metavar="DURATION", help="The same, when it is silent.")
@_failures("--resilient", is_flag=True, help="Do not end for failures: policy.resilient.")
@_failures("--max-failures", type=_COUNT, help="More than these end the run with 3.")
@_failures(
    "--no-commit-policy",
    type=click.Choice(["fail", "allow", "count-failure"]),
    help="An agent that changed nothing.",
)
@_failures("--iteration-error-policy", type=_ON_FAIL, help="An error of an agent.")
@_failures(
    "--post-check",
    multiple=True,
    metavar="COMMAND",
    help="Run before a candidate is promoted; may be repeated.",
)
@_failures("--post-check-policy", type=_ON_FAIL, help="A post-check that fails.")
@_failures("--post-check-retries", type=_COUNT, help="Of those, where the machine failed them.")
@_git(
    "--dirty-policy",
    type=click.Choice(["fail", "stash", "allow"]),
    help="A checkout with changes, in mode in-place.",
)
@_git(
    "--stash-restore-policy",
    type=click.Choice(["warn-keep", "fail"]),
    help="When they cannot be put back.",
)
@_git(
    "--sync-main-policy",
    type=click.Choice(["off", "once", "each-iteration"]),
    help="When the main branch is merged.",
)
@_git("--sync-main-remote", metavar="NAME", help="The remote that has it.")
@_git("--sync-main-branch", metavar="NAME", help="Its name.")
@_git(
    "--sync-main-conflict-policy",
    type=click.Choice(["fail", "skip"]),
    help="When it cannot be merged by itself.",
)
def run(**options: Any) -> None:
    """Run the campaign of the file CONFIG, or go on with a run of it."""
    from engine.cli.run import run

    run(**options)
