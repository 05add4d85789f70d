"""An engine's journal without the engine, in a process that tests steer and kill.

`python -m tests.journal_child RUN_DIR [FAILPOINT[:HIT]]` takes the run, as an engine would, and
then does what lines on its input say, answering each with the last event's number:
`append N` (whole iterations), `snapshot`, `answer` (the next command: a stop is refused, any other
accepted), `close`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.core import failpoints
from engine.core.commands import Stop, name_of
from engine.core.events import AnyEvent, CommandAccepted, CommandRefused
from engine.core.fold import fold
from engine.core.state import dump
from engine.journal import Damaged, Journal, JournalReader, verify
from engine.runfolder import RunPaths, create_run_folder, inbox, lock
from tests.recorded import NOON, created, extend, folded, iteration, started, stopped

REPOSITORY = Path(__file__).parent.parent


class Child:
    """The process, steered from a test."""

    def __init__(self, run_dir: Path, failpoint: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.journal_child", str(run_dir), failpoint],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> int:
        """The last event's number once the run is taken; -1 when the process died before."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return int(line) if line else -1

    def say(self, line: str) -> None:
        """Have the child do what the line says; do not wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def tell(self, line: str) -> int:
        """The last event's number after the child did what the line says; -1 when it died."""
        try:
            self.say(line)
        except BrokenPipeError:
            return -1
        return self.ready()

    def kill(self) -> None:
        """Kill it with -9 and wait for its end."""
        self.process.kill()
        self.end()

    def end(self) -> int:
        """Its exit status, after its input was closed."""
        self.process.communicate()
        return self.process.returncode

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: Any) -> None:
        self.kill()


def _kill_at(failpoint: str) -> None:
    name, _, hit = failpoint.partition(":")
    left = [int(hit or 1)]

    def action(reached: str) -> None:
        left[0] -= reached == name
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.arm(action)


class Taken:
    """The run, taken: its journal and its state."""

    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        if paths.journal.exists():
            found = verify(paths.journal)
            if isinstance(found, Damaged):
                raise SystemExit(found.message)
            self.journal, self.state = Journal.open(paths.journal), found.state
            self.append([started()])
        else:
            first = [created(paths.name), started()]
            self.journal = Journal.create(paths.journal, first, NOON)
            reader = JournalReader.open(paths.journal, is_live=lambda: True)
            self.state = folded(reader.read_from(1))

    def append(self, events: Sequence[AnyEvent]) -> None:
        """Append and fold."""
        for record in extend(self.journal, events):
            self.state = fold(self.state, record)

    def obey(self, line: str) -> None:
        """Do what a line says."""
        word, _, rest = line.strip().partition(" ")
        match word:
            case "append":
                first = self.state.last_iteration + 1
                for number in range(first, first + int(rest)):
                    self.append(iteration(number))
            case "snapshot":
                self.journal.save_snapshot(dump(self.state), self.state.seq)
            case "answer":
                self.append([self.answer()])
            case "close":
                self.append([stopped()])
                self.journal.close()
            case _:
                raise SystemExit(f"no such word: {word}")

    def answer(self) -> AnyEvent:
        """The answer to the next command in the inbox."""
        while not (found := inbox.pending(self.paths.inbox)):
            time.sleep(0.005)
        inbox.remove(self.paths.inbox, found[0].id)
        head = {
            "command_id": found[0].id,
            "command": name_of(found[0].command),
            "by": found[0].by,
        }
        if isinstance(found[0].command, Stop):
            return CommandRefused(**head, reason="not now")
        return CommandAccepted(**head)


def main() -> None:
    """Take the run and do what the lines say."""
    paths = create_run_folder(Path(sys.argv[1]))
    held = lock.take(paths.lock)
    assert isinstance(held, lock.RunLock), held
    if sys.argv[2]:
        _kill_at(sys.argv[2])
    taken = Taken(paths)
    print(taken.journal.last_seq, flush=True)
    for line in sys.stdin:
        taken.obey(line)
        print(taken.journal.last_seq, flush=True)


if __name__ == "__main__":
    main()
