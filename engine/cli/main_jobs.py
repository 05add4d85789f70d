"""The command line of detached jobs: names and options only, as in `engine.cli.main`."""

from typing import Final

import click

from engine.cli.groups import WithDefault

_ID: Final = click.argument("job_id", metavar="ID")
_RUN: Final = click.option("--run", metavar="RUN", help="The newest run of this folder if absent.")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.group(cls=WithDefault, default="list")
def job() -> None:
    """Checks that outlive the engine, such as trainings.

    `job` alone lists those that are under way. The run is named by --run.
    """


@job.command("list")
@click.option("--all", "all_of_them", is_flag=True, help="Those that ended lately, too.")
@_RUN
@_JSON
def job_list(*, all_of_them: bool, run: str | None, as_json: bool) -> None:
    """What runs, and how it is doing."""
    from engine.cli.jobs import list_jobs

    list_jobs(run, all_of_them=all_of_them, as_json=as_json)


@job.command("log")
@_ID
@click.option("--follow", is_flag=True, help="Go on as lines come.")
@_RUN
def job_log(job_id: str, *, follow: bool, run: str | None) -> None:
    """What a job has printed."""
    from engine.cli.jobs import log

    log(run, job_id, follow=follow)


@job.command("stop")
@_ID
@click.option("--reason", default="", help="Kept with it.")
@_RUN
@_JSON
def job_stop(job_id: str, *, reason: str, run: str | None, as_json: bool) -> None:
    """End a job, whether or not an engine lives; its iteration is inconclusive then."""
    from engine.cli.jobs import stop

    stop(run, job_id, reason=reason, as_json=as_json)
