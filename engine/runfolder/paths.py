"""Where everything of a run lies."""

from pathlib import Path
from typing import Final

import msgspec

from engine.core.event import LogSpan

WORK_FOLDER: Final = ".controlroom"


class RunPaths(msgspec.Struct, frozen=True):
    """The paths inside the folder of one run; all of them are below `root`."""

    root: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> "RunPaths":
        """The paths of the run `name` of a working folder."""
        return cls(folder.absolute() / WORK_FOLDER / "runs" / name)

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return self.root.name

    @property
    def journal(self) -> Path:
        """The record of the run."""
        return self.root / "journal.sqlite"

    @property
    def lock(self) -> Path:
        """The file whose lock the engine holds; opened by nothing but `lock.py`."""
        return self.root / "engine.lock"

    @property
    def heartbeat(self) -> Path:
        """What the engine says about itself each second."""
        return self.root / "heartbeat"

    @property
    def inbox(self) -> Path:
        """Where commands are put, one file each."""
        return self.root / "inbox"

    @property
    def pause(self) -> Path:
        """The file that is the pause."""
        return self.root / "PAUSE"

    @property
    def finish_up(self) -> Path:
        """The file that asks for the end of the run."""
        return self.root / "FINISH_UP.json"

    @property
    def logs(self) -> Path:
        """The output of checks and of the engine."""
        return self.root / "logs"

    @property
    def engine_log(self) -> Path:
        """What the engine says to those who look for its mistakes."""
        return self.logs / "engine.log"

    @property
    def artifacts(self) -> Path:
        """Files that checks asked to keep."""
        return self.root / "artifacts"

    @property
    def steps(self) -> Path:
        """Scratch folders of open iterations."""
        return self.root / "steps"

    @property
    def trees(self) -> Path:
        """Where the working trees of the slots are."""
        return self.root / "trees"

    @property
    def agents(self) -> Path:
        """Prompts, transcripts and answers of agents, a folder for each attempt."""
        return self.root / "agents"

    @property
    def jobs(self) -> Path:
        """Detached jobs, a folder for each: log, record, how it ended."""
        return self.root / "jobs"

    def job(self, name: str) -> Path:
        """The folder of a detached job."""
        return self.jobs / name

    @property
    def receipts(self) -> Path:
        """The receipts of verdicts, a file for each iteration."""
        return self.root / "receipts"

    @property
    def harness(self) -> Path:
        """What judged, as lists of files with their hashes."""
        return self.root / "harness"

    @property
    def repairs(self) -> Path:
        """What repairs of checks are made of, a folder for each."""
        return self.root / "repairs"

    @property
    def campaign(self) -> Path:
        """A copy of the campaign file."""
        return self.root / "campaign.yaml"

    def log(self, iteration: int) -> Path:
        """The output of all checks of an iteration."""
        return self.logs / f"{iteration:05d}.log"

    def receipt(self, iteration: int) -> Path:
        """The receipt of an iteration's verdict."""
        return self.receipts / f"{iteration:05d}.json"

    def attempt(self, iteration: int, attempt: int) -> Path:
        """What is kept of an agent's attempt."""
        return self.agents / f"{iteration:05d}-{attempt}"

    @property
    def mentor_log(self) -> Path:
        """What the mentor did, in words for people."""
        return self.logs / "mentor.log"

    @property
    def worker_log(self) -> Path:
        """What a worker did while it decided, in words for people."""
        return self.logs / "worker.log"

    def review(self, name: str) -> Path:
        """What is kept of a mentor's review."""
        return self.agents / name

    def decision(self, name: str) -> Path:
        """What is kept of a worker's decision."""
        return self.agents / name

    @property
    def environment_log(self) -> Path:
        """What the making of environments printed."""
        return self.logs / "environment.log"

    def environment_span(self) -> LogSpan:
        """Where what is next written of an environment begins."""
        return self._span(self.environment_log)

    def mentor_span(self) -> LogSpan:
        """Where what is next written of the mentor begins."""
        return self._span(self.mentor_log)

    def worker_span(self) -> LogSpan:
        """Where what is next written of a worker that decides begins."""
        return self._span(self.worker_log)

    def log_span(self, iteration: int) -> LogSpan:
        """Where what is next written to the log of an iteration begins."""
        return self._span(self.log(iteration))

    def _span(self, path: Path) -> LogSpan:
        try:
            start = path.stat().st_size
        except FileNotFoundError:
            start = 0
        return LogSpan(path=f"{path.parent.name}/{path.name}", start=start)

    def step(self, iteration: int) -> Path:
        """The scratch folder of an iteration; it goes when the iteration has its verdict."""
        return self.steps / f"{iteration:05d}"

    @property
    def run_marker(self) -> str:
        """The value of CONTROLROOM_RUN, by which processes of the run are found."""
        return str(self.root.resolve())


def create_run_folder(root: Path) -> RunPaths:
    """The paths of a run whose folders are there now; what was there before stays as it is.

    A `.controlroom` folder that had to be made is kept out of git by a file of its own.

    Raises:
        OSError: a folder cannot be made.
    """
    paths = RunPaths(root.absolute())
    for parent in (paths.root, *paths.root.parents):
        if parent.name == WORK_FOLDER and not parent.exists():
            parent.mkdir(parents=True)
            (parent / ".gitignore").write_text("*\n", encoding="utf-8")
    for folder in (paths.root, paths.inbox, paths.logs, paths.artifacts, paths.steps):
        folder.mkdir(parents=True, exist_ok=True)
    return paths
