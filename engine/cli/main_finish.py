"""The command line of the finish: names and options only, as in `engine.cli.main`."""

from typing import Final

import click

_RUN: Final = click.argument("run", required=False)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.command()
@_RUN
@click.option(
    "--minutes-left",
    "minutes",
    type=click.FloatRange(0, 525_600, min_open=True),
    metavar="MINUTES",
    help="How long it takes until the run is over; fractions are welcome.",
)
@click.option(
    "--final-rounds", type=click.IntRange(0, 1000), help="Iterations that may still begin."
)
@click.option("--top-k", type=click.IntRange(1, 1000), help="Leaders that are measured again.")
@click.option("--note", default="", help="Kept with the plan, and told to agents.")
@click.option("--in", "in_", metavar="DURATION", help="Begin after so long: 7h, 1h30m.")
@click.option("--at", metavar="TIME", help="Begin at 18:30, or at an ISO 8601 time.")
@click.option(
    "--run-hours",
    type=click.FloatRange(0, 87_600, min_open=True),
    metavar="HOURS",
    help="Be over after so many hours from now.",
)
@click.option("--report-now", is_flag=True, help="Cut off what runs, write the report, end.")
@click.option("--show", is_flag=True, help="Only say what is planned.")
@click.option("--cancel", is_flag=True, help="Let the run go on; not once the report is begun.")
@_JSON
def finish(run: str | None, **options: object) -> None:
    """Bring RUN to its end: final rounds, leaders measured again, report, shutdown.

    It begins at once unless --in, --at or --run-hours say when. Nothing new begins from then on but
    the final rounds; what runs too long is cut off; the report is there before the time is over.
    """
    from engine.cli.finish import Options, finish

    finish(run, Options(**options))  # type: ignore[arg-type]
