"""`verify`: whether what a run says of itself holds: its journal, its receipts, what judged."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import click
import msgspec

from engine.checks import manifest
from engine.cli.exits import Exit, fail
from engine.client import NoSuchRun, RunHandle, find_run
from engine.core.events import HarnessRecorded
from engine.core.fold import FoldError, fold
from engine.core.ids import iteration_named
from engine.core.state import RunState
from engine.reports.receipt import Receipts, as_data
from engine.reports.receipt_check import Unreadable, read, wrong_with
from engine.reports.recheck_check import RecheckCheck

_MOST_NAMED: Final = 20


class Problem(msgspec.Struct, frozen=True):
    """Something that does not hold: which file or event, and what of it."""

    where: str
    what: str


class Report(msgspec.Struct, kw_only=True):
    """What was looked at, and what was found."""

    run: str
    run_dir: str
    verdicts: int = 0
    receipts: int = 0
    holds: bool = True
    problems: list[Problem] = []
    notes: list[str] = []


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which run, and which of its iterations, if not all."""

    path: Path
    number: int | None = None


def verify(what: str | None, run: str | None, *, as_json: bool) -> None:
    """Check a run, or one candidate's receipt; the status is 5 when something does not hold."""
    wanted = _wanted(what, run)
    handle = RunHandle.open(wanted.path, by="command line")
    report = _Verification(handle, wanted.number).report()
    if not report.verdicts and report.holds:
        fail(_nothing(handle, wanted.number), Exit.NOTHING_VALID)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(report)))
    else:
        _print(report)
    if not report.holds:
        raise SystemExit(Exit.UNUSABLE)


def _wanted(what: str | None, run: str | None) -> _Wanted:
    """The run and the iteration; a name that is a run's means the run."""
    folder = Path.cwd()
    try:
        if what is None or run is not None:
            number = None if what is None else _number(what)
            return _Wanted(path=find_run(run, folder), number=number)
        number = iteration_named(what)
        try:
            return _Wanted(path=find_run(what, folder))
        except NoSuchRun:
            if number is None:
                raise
        return _Wanted(path=find_run(None, folder), number=number)
    except NoSuchRun as error:
        fail(str(error))


def _number(what: str) -> int:
    number = iteration_named(what)
    if number is None:
        _refuse(what)
    return number


def _refuse(what: str) -> NoReturn:
    fail(f"{what!r} is no candidate; give its number, as in `controlroom verify 7`")


def _nothing(handle: RunHandle, number: int | None) -> str:
    if number is None:
        return f"{handle.paths.root} has no verdict yet"
    return f"{handle.paths.root} has no verdict on iteration {number}"


def _print(report: Report) -> None:
    for problem in report.problems:
        click.echo(f"{problem.where}: {problem.what}")
    for note in report.notes:
        click.echo(note)
    count = f"{report.verdicts} verdicts, {report.receipts} receipts"
    found = len(report.problems)
    done = "all of it holds" if report.holds else f"{found} things do not hold"
    click.echo(f"{report.run}: {count}: {done}")


class _Verification:
    """One look at a run: the chain, each receipt, the files that judged.

    Args:
        handle: the run.
        number: of the one iteration whose receipt is wanted; None for all.
    """

    def __init__(self, handle: RunHandle, number: int | None) -> None:
        self._handle = handle
        self._paths = handle.paths
        self._number = number
        self._report = Report(run=handle.paths.name, run_dir=str(handle.paths.root))
        self._judged: dict[str, HarnessRecorded] = {}

    def report(self) -> Report:
        """All that was found.

        Cost: 15 us an event, and a millisecond a receipt.
        """
        known = dict(self._by_journal())
        for number, data in sorted(known.items()):
            self._receipt(number, data)
        for number in sorted(self._files() - known.keys()):
            self._receipt(number, None)
        for harness in self._judged.values():
            self._harness(harness)
        self._report.holds = not self._report.problems
        return self._report

    def _found(self, where: str, what: str) -> None:
        self._report.problems.append(Problem(where, what))

    def _by_journal(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The receipts that the journal gives, up to where it is whole, by iteration."""
        state: RunState | None = None
        made, again, seq = Receipts(), RecheckCheck(), 1
        while records := self._handle.records_from(seq):
            for record in records:
                if state is not None and (receipt := made.of(state, record)) is not None:
                    self._report.verdicts += self._means(receipt.iteration)
                    yield receipt.iteration, as_data(receipt)
                if state is not None and (what := again.unfounded(state, record)):
                    self._found(f"event {record.seq}", what)
                try:
                    state = fold(state, record)
                except FoldError as error:
                    self._found("journal.sqlite", str(error))
                    return
            seq = records[-1].seq + 1
        if (what := self._handle.damage_of_journal()) is not None:
            self._found("journal.sqlite", f"{what}; nothing from there on can be relied on")

    def _means(self, number: int) -> bool:
        return self._number is None or number == self._number

    def _files(self) -> set[int]:
        """The iterations that a receipt lies there of."""
        names = (path.stem for path in self._paths.receipts.glob("*.json"))
        return {int(name) for name in names if name.isdecimal() and len(name) < 10}

    def _receipt(self, number: int, by_journal: dict[str, Any] | None) -> None:
        if not self._means(number):
            return
        path = self._paths.receipt(number)
        where = f"{path.parent.name}/{path.name}"
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            if self._handle.liveness().held:
                self._report.notes.append(f"{where} is not written yet")
            else:
                self._found(where, "it is missing; the next engine of the run makes it anew")
            return
        except OSError as error:
            self._found(where, f"it cannot be read: {error.strerror}")
            return
        data = read(text)
        if isinstance(data, Unreadable):
            self._found(where, data.what)
            return
        self._report.receipts += 1
        for what in wrong_with(data, by_journal):
            self._found(where, what)
        if by_journal is None and self._handle.damage_of_journal() is None:
            self._found(where, "the journal has no verdict that it could be of")
        judged = (by_journal or data)["harness"]
        if judged is not None:
            harness = msgspec.convert(judged, HarnessRecorded)
            self._judged[harness.sha256] = harness

    def _harness(self, harness: HarnessRecorded) -> None:
        """Whether the files that judged are still what they were."""
        folder = self._paths.root / harness.folder
        try:
            listed = manifest.read(self._paths.root / harness.manifest)
        except OSError as error:
            self._found(harness.manifest, f"it cannot be read: {error.strerror}")
            return
        except msgspec.DecodeError as error:
            self._found(harness.manifest, f"it cannot be read: {error}")
            return
        if listed.sha256 != harness.sha256:
            self._found(harness.manifest, "it is not the list that the receipts were made with")
        elif not folder.is_dir():
            self._report.notes.append(f"what judged lay in {folder}, which is not there any more")
        else:
            self._changed(folder, listed.changed(folder))

    def _changed(self, folder: Path, changed: Iterable[str]) -> None:
        named = list(changed)
        for what in named[:_MOST_NAMED]:
            self._found(str(folder), f"what judged is not the same now: {what}")
        if len(named) > _MOST_NAMED:
            self._found(str(folder), f"and {len(named) - _MOST_NAMED} more files")
