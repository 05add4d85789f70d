"""Driving the real command in a folder of its own, as a person or a script would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tests import warm

CONTROLROOM = [sys.executable, "-P", "-m", "engine"]
REPOSITORY = Path(__file__).parent.parent
T = TypeVar("T")

QUICK = """\
campaign: quick
seed: 3
environment: {interpreter: own}
baseline: {x: 0, kind: slow}
metric: {name: score, unit: ms, direction: min, noise: none, min_gain: 0.1%}
space:
  x: {int: [0, 40]}
  kind: {choices: [slow, quick, odd]}
proposers:
  - {kind: evolution, slots: 1, explore: 0.4, parents: 5}
checks:
  - name: works
    run: "true"
    deadline: 20s
  - name: measure
    run: ["{python}", "-I", "-S", "-c", "import json, os;
        p = json.load(open(os.environ['CONTROLROOM_CANDIDATE']))['parameters'];
        s = (p['x'] - 17) ** 2 + {'slow': 60, 'quick': 5, 'odd': 30}[p['kind']];
        print('score', s);
        json.dump({'metrics': {'score': s}}, open(os.environ['CONTROLROOM_RESULT'], 'w'))"]
    deadline: 20s
    reports: [score]
stop: {iterations: 12}
finish: {report: false}
"""
"""A campaign whose iteration takes some 20 ms; its best value is 5. A report would take longer."""


def wait_for(look: Callable[[], T], deadline_s: float = 20.0) -> T:
    """What `look` gives as soon as that is true; fails when it never is."""
    end = time.monotonic() + deadline_s
    while not (found := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


class Driver:
    """A working folder with a campaign file, and the command run in it."""

    def __init__(self, folder: Path, campaign: str = QUICK, name: str = "quick-s3") -> None:
        self.folder = folder
        self.config = folder / "campaign.yaml"
        self.config.write_text(campaign)
        self.run_dir = folder / ".controlroom" / "runs" / name

    def __call__(
        self, *arguments: str, status: int | None = 0, timeout_s: float = 120, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """The finished command; fails when it ended with another status than `status`."""
        done = warm.finished(arguments, self.folder, timeout_s, os.environ | env)
        assert status is None or done.returncode == status, (
            f"{arguments}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
        return done

    def really(
        self, *arguments: str, timeout_s: float = 120, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """The finished command, started as a person's shell does."""
        return subprocess.run(
            [*CONTROLROOM, *arguments],
            cwd=self.folder,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def run(
        self, *arguments: str, status: int | None = 0, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """`run CONFIG --no-ui` to its end."""
        return self("run", str(self.config), "--no-ui", *arguments, status=status, **env)

    def start(self, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        """`run CONFIG --no-ui` in the background."""
        return subprocess.Popen(
            [*CONTROLROOM, "run", str(self.config), "--no-ui", *arguments],
            cwd=self.folder,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def begun(self) -> bool:
        """Whether there is a journal: before, a run is in the making and says nothing of itself."""
        return (self.run_dir / "journal.sqlite").exists()

    def status(self) -> dict[str, Any]:
        """`status --json`."""
        return json.loads(self("status", "--json").stdout)

    def json(self, command: str, *arguments: str) -> dict[str, Any]:
        """What a command prints with `--json`: one object, and nothing else."""
        return json.loads(self(command, *arguments, "--json").stdout)

    def events(self, *arguments: str) -> list[dict[str, Any]]:
        """`events --json`."""
        lines = self("events", *arguments, "--json").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def leaderboard(self) -> dict[str, Any]:
        """`leaderboard --json`."""
        return json.loads(self("leaderboard", "--json").stdout)

    def marked(self) -> list[int]:
        """The processes that carry the marker of this folder's run."""
        return list(marked(self.run_dir))


def marked(run_dir: Path) -> Iterator[int]:
    """The processes whose environment says that they belong to a run, or to a job of it."""
    names = ("CONTROLROOM_RUN", "CONTROLROOM_JOBS")
    markers = [f"\0{name}={run_dir.resolve()}\0".encode() for name in names]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                environment = b"\0" + (entry / "environ").read_bytes() + b"\0"
                if any(marker in environment for marker in markers):
                    yield int(entry.name)
            except OSError:
                continue


def of_type(events: Sequence[dict[str, Any]], *types: str) -> list[dict[str, Any]]:
    """The events of some types."""
    return [event for event in events if event["type"] in types]


def check_history(events: Sequence[dict[str, Any]]) -> None:
    """Fails unless the history is whole and no check was run to its end twice."""
    check_turns_of(events)
    finished = [
        (event["iteration"], event["check"], json.dumps(event["half"]))
        for event in of_type(events, "CheckFinished")
    ]
    assert len(finished) == len(set(finished)), "a check was run to its end twice"


def check_turns_of(events: Sequence[dict[str, Any]]) -> None:
    """Fails unless numbers have no holes and every iteration ended in exactly one verdict."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    started = [event["iteration"] for event in of_type(events, "IterationStarted")]
    assert started == list(range(1, len(started) + 1))
    judged = sorted(event["iteration"] for event in of_type(events, "VerdictReached"))
    assert judged == started


VOLATILE = frozenset(
    {"time", "pid", "start_ticks", "boot_id", "host", "duration_s", "alive_s", "campaign_path"}
)


def comparable(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events without times, pids, paths and durations."""
    return [
        {
            key: comparable([value])[0] if isinstance(value, dict) else value
            for key, value in event.items()
            if key not in VOLATILE
        }
        for event in events
    ]
