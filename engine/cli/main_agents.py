"""The command line of what concerns agents: names and options only, as in `engine.cli.main`."""

from pathlib import Path
from typing import Final

import click

from engine.cli.groups import WithDefault
from engine.cli.shown import Part

_RUN: Final = click.option("--run", metavar="RUN", help="The newest run of this folder if absent.")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
_FILE: Final = click.option(
    "--file", type=click.Path(path_type=Path), help="Take the text from a file."
)


@click.group()
def directive() -> None:
    """Steer an agent by texts in its prompts.

    They go into every prompt from the next one on and are recorded with their author. Those for
    a run that is not live wait in its inbox. The run is named by --run.
    """


@directive.command("add")
@click.argument("text", required=False)
@click.option("--title", default="", help="What it is called; its first words unless given.")
@_FILE
@click.option("--preset", metavar="NAME", help="One that ships; `directive presets` lists them.")
@_RUN
@_JSON
def directive_add(
    text: str | None,
    *,
    title: str,
    file: Path | None,
    preset: str | None,
    run: str | None,
    as_json: bool,
) -> None:
    """Add a directive.

    Its text is TEXT, `-` for standard input, a file or a preset.
    """
    from engine.cli.directives import add

    add(run, text, title=title, file=file, preset=preset, as_json=as_json)


@directive.command("edit")
@click.argument("directive_id", metavar="ID")
@click.argument("text", required=False)
@_FILE
@_RUN
@_JSON
def directive_edit(
    directive_id: str, text: str | None, *, file: Path | None, run: str | None, as_json: bool
) -> None:
    """Change a directive.

    It says TEXT from the next prompt on, `-` for standard input, or what a file says.
    """
    from engine.cli.directives import edit

    edit(run, directive_id, text, file=file, as_json=as_json)


@directive.command("retire")
@click.argument("directive_id", metavar="ID")
@click.option("--reason", default="", help="Kept with it.")
@_RUN
@_JSON
def directive_retire(directive_id: str, *, reason: str, run: str | None, as_json: bool) -> None:
    """Keep a directive out of prompts."""
    from engine.cli.directives import retire

    retire(run, directive_id, reason=reason, as_json=as_json)


@directive.command("list")
@click.option("--all", "all_of_them", is_flag=True, help="The retired ones too.")
@_RUN
@_JSON
def directive_list(*, all_of_them: bool, run: str | None, as_json: bool) -> None:
    """The directives in force, their authors and their texts."""
    from engine.cli.directives import list_directives

    list_directives(run, all_of_them=all_of_them, as_json=as_json)


@directive.command("presets")
@_JSON
def directive_presets(*, as_json: bool) -> None:
    """The directives that ship."""
    from engine.cli.directives import list_presets

    list_presets(as_json=as_json)


@click.group(cls=WithDefault, default="put")
def stash() -> None:
    """Put aside what is under way; `stash [RUN]` alone does that.

    Its tree goes under a private ref, its slot goes on with something else, and restoring it
    begins a new iteration from it. For the other commands the run is named by --run.
    """


@stash.command("put")
@click.argument("run", required=False)
@click.option("--iteration", type=click.IntRange(min=1), help="The only open one unless given.")
@click.option("--reason", default="", help="Kept with it.")
@_JSON
def stash_put(run: str | None, *, iteration: int | None, reason: str, as_json: bool) -> None:
    """Put an iteration of RUN aside."""
    from engine.cli.stashes import put_aside

    put_aside(run, iteration=iteration, reason=reason, as_json=as_json)


@stash.command("list")
@_RUN
@_JSON
def stash_list(*, run: str | None, as_json: bool) -> None:
    """What is put aside."""
    from engine.cli.stashes import list_stashes

    list_stashes(run, as_json=as_json)


@stash.command("restore")
@click.argument("stash_id", metavar="ID")
@_RUN
@_JSON
def stash_restore(stash_id: str, *, run: str | None, as_json: bool) -> None:
    """Go on with a stash.

    A new iteration begins from it as soon as a slot is free.
    """
    from engine.cli.stashes import restore

    restore(run, stash_id, as_json=as_json)


@stash.command("drop")
@click.argument("stash_id", metavar="ID")
@_RUN
@_JSON
def stash_drop(stash_id: str, *, run: str | None, as_json: bool) -> None:
    """Forget a stash; an engine removes its ref."""
    from engine.cli.stashes import drop

    drop(run, stash_id, as_json=as_json)


@click.command()
@click.argument("iteration")
@click.argument("run", required=False)
@click.option("--prompt", "what", flag_value="prompt", help="What the agent was told.")
@click.option("--transcript", "what", flag_value="transcript", help="What the agent did.")
@click.option("--diff", "what", flag_value="diff", help="What the candidate changes.")
@click.option("--checks", "what", flag_value="checks", help="What its checks printed.")
@click.option("--json", "what", flag_value="json", help="One JSON object on stdout.")
@click.option("--attempt", type=click.IntRange(min=1), help="Of the agent; the last unless given.")
def show(iteration: str, run: str | None, *, what: Part | None, attempt: int | None) -> None:
    """All that is kept of an iteration.

    ITERATION is its number. Without an option: what was tried, why, what became of it, and where
    everything lies.
    """
    from engine.cli.show import show

    show(iteration, run, what=what or "page", attempt=attempt)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("agent")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.option("--status", "status_only", is_flag=True, help="Say whether there is a login: 0 or 2.")
@_JSON
def login(agent: str, words: tuple[str, ...], *, status_only: bool, as_json: bool) -> None:
    """Log an agent in, for runs.

    AGENT is codex or claude. Its own login runs in this terminal, in a home apart from the
    person's, which holds the login only. Further WORDS go to that command.
    """
    from engine.cli import login as logins

    if status_only:
        logins.status(agent, as_json=as_json)
    else:
        logins.login(agent, words)
