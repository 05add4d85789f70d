"""Runs of detached trainings that go on until a file tells them to end, and with which status."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.driving import Driver, marked, of_type, wait_for
from tests.warm import WARM, Running

TRAINING = """\
campaign: training
seed: 3
environment: {interpreter: own}
baseline: {x: 40}
metric: {name: loss, direction: min}
space: {x: {int: [0, 40]}}
proposers: [{kind: evolution, slots: 2}]
referee: {leaders: 0}
resources: {cores: 2}
checks:
  - name: train
    run: "i=0; until [ -e go-{iteration} ]; do echo line $i; i=$((i+1));
      [ ! -e say-{iteration} ] || cat say-{iteration}; sleep 0.02; done;
      echo last; echo '{\\"metrics\\": {\\"loss\\": {param.x}}}' > {result};
      exit $(cat go-{iteration})"
    shell: true
    detached: true
    deadline: 100s
    reports: [loss]
    needs: {cores: 1}
    stop_patterns: ['loss: nan']
stop: {iterations: 3}
finish: {report: false}
"""


class Training(Driver):
    """A run of `TRAINING`; iteration 1 is over as soon as it begins."""

    def __init__(self, folder: Path, text: str = TRAINING) -> None:
        super().__init__(folder, text, "training-s3")
        self.engines = 0
        self.go(1)

    def go(self, iteration: int, status: int = 0) -> None:
        """Let the training of an iteration end with a status."""
        draft = self.folder / f"new-{iteration}"
        draft.write_text(f"{status}\n")
        draft.replace(self.folder / f"go-{iteration}")

    @contextlib.contextmanager
    def running(self, *arguments: str, **env: str) -> Iterator[Running]:
        """An engine at work; gone afterwards, and what it left with it."""
        self.engines += 1
        output = self.folder / f"engine-{self.engines}.txt"
        words = ["run", str(self.config), "--no-ui", *arguments]
        engine = WARM.start(words, self.folder, os.environ | env, output)
        try:
            yield engine
        finally:
            engine.kill()
            engine.wait()

    def say(self, iteration: int, line: str) -> None:
        """Let the training of an iteration print a line, again and again."""
        draft = self.folder / f"new-say-{iteration}"
        draft.write_text(f"{line}\n")
        draft.replace(self.folder / f"say-{iteration}")

    def verdict(self, iteration: int) -> dict[str, Any]:
        """The event of an iteration's end."""
        (event,) = [each for each in self.of("VerdictReached") if each["iteration"] == iteration]
        return event

    def end(self) -> None:
        """Kill what is left: a test failed."""
        for pid in marked(self.run_dir):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def log(self, job: str) -> bytes:
        """What a job has printed so far."""
        path = self.run_dir / "jobs" / job / "log"
        return path.read_bytes() if path.exists() else b""

    def printed(self, job: str, lines: int) -> None:
        """Wait until the job has printed so many lines."""
        wait_for(lambda: self.log(job).count(b"\n") >= lines)

    def both_run(self) -> None:
        """Wait until two trainings are at work, and that is recorded."""
        wait_for(lambda: len(self.of("JobStarted")) == 3)
        for job in ("j-0002", "j-0003"):
            self.printed(job, 3)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of a type so far."""
        return of_type(self.events(), kind) if self.begun else []

    def was_followed(self, times: int) -> bool:
        """Whether jobs were followed again so many times."""
        return len(self.of("JobReattached")) == times

    def supervisor(self, job: str) -> int:
        """The pid of a job's supervisor."""
        (started,) = [each for each in self.of("JobStarted") if each["job"] == job]
        return started["pid"]

    def ended(self, job: str) -> dict[str, Any]:
        """The event of a job's end; there is exactly one."""
        (event,) = [each for each in self.of("JobEnded") if each["job"] == job]
        return event

    def exited(self, job: str) -> None:
        """Wait until the record of a job's end is there, whoever reads it."""
        wait_for((self.run_dir / "jobs" / job / "exit.json").exists)


def whole(log: bytes) -> bool:
    """Whether a log is all that a training printed: nothing lost, nothing twice."""
    *lines, last = log.decode().splitlines()
    return last == "last" and lines == [f"line {number}" for number in range(len(lines))]
