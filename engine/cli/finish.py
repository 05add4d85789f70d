"""`finish`: plans the end of a run, shows the plan, or takes it back."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import click
import msgspec

from engine.cli.console import readable, user_name
from engine.cli.exits import fail
from engine.cli.lines import printable
from engine.cli.looking import open_run
from engine.cli.steering import Given, end_refused, given
from engine.client import RunHandle
from engine.core.commands import AnyCommand, CancelFinish, Finish, name_of
from engine.core.duration import parse_duration
from engine.core.finish.times import unix_s, utc
from engine.reports.finishing import FinishStatus, finish_status

_CLOCK: Final = "%H:%M"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says; times as people write them."""

    minutes: float | None = None
    final_rounds: int | None = None
    top_k: int | None = None
    note: str = ""
    in_: str | None = None
    at: str | None = None
    run_hours: float | None = None
    report_now: bool = False
    show: bool = False
    cancel: bool = False
    as_json: bool = False


def finish(run: str | None, options: Options) -> None:
    """Plan, show or cancel the finish of a run, live or not."""
    _only_one(options)
    handle = open_run(run, by=user_name())
    if options.show:
        _tell(handle, "finish --show", "shown", options)
        return
    command = CancelFinish() if options.cancel else wanted(options, datetime.now().astimezone())
    done = _given(handle, command)
    _tell(handle, name_of(command), done.outcome, options)
    end_refused(done)


def _given(handle: RunHandle, command: AnyCommand) -> Given:
    done = given(handle, command)
    handle.refresh()
    return done


def wanted(options: Options, now: datetime) -> Finish:
    """The command that the options mean; exits with 2 where they contradict each other.

    Args:
        options: of the command line.
        now: in the zone of the person.
    """
    activate = _activation(options, now)
    deadline = None
    if options.run_hours is not None:
        deadline = utc((now + timedelta(hours=options.run_hours)).timestamp())
    return Finish(
        activate_at=None if activate is None else utc(activate),
        deadline=deadline,
        minutes=options.minutes,
        final_rounds=options.final_rounds,
        top_k=options.top_k,
        note=readable(options.note),
        report_only=options.report_now,
    )


def _activation(options: Options, now: datetime) -> float | None:
    """When it begins, in seconds since 1970; None for at once."""
    if options.in_ is not None:
        try:
            return now.timestamp() + parse_duration(options.in_)
        except ValueError as error:
            fail(f"--in: {error}")
    if options.at is not None:
        return _moment(options.at, now)
    if options.run_hours is None:
        return None
    minutes = 60.0 if options.minutes is None else options.minutes
    if minutes >= options.run_hours * 60:
        fail("--run-hours leaves no time before the finish: give fewer --minutes-left")
    return now.timestamp() + options.run_hours * 3600 - minutes * 60


def _moment(text: str, now: datetime) -> float:
    """The next time that a clock shows `18:30`, or the time in ISO 8601; local without a zone."""
    try:
        clock = datetime.strptime(text, _CLOCK)  # noqa: DTZ007  (the zone is that of `now`)
    except ValueError:
        return _iso(text, now)
    today = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return (today if today > now else today + timedelta(days=1)).timestamp()


def _iso(text: str, now: datetime) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--at: {text!r} is neither a time such as 18:30 nor one such as 2026-05-01T18:30")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    if moment <= now:
        fail(f"--at: {text} is over")
    return moment.timestamp()


def _only_one(options: Options) -> None:
    what = {"--show": options.show, "--cancel": options.cancel, "--report-now": options.report_now}
    when = {
        "--in": options.in_ is not None,
        "--at": options.at is not None,
        "--run-hours": options.run_hours is not None,
    }
    for given_ in (
        [name for name, said in what.items() if said],
        [n for n, s in when.items() if s],
    ):
        if len(given_) > 1:
            fail(f"{' and '.join(given_)} contradict each other: give one")


def _tell(handle: RunHandle, command: str, outcome: str, options: Options) -> None:
    plan = finish_status(handle.state, time.time())
    if options.as_json:
        shown = None if plan is None else msgspec.to_builtins(plan)
        answer = {"run": handle.paths.name, "command": command, "outcome": outcome}
        click.echo(json.dumps(answer | {"finish": shown}))
        return
    if not options.show:
        click.echo(f"{command} {handle.paths.name}: {outcome}")
    click.echo(plan_text(plan))


def plan_text(plan: FinishStatus | None) -> str:
    """The plan for people, its times in their zone."""
    if plan is None:
        return "no finish is planned"
    lines = [f"{plan.phase.replace('_', ' ')}, by {plan.by}"]
    if plan.note:
        lines.append(f"  note          {printable(plan.note)}")
    moments = (
        ("begins", plan.activate_at),
        ("cuts off", plan.cut_at),
        ("report by", plan.report_at),
    )
    lines += [f"  {name:<12}  {_local(moment)}" for name, moment in moments if moment]
    lines.append(f"  over by       {_local(plan.deadline)}, in {plan.minutes_left:g} minutes")
    rounds = f"{plan.final_rounds - plan.rounds_left} of {plan.final_rounds} measured"
    lines.append("  report only" if plan.report_only else f"  final rounds  {rounds}")
    lines.append(f"  top k         {plan.top_k}")
    lines += [f"  {each}" for each in plan.left_out]
    return "\n".join([*lines, f"  next          {plan.next}"])


def _local(moment: str) -> str:
    local = datetime.fromtimestamp(unix_s(moment), UTC).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S %Z")
