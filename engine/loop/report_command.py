"""The report by `controlroom report`, in a process of its own: no drawing costs the engine."""

import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Final

from engine.checks.log import CheckLog
from engine.checks.readers import last_words
from engine.core.events import ReportFile
from engine.executors.protocol import (
    Command,
    Ended,
    Exceeded,
    Executor,
    Finished,
    Interrupted,
    Marker,
    NotStarted,
    TimedOut,
)
from engine.loop.reporting import NotWritten, Written
from engine.runfolder.paths import RunPaths

PAGES: Final = "final_*"
STORY: Final = "final_condensed_story.md"
SHARE: Final = 0.9
"""Of the time that there is: killing and recording take some."""


class ReportCommand:
    """Writes the report of a run into its artifacts."""

    def __init__(self, executor: Executor, paths: RunPaths) -> None:
        self._executor = executor
        self._paths = paths

    async def write(self, top_k: int, within_s: float) -> Written | NotWritten:
        """What lies in the artifacts afterwards: pages are written first, figures later."""
        try:
            return await self._write(top_k, within_s)
        except OSError as error:
            return NotWritten(f"{error.filename or self._paths.root}: {error.strerror}")

    async def _write(self, top_k: int, within_s: float) -> Written | NotWritten:
        since_s = time.time()
        log = CheckLog(self._paths.logs / "report.log", f"=== report, top {top_k}")
        async with log:
            ended = await self._executor.run(self._command(top_k, within_s * SHARE), log=log)
            await log.finish()
        files = self._files(since_s)
        trouble = _trouble(ended, last_words(log.recent))
        if not any(each.path.endswith(STORY) for each in files):
            return NotWritten(trouble or "it wrote no pages")
        return Written(files=files, missing=trouble)

    def _command(self, top_k: int, deadline_s: float) -> Command:
        run = self._paths.run_marker
        argv = (sys.executable, "-P", "-m", "engine", "report", run, "--top-k", str(top_k))
        return Command(
            run=argv,
            cwd=self._paths.root,
            env=dict(os.environ),
            marker=Marker(run, f"{run}#report"),
            deadline_s=deadline_s,
        )

    def _files(self, since_s: float) -> list[ReportFile]:
        """Those that were written since; file systems stamp by the second, some of them."""
        found = sorted(self._paths.artifacts.glob(PAGES))
        inside = [path for each in found for path in ([each] if each.is_file() else _below(each))]
        fresh = [path for path in inside if path.stat().st_mtime >= int(since_s)]
        return [
            ReportFile(path=str(path.relative_to(self._paths.root)), sha256=_sha256(path))
            for path in fresh
        ]


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _trouble(ended: Ended, said: str) -> str:
    match ended:
        case Finished(exit_code=0):
            return ""
        case TimedOut():
            return f"it was not done after {ended.after_s:.0f} s"
        case Exceeded():
            return ended.words
        case NotStarted() | Interrupted():
            return ended.reason
        case Finished():
            return said or f"it ended with {ended.exit_code or ended.signal}"
