"""What a page about an iteration says of the decision that began it, its jobs and its repairs."""

from collections.abc import Sequence

from engine.core.decision_lines import words_of
from engine.core.duration import format_duration
from engine.core.ids import JobId
from engine.core.jobs.events import JobEnded
from engine.core.repair.parts import way_text
from engine.core.repair_lines import fallback_text
from engine.reports.begun import Begun
from engine.reports.mending import Mending


def decided_lines(begun: Begun | None) -> list[str]:
    """The decision, its reason, and what it runs."""
    if begun is None:
        return []
    label = f": {_one_line(begun.label)}" if begun.label else ""
    lines = [f"{begun.decision}, {begun.category}{label}"]
    lines += [f"because {_one_line(begun.rationale)}"] if begun.rationale else []
    lines += [f"command: {_one_line(begun.command)}"] if begun.command else []
    lines += [f"in {_one_line(begun.folder)}"] if begun.folder else []
    if begun.monitor_s:
        window = format_duration(round(begun.monitor_s))
        lines.append(f"the worker is asked again when it has run for {window}")
    if begun.review is not None:
        own = f": {_one_line(words_of(begun.own))}" if begun.own else ""
        lines.append(f"{begun.review} put it in the place of the worker's own{own}")
    return lines


def job_line(job: JobId, ended: JobEnded | None) -> str:
    """The job that ran a check, and how it ended."""
    if ended is None:
        return f"job {job}, under way"
    how = "" if ended.exit_code is None else f" with status {ended.exit_code}"
    how = how if ended.signal is None else f" with signal {ended.signal}"
    why = f": {_one_line(ended.detail)}" if ended.detail else ""
    return f"job {job}: {ended.outcome}{how} after {ended.took_s:.1f} s{why}"


def repair_lines(repairs: Sequence[Mending]) -> list[str]:
    """Each repair, what was tried, and what came of it."""
    return [line for each in repairs for line in _repair(each)]


def _repair(repair: Mending) -> list[str]:
    found = f"{repair.check} lacks the {repair.found.kind} {_one_line(repair.found.name)}"
    if repair.outcome == "skipped":
        return [f"{found}, not repaired: {_one_line(repair.reason)}"]
    took = "" if repair.took_s is None else f" in {repair.took_s:.1f} s"
    again = ", the check is run again" if repair.again else ""
    lines = [f"{repair.id}: {found}: {repair.outcome}{took}{again}"]
    for tried in repair.tried:
        why = f": {_one_line(tried.detail)}" if tried.detail else ""
        worked = "helped" if tried.worked else "did not help"
        lines.append(f"    {_one_line(way_text(tried.way))} {worked}{why}")
    lines += [f"    {_one_line(fallback_text(repair.fallback))}"] if repair.fallback else []
    lines += [f"    {repair.requirements}"] if repair.requirements else []
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
