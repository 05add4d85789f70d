"""`show`: all that is kept of an iteration."""

import json
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import click
import msgspec

from engine.cli.exits import Exit, fail
from engine.cli.iteration_page import page
from engine.cli.looking import all_records, open_run, warn_of_damage
from engine.cli.shown import Part
from engine.client import RunHandle
from engine.core.confidence import confidence
from engine.core.events import LogSpan
from engine.core.ids import iteration_named
from engine.core.recheck_lines import evidence_lines
from engine.core.state import RunState
from engine.reports.iteration import Attempt, Iteration, iteration_of
from engine.workspace.naming import private_ref

_READ_BYTES: Final = 1 << 16
_DIFF_BYTES: Final = 64 << 20


def show(name: str, run: str | None, *, what: Part, attempt: int | None) -> None:
    """Print an iteration, or one thing of it."""
    handle = open_run(run)
    state, found = _found(handle, name)
    match what:
        case "page":
            click.echo(page(found, state.metric, _places(handle, found), _trust(state, found)))
        case "json":
            label = (
                confidence(state, state.candidates[found.candidate]) if found.candidate else None
            )
            click.echo(json.dumps(_data(handle, found) | {"confidence": label}))
        case "prompt":
            _print_file(_folder(handle, found, attempt) / "prompt.md", "no prompt")
        case "transcript":
            _print_transcript(_folder(handle, found, attempt))
        case "checks":
            _print_checks(handle, found)
        case "diff":
            _print_diff(state, found)
    warn_of_damage(handle)


def _trust(state: RunState, found: Iteration) -> list[str]:
    """How far the score was shown again, and by what; nothing of one without a score."""
    candidate = state.candidates.get(found.candidate) if found.candidate else None
    label = confidence(state, candidate) if candidate else None
    if candidate is None or label is None:
        return []
    ruled = [candidate.ruled] if candidate.ruled else []
    return [label, *ruled, *evidence_lines(state, candidate, others=False)]


def _found(handle: RunHandle, name: str) -> tuple[RunState, Iteration]:
    number, state = iteration_named(name), handle.state
    if number is None:
        fail(f"{name!r} is no iteration; give its number, as in `controlroom show 7`")
    if state is None or state.last_iteration == 0:
        warn_of_damage(handle)
        fail(f"{handle.paths.root} has no iteration yet", Exit.NOTHING_VALID)
    if number > state.last_iteration:
        warn_of_damage(handle)
        fail(f"{handle.paths.root} has no iteration {number}; it has {state.last_iteration}")
    found = iteration_of(all_records(handle), number, run=handle.paths.name, metric=state.metric)
    assert found is not None  # noqa: S101  (the state counts iterations that began)
    return state, found


def _data(handle: RunHandle, found: Iteration) -> dict[str, Any]:
    """The iteration as plain JSON data, with its sums."""
    return msgspec.to_builtins(found) | {
        "tokens": found.tokens.total,
        "cost_usd": found.cost_usd,
        "whole_s": found.whole_s,
        "agent_s": round(found.agent_s, 3),
        "checks_s": round(found.checks_s, 3),
        "places": _places(handle, found),
    }


def _places(handle: RunHandle, found: Iteration) -> list[str]:
    """The files and refs of the iteration; those files that are there."""
    paths, run = handle.paths, handle.paths.name
    files = [paths.log(found.iteration), paths.step(found.iteration)]
    files += [paths.root / attempt.folder for attempt in found.attempts]
    files += [paths.root / name for check in found.checks for name in check.artifacts]
    files += [paths.job(check.job) for check in found.checks if check.job]
    files += [paths.root / repair.folder for repair in found.repairs if repair.folder]
    refs = [f"candidates/{found.iteration:05d}"] if found.change else []
    refs += [attempt.kept for attempt in found.attempts if attempt.kept]
    refs += [found.stash.ref] if found.stash else []
    there = [str(path) for path in dict.fromkeys(files) if os.path.lexists(path)]
    return [*there, *(private_ref(run, ref) for ref in refs)]


