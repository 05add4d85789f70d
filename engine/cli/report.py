"""`report`: what a run was about, what won and what failed, as pages and figures."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from engine.cli.exits import Exit, fail
from engine.cli.looking import open_run, warn_of_damage
from engine.client import RunHandle
from engine.core.events import Record
from engine.core.state import RunState
from engine.reports.final import FinalRequest, Page, Report, make
from engine.reports.final.charts import Chart
from engine.reports.final.writing import write


def report(run: str | None, *, top_k: int, out: Path | None, as_json: bool) -> None:
    """Write the report of a run into its artifacts, or into another folder."""
    handle = open_run(run)
    handle.refresh()
    if handle.state is None:
        warn_of_damage(handle)
        fail(f"{handle.paths.root}: nothing is recorded yet", Exit.NOTHING_VALID)
    work = _Work(handle, handle.state, handle.paths.artifacts if out is None else out)
    request = FinalRequest(
        top_k=top_k, condition=handle.status().state, damage=handle.damage_of_journal() or ""
    )
    work.write(request)
    click.echo(json.dumps(work.told(request)) if as_json else work.text())
    if work.figures_failed:
        fail(f"the figures could not be drawn: {work.figures_failed}", Exit.INTERNAL_ERROR)
    warn_of_damage(handle)


class _Work:
    """Writes the pages first, and then what takes more: no figure can cost a page."""

    def __init__(self, handle: RunHandle, state: RunState, folder: Path) -> None:
        self._handle = handle
        self._state = state
        self._folder = folder.absolute()
        self._files: dict[str, Path] = {}
        self.figures_failed = ""

    def write(self, request: FinalRequest) -> None:
        """Write all that is wanted."""
        made = self._made(request)
        self._put(made.pages)
        names = self._draw(made.charts)
        if names:
            self._put(self._made(msgspec.structs.replace(request, figures=names)).pages)

    def _made(self, request: FinalRequest) -> Report:
        return make(self._records(), self._state, request)

    def _draw(self, charts: Sequence[Chart]) -> tuple[str, ...]:
        """The names of the figures that were drawn; what goes wrong in it is noted."""
        try:
            from engine.reports.final.figures import drawn

            self._put(drawn(charts))
        except (ImportError, ArithmeticError, LookupError, RuntimeError, ValueError) as error:
            self.figures_failed = f"{type(error).__name__}: {error}"
            return ()
        return tuple(chart.name for chart in charts)

    def _put(self, pages: Sequence[Page] | Iterator[Page]) -> None:
        for page in pages:
            try:
                self._files[page.name] = write(page, self._folder)
            except OSError as error:
                _no_room(self._folder / page.name, error)

    def _records(self) -> Iterator[Record]:
        """The run's records, up to where its state is."""
        seq, last = 1, self._state.seq
        while seq <= last and (records := self._handle.records_from(seq)):
            yield from (record for record in records if record.seq <= last)
            seq = records[-1].seq + 1

    def told(self, request: FinalRequest) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "run": self._state.run,
            "run_dir": str(self._handle.paths.root),
            "out": str(self._folder),
            "top_k": request.top_k,
            "events": {"first": 1, "last": self._state.seq},
            "journal": request.damage or "ok",
            "figures_failed": self.figures_failed,
            "files": [_file(path) for path in self._files.values()],
        }

    def text(self) -> str:
        """The same for people: where the files are."""
        return "\n".join(str(path) for path in self._files.values())


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "path": str(path),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _no_room(path: Path, error: OSError) -> NoReturn:
    fail(f"{path} cannot be written: {error.strerror}; name another folder: --out", Exit.UNUSABLE)
