"""The command line: names and options only; what a command does is imported when it is used."""

from pathlib import Path

import click

from engine.cli.console import Commands
from engine.cli.main_agents import directive, login, show, stash
from engine.cli.main_approvals import approvals, approve, refuse
from engine.cli.main_champion import champion
from engine.cli.main_decisions import decision
from engine.cli.main_finish import finish
from engine.cli.main_jobs import job
from engine.cli.main_mentor import mentor
from engine.cli.main_run import LARGEST, run
from engine.cli.main_todos import todo

_RUN = click.argument("run", required=False)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="controlroom")
def main() -> None:
    """A control room for unattended research loops.

    RUN is the name of a run or the path of its folder; without it a command means the newest run
    of this folder.

    Exit status: 0 done as asked; 2 the command line or a file is wrong; 3 stopped by a rule that
    means failure; 4 nothing valid was found; 5 the journal or a folder is unusable;
    130 interrupted.
    """


@main.command()
@_RUN
def attach(run: str | None) -> None:
    """Open the screen on a run; leaving it does not stop the run."""
    from engine.cli.screen import attach

    attach(run)


@main.command()
@_RUN
@_JSON
@click.option(
    "--watch",
    is_flag=False,
    flag_value=2.0,
    type=click.FloatRange(0.1, 86_400),
    metavar="SECONDS",
    help="Again and again until the run is over.",
)
def status(run: str | None, *, as_json: bool, watch: float | None) -> None:
    """Say whether a run is alive, how far it is, and what won."""
    from engine.cli.looking import status

    status(run, as_json=as_json, watch_s=watch)


@main.command()
@_RUN
@_JSON
@click.option("--csv", "as_csv", is_flag=True)
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True)
def leaderboard(run: str | None, *, as_json: bool, as_csv: bool, top: int) -> None:
    """The best candidates of a run."""
    from engine.cli.looking import leaderboard

    leaderboard(run, as_json=as_json, as_csv=as_csv, top=top)


@main.command()
@_RUN
@click.option("--top-k", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Another folder than the run's."
)
@_JSON
def report(run: str | None, *, top_k: int, out: Path | None, as_json: bool) -> None:
    """Write what was tried, what won and what failed: pages, figures and their evidence."""
    from engine.cli.report import report

    report(run, top_k=top_k, out=out, as_json=as_json)


@main.command()
@_RUN
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
@click.option("--follow", is_flag=True, help="Go on as events come.")
@click.option("--from", "from_", type=click.IntRange(1, LARGEST), default=1, help="First number.")
def events(run: str | None, *, as_json: bool, follow: bool, from_: int) -> None:
    """What happened in a run, in order."""
    from engine.cli.looking import events

    events(run, as_json=as_json, follow=follow, from_seq=from_)


@main.command()
@_RUN
@click.option("--iteration", type=click.IntRange(min=1), help="The newest unless given.")
@click.option("--engine", "engine_log", is_flag=True, help="The engine's own log.")
@click.option("--follow", is_flag=True, help="Go on as lines come.")
def logs(run: str | None, *, iteration: int | None, engine_log: bool, follow: bool) -> None:
    """What the checks of an iteration printed."""
    from engine.cli.looking import logs

    logs(run, iteration=iteration, engine_log=engine_log, follow=follow)


@main.command()
@_RUN
@click.option("--now", is_flag=True, help="Interrupt running steps too; they are done again.")
@click.option("--reason", default="", help="Kept with the pause.")
@_JSON
def pause(run: str | None, *, now: bool, reason: str, as_json: bool) -> None:
    """Start no new step. The same as `touch RUN/PAUSE`."""
    from engine.cli.steering import pause

    pause(run, now=now, reason=reason, as_json=as_json)


@main.command()
@_RUN
@_JSON
def resume(run: str | None, *, as_json: bool) -> None:
    """End a pause. The same as `rm RUN/PAUSE`."""
    from engine.cli.steering import resume

    resume(run, as_json=as_json)


@main.command()
@_RUN
@click.option("--now", is_flag=True, help="Interrupt running steps; they are done again.")
@click.option("--wait", is_flag=True, help="Return when the engine is gone.")
@click.option("--reason", default="", help="Kept with the stop.")
@_JSON
def stop(run: str | None, *, now: bool, wait: bool, reason: str, as_json: bool) -> None:
    """End the engine in good order; `run` with the same file goes on later."""
    from engine.cli.steering import stop

    stop(run, now=now, wait=wait, reason=reason, as_json=as_json)


@main.command()
@click.argument("config", type=click.Path(path_type=Path), required=False)
@click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Override a campaign key.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of campaign files.")
@_JSON
def check(config: Path | None, *, set_: tuple[str, ...], schema: bool, as_json: bool) -> None:
    """Say what is wrong or missing before a campaign runs; nothing is executed."""
    from engine.cli.checking import check

    check(config, overrides=set_, schema=schema, as_json=as_json)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--output", type=click.Path(path_type=Path), help="The file to write.")
def init(folder: Path, output: Path | None) -> None:
    """Look at a repository and write a commented campaign for it; never overwrites."""
    from engine.cli.init import init

    init(folder, output)


@main.command()
@click.argument("what", metavar="[CANDIDATE|RUN]", required=False)
@click.argument("run", required=False)
@_JSON
def verify(what: str | None, run: str | None, *, as_json: bool) -> None:
    """Say whether a run's journal and receipts hold, and whether what judged is the same now.

    CANDIDATE is a number, as in `verify 7`, or `verify 7 RUN` for a run that is not the newest.
    """
    from engine.cli.verify import verify

    verify(what, run, as_json=as_json)


@main.command()
@click.option(
    "--executor",
    metavar="NAME",
    help="Look at the hosts of an executor instead, or at ssh://user@host:port.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The campaign file that has the executor; by default that of the newest run here.",
)
@_JSON
def doctor(*, executor: str | None, config: Path | None, as_json: bool) -> None:
    """Say what this machine has, and what is missing for what."""
    if executor is not None:
        from engine.cli.doctor_hosts import doctor_hosts

        doctor_hosts(executor, config, as_json=as_json)
        return
    from engine.cli.doctor import doctor

    doctor(as_json=as_json)


main.add_command(approvals)
main.add_command(approve)
main.add_command(champion)
main.add_command(decision)
main.add_command(directive)
main.add_command(finish)
main.add_command(job)
main.add_command(login)
main.add_command(mentor)
main.add_command(refuse)
main.add_command(run)
main.add_command(show)
main.add_command(stash)
main.add_command(todo)
