"""`job`: the detached jobs of a run, listed, read and ended."""

import json

import click
import msgspec

from engine.cli.console import readable, user_name
from engine.cli.exits import fail
from engine.cli.lines import printable
from engine.cli.looking import open_run, print_log
from engine.cli.steering import end_refused, given, say
from engine.core.commands import StopJob, name_of
from engine.core.ids import JobId
from engine.core.jobs.parts import Job
from engine.reports.jobs import JobStatus


def list_jobs(run: str | None, *, all_of_them: bool, as_json: bool) -> None:
    """Print the jobs that are under way; with `all_of_them` those that ended lately, too."""
    handle = open_run(run)
    under_way = handle.status().jobs
    done = handle.state.jobs.done if handle.state and all_of_them else []
    if as_json:
        told = {
            "jobs": [msgspec.to_builtins(each) for each in under_way],
            "done": [msgspec.to_builtins(each) for each in done],
        }
        click.echo(json.dumps(told))
        return
    lines = [*map(_done, done), *map(_under_way, under_way)]
    click.echo("\n".join(lines) or "no job is under way")


def log(run: str | None, job: str, *, follow: bool) -> None:
    """Print what a job has printed."""
    handle = open_run(run)
    known = handle.state.jobs.of(JobId(job)) if handle.state else None
    path = handle.paths.job(job) / "log"
    if known is None and not path.exists():
        fail(f"{handle.paths.root} has no job {job}")
    print_log(handle, path, follow=follow)


def stop(run: str | None, job: str, *, reason: str, as_json: bool) -> None:
    """End a job."""
    handle = open_run(run, by=user_name())
    command = StopJob(job=JobId(job), reason=readable(reason))
    done = given(handle, command)
    say(handle, name_of(command), done.outcome, as_json=as_json, job=job)
    end_refused(done)


def _under_way(job: JobStatus) -> str:
    quiet = f", silent for {job.quiet_s:.0f} s" if job.quiet_s is not None else ""
    stopping = f", to stop, says {printable(job.stopping)}" if job.stopping else ""
    takes = f"{job.cpu_s:.0f} s of CPU, {job.rss_bytes >> 20} MiB" if job.rss_bytes else ""
    where = f" on {printable(job.host)}" if job.host else ""
    head = f"{job.job}  #{job.iteration} {job.check}{where}  {job.state} for {job.since_s:.0f} s"
    return f"{head}{quiet}{stopping}" + (f"  {takes}" if takes else "")


def _done(job: Job) -> str:
    how = f" with status {job.exit_code}" if job.exit_code is not None else ""
    how = f" with signal {job.signal}" if job.signal is not None else how
    detail = f": {printable(job.detail)}" if job.detail else ""
    head = f"{job.id}  #{job.iteration} {job.check}  {job.outcome}{how}"
    return f"{head} after {job.took_s:.1f} s{detail}"
