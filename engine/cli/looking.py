"""`status`, `leaderboard`, `events`, `logs`: reading a run without touching it."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from engine.cli.exits import Exit, fail
from engine.cli.lines import as_json as record_json
from engine.cli.lines import as_text as record_text
from engine.cli.lines import value_text
from engine.client import (
    ChampionStatus,
    Checking,
    NoSuchRun,
    RunHandle,
    Spend,
    Status,
    as_text,
    find_run,
    leaderboard_json,
    status_json,
)
from engine.client import (
    as_csv as csv_text,
)
from engine.core.agent_lines import usd_text
from engine.core.duration import format_duration
from engine.core.events import Record
from engine.core.jobs.parts import Jobs

FOLLOW_S: Final = 0.2
READ_BYTES: Final = 1 << 16
OVER: Final = frozenset({"done", "stopped", "crashed"})


def open_run(run: str | None, *, by: str = "command line") -> RunHandle:
    """The run that a command means; exits with 2 when there is none."""
    try:
        return RunHandle.open(find_run(run, Path.cwd()), by=by)
    except NoSuchRun as error:
        fail(str(error))


def status(run: str | None, *, as_json: bool, watch_s: float | None) -> None:
    """Print the status; with `watch_s`, again and again until the run is over."""
    handle = open_run(run)
    while True:
        handle.refresh()
        found = handle.status()
        click.echo(json.dumps(status_json(found)) if as_json else _status_text(found))
        if watch_s is None or found.state in OVER:
            break
        time.sleep(watch_s)
        if not as_json:
            click.echo()
    warn_of_damage(handle)


def leaderboard(run: str | None, *, as_json: bool, as_csv: bool, top: int) -> None:
    """Print the best candidates."""
    if as_json and as_csv:
        fail("--json and --csv exclude each other")
    handle = open_run(run)
    board = handle.leaderboard(top)
    if board is None:
        warn_of_damage(handle)
        fail(f"{handle.paths.root}: nothing is recorded yet", Exit.NOTHING_VALID)
    if as_json:
        click.echo(json.dumps(leaderboard_json(board)))
    else:
        click.echo(csv_text(board) if as_csv else as_text(board), nl=not as_csv)
    warn_of_damage(handle)


def events(run: str | None, *, as_json: bool, follow: bool, from_seq: int) -> None:
    """Print events from a number on."""
    handle = open_run(run)
    metric = handle.state.metric if handle.state else None
    seq = from_seq
    while True:
        live = handle.liveness().held
        while records := handle.records_from(seq):
            for record in records:
                click.echo(record_json(record) if as_json else record_text(record, metric))
            seq = records[-1].seq + 1
        if not follow or not live:
            break
        time.sleep(FOLLOW_S)
    warn_of_damage(handle)


def logs(run: str | None, *, iteration: int | None, engine_log: bool, follow: bool) -> None:
    """Print the log of an iteration, or the engine's."""
    handle = open_run(run)
    path = handle.paths.engine_log if engine_log else _iteration_log(handle, iteration)
    print_log(handle, path, follow=follow)


def print_log(handle: RunHandle, path: Path, *, follow: bool) -> None:
    """Print a log of the run; with `follow` as it grows, for as long as an engine lives."""
    offset = 0
    while True:
        live = handle.liveness().held
        while True:
            text, offset = handle.read_log(path, offset, READ_BYTES)
            if not text:
                break
            sys.stdout.buffer.write(text)
            sys.stdout.flush()
        if not follow or not live:
            break
        time.sleep(FOLLOW_S)
    warn_of_damage(handle)


def _iteration_log(handle: RunHandle, iteration: int | None) -> Path:
    """The log of an iteration; a damaged journal may have lost what the file still tells."""
    last = handle.state.last_iteration if handle.state else 0
    number = iteration or last or _newest_log(handle.paths.logs)
    path = handle.log_path(number)
    if number and path.exists():
        return path
    if (job := _job_log(handle, number)) is not None:
        return job
    warn_of_damage(handle)
    if last == 0:
        fail(f"{handle.paths.root} has no iteration yet", Exit.NOTHING_VALID)
    if number > last:
        fail(f"{handle.paths.root} has no iteration {number}; it has {last}")
    return fail(f"iteration {number} has printed nothing yet", Exit.NOTHING_VALID)