def _attempt(found: Iteration, number: int | None) -> Attempt:
    if not found.attempts:
        fail(f"no agent has worked in iteration {found.iteration}", Exit.NOTHING_VALID)
    numbers = [attempt.number for attempt in found.attempts]
    wanted = numbers[-1] if number is None else number
    for attempt in found.attempts:
        if attempt.number == wanted:
            return attempt
    return fail(f"iteration {found.iteration} has the attempts {', '.join(map(str, numbers))}")


def _folder(handle: RunHandle, found: Iteration, number: int | None) -> Path:
    return handle.paths.root / _attempt(found, number).folder


def _print_file(path: Path, nothing: str) -> None:
    try:
        sys.stdout.buffer.write(path.read_bytes())
    except OSError as error:
        fail(f"{nothing}: {path}: {error.strerror}", Exit.NOTHING_VALID)


def _print_transcript(folder: Path) -> None:
    from engine.cli.transcript import transcript

    try:
        for text in transcript(folder):
            click.echo(text, nl=False)
    except OSError as error:
        fail(f"no transcript in {folder}: {error.strerror}", Exit.NOTHING_VALID)


def _print_checks(handle: RunHandle, found: Iteration) -> None:
    """The output of the checks, in the order in which they ran."""
    ran = [check for check in found.checks if check.outcome != "skipped"]
    if not ran:
        fail(f"no check has run in iteration {found.iteration}", Exit.NOTHING_VALID)
    for check, following in pairwise([*ran, None]):
        assert check is not None  # noqa: S101  (only the last one follows nothing)
        again = f", attempt {check.attempt}" if check.attempt > 1 else ""
        click.echo(f"--- {check.name}{again}: {check.outcome}")
        # Of one that was cut off the end was not recorded.
        end = following.log.start if check.log.end is None and following else check.log.end
        _print_span(handle, msgspec.structs.replace(check.log, end=end))


def _print_span(handle: RunHandle, span: LogSpan) -> None:
    offset = span.start
    while span.end is None or offset < span.end:
        most = _READ_BYTES if span.end is None else min(_READ_BYTES, span.end - offset)
        text, offset = handle.read_log(span.path, offset, most)
        if not text:
            break
        sys.stdout.buffer.write(text)
    sys.stdout.flush()


def _print_diff(state: RunState, found: Iteration) -> None:
    """What the candidate changes: its commit against its base, or its parameters."""
    if found.commit is None:
        _print_parameters(found)
        return
    base, repo = found.base or _parent_commit(state, found), _repository(state)
    if base is None:
        fail(f"{found.candidate} changes nothing: it is the baseline", Exit.NOTHING_VALID)
    if repo is None:
        fail("the campaign has no workspace any more", Exit.UNUSABLE)
    from engine.cli.git_diff import diff

    sys.stdout.buffer.write(diff(repo, base, found.commit, _DIFF_BYTES))
    sys.stdout.flush()


def _parent_commit(state: RunState, found: Iteration) -> str | None:
    """The commit of its first parent; a merge of the main branch has no other base."""
    parent = state.candidates.get(found.parents[0]) if found.parents else None
    return parent.code.commit if parent and parent.code else None


def _print_parameters(found: Iteration) -> None:
    if not found.parameters:
        fail(f"iteration {found.iteration} has changed nothing yet", Exit.NOTHING_VALID)
    before, after = found.parent_parameters, found.parameters
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            if name in before:
                click.echo(f"-{name}: {before[name]}")
            if name in after:
                click.echo(f"+{name}: {after[name]}")


def _repository(state: RunState) -> Path | None:
    """The folder of the repository, as the campaign names it from where its file lay."""
    workspace = state.document.get("workspace")
    if not isinstance(workspace, dict):
        return None
    repo = cast("dict[str, Any]", workspace).get("repo", ".")
    return Path(state.campaign_path).parent / str(repo)
