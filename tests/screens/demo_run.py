"""Makes the folder of a run that never was, to look at the screen without an engine.

python -P tests/screens/demo_run.py FOLDER [ITERATIONS]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from engine.core import events as e
from engine.journal import Journal
from engine.runfolder import create_run_folder
from tests.screens import fakes


def build(folder: Path, iterations: int, *, ended: bool = False) -> Path:
    """The run's folder: a journal of synthetic events, and logs."""
    paths = create_run_folder(folder)
    told = fakes.events_of_run(iterations, open_steps=0 if ended else 2)
    if ended:
        last = told[-1][0] + 1
        done = e.RunFinished(reason="iterations", detail=f"{iterations} iterations", exit_status=0)
        told += [
            (last, done),
            (last, e.EngineStopped(reason="done", exit_status=0, alive_s=9000.0)),
        ]
    journal = Journal.create(paths.journal, [told[0][1]], fakes.iso(told[0][0]))
    for at, batch in _by_iteration(told[1:]):
        events = [_with_log(paths.root, event) for event in batch]
        journal.append(events, expected_seq=journal.last_seq, time=fakes.iso(at))
    journal.close()
    return paths.root


def _by_iteration(
    told: list[tuple[float, e.AnyEvent]],
) -> Iterator[tuple[float, list[e.AnyEvent]]]:
    """Events in few transactions, each with the time of its last one: a write costs an fsync."""
    batch: list[e.AnyEvent] = []
    at = 0.0
    for time, event in told:
        if batch and isinstance(event, e.IterationStarted):
            yield at, batch
            batch = []
        batch.append(event)
        at = time
    yield at, batch


def _with_log(root: Path, event: e.AnyEvent) -> e.AnyEvent:
    if not isinstance(event, e.CheckStarted):
        return event
    text = f"check {event.check} of {event.candidate}\n 10%\r 90%\rcompiled \x1b[32mok\x1b[0m\n"
    (root / event.log.path).write_text(text, encoding="utf-8")
    return event


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    print(build(Path(sys.argv[1]), count))