def _job_log(handle: RunHandle, iteration: int) -> Path | None:
    """The log of the last job of an iteration, all of whose checks were detached."""
    jobs = handle.state.jobs if handle.state else Jobs()
    found = [each for each in (*jobs.done, *jobs.open.values()) if each.iteration == iteration]
    path = handle.paths.job(found[-1].id) / "log" if found else None
    return path if path is not None and path.exists() else None


def _newest_log(folder: Path) -> int:
    return max((int(path.stem) for path in folder.glob("[0-9]*.log")), default=0)


def warn_of_damage(handle: RunHandle) -> None:
    """Exit with 5 when the journal is damaged; what can be read of it was printed."""
    journal = handle.status().journal
    if journal != "ok":
        fail(journal, Exit.UNUSABLE)


def _status_text(status: Status) -> str:
    lines = [f"{status.run}  {status.state}" + (f": {status.reason}" if status.reason else "")]
    limit = status.limits.iterations if status.limits else None
    of = f"/{limit}" if limit else ""
    age = status.heartbeat_age_s
    beat = f"   heartbeat {age:.1f} s ago" if age is not None and status.engine.alive else ""
    lines.append(f"iteration {status.iteration}{of}{beat}")
    if (best := status.champion) is not None:
        unit = f" {best.unit}" if best.unit else ""
        label = f" ({best.label})" if best.label else ""
        value = value_text(best.value, None)
        lines.append(f"champion {best.candidate}  {best.metric} {value}{unit}{label}{_trust(best)}")
    counts = "  ".join(f"{name} {count}" for name, count in sorted(status.counts.items()))
    lines.append(f"verdicts  {counts or 'none yet'}")
    if status.spend != Spend():
        lines.append(f"spend     {_spend_text(status.spend)}")
    if status.checking.pairs_s or status.checking.again_s:
        lines.append(f"measured  {_measured_text(status.checking)}")
    if status.baseline is not None and status.baseline.text:
        lines.append(f"baseline  {status.baseline.candidate} {status.baseline.text}")
    if status.noise is not None:
        lines.append(f"sees      {status.noise.text}")
    lines += [f"job {j.job}  #{j.iteration} {j.check}  {j.state}" for j in status.jobs]
    lines += [f"slot {s.slot}  #{s.iteration} {s.phase}  {s.since_s:.1f} s" for s in status.slots]
    lines.append(status.run_dir)
    return "\n".join(lines)


def _measured_text(took: Checking) -> str:
    """How much of the checks' time went into pairs, and into measuring again."""
    whole_s = took.checks_s + took.pairs_s + took.again_s
    parts = ((took.pairs_s, "in pairs"), (took.again_s, "measuring again"))
    told = [
        f"{format_duration(round(part_s))} {what} ({100 * part_s / whole_s:.0f} %)"
        for part_s, what in parts
        if part_s
    ]
    return f"{', '.join(told)} of {format_duration(round(whole_s))}"


def _trust(best: ChampionStatus) -> str:
    """How far the champion's value was shown again: ", replicated"."""
    again = f", measured again at the end: {best.again:.6g}" if best.again is not None else ""
    told = f", {best.confidence}" if best.confidence else ""
    return told + again + (f" ({best.doubt})" if best.doubt else "")


def _spend_text(spend: Spend) -> str:
    unpriced = f", the price of {spend.unpriced_tokens:,} unknown" if spend.unpriced_tokens else ""
    attempts = "attempt" if spend.untold_attempts == 1 else "attempts"
    untold = f", of {spend.untold_attempts} {attempts} unknown" if spend.untold_attempts else ""
    return f"{usd_text(spend.usd)} USD, {spend.tokens:,} tokens{unpriced}{untold}"


def all_records(handle: RunHandle) -> Iterator[Record]:
    """The run's records, up to where its state is."""
    seq, last = 1, handle.state.seq if handle.state else 0
    while seq <= last and (records := handle.records_from(seq)):
        yield from (record for record in records if record.seq <= last)
        seq = records[-1].seq + 1
