"""How long a person waits: --help, status, the screen, the first scored candidate.

    python scripts/measure_start_up.py [--repeat 5]

Prints medians in milliseconds, and each as a multiple of a bare `python -c pass` here and now: that
can be compared between machines that are busy in different ways. Then, in percent of a core, what
the screen takes while it shows a live run that is paused.
"""

import argparse
import json
import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CIRCLES = REPOSITORY / "configs" / "circle-packing.yaml"
COMMAND = [sys.executable, "-P", "-m", "engine"]
DEADLINE_S = 120.0
SHOWN = b"Leaderboard"
SETTLING_S, IDLE_S = 3.0, 20.0


def ended_s(command: Sequence[str], folder: Path) -> float:
    """Seconds until a command has ended."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - begun


def first_score_s(folder: Path) -> float:
    """Seconds until a fresh run of circle packing has a verdict with a value."""
    command = [*COMMAND, "run", str(CIRCLES), "--no-ui", "--json", "--new", "--iterations", "3"]
    begun = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        for line in engine.stdout:
            event = json.loads(line)
            if event["type"] == "VerdictReached" and event["value"] is not None:
                took_s = time.perf_counter() - begun
                engine.send_signal(signal.SIGTERM)
                engine.send_signal(signal.SIGTERM)
                engine.communicate()
                return took_s
    raise SystemExit("circle packing ended without a score")


@contextmanager
def screen(folder: Path) -> Iterator[tuple[int, int]]:
    """The process of `attach` on the newest run, and its terminal of 120x40; panes are shown."""
    leader, follower = pty.openpty()
    os.set_blocking(leader, False)
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    begun = time.perf_counter()
    attached = subprocess.Popen(
        [*COMMAND, "attach"],
        cwd=folder,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    try:
        _read_until(leader, begun)
        yield attached.pid, leader
    finally:
        attached.kill()
        attached.wait()
        os.close(leader)


def screen_s(folder: Path) -> float:
    """Seconds until `attach` shows the newest run's panes."""
    begun = time.perf_counter()
    with screen(folder):
        return time.perf_counter() - begun


def idle_share(folder: Path) -> float:
    """The share of a core that the screen takes while nothing happens in a live run."""

    def do(*words: str) -> None:
        subprocess.run([*COMMAND, *words], cwd=folder, check=True, capture_output=True)

    do("run", str(CIRCLES), "--detach", "--new", "--iterations", "100000")
    try:
        do("pause")
        with screen(folder) as (pid, leader):
            _drain(leader, SETTLING_S)
            begun, used_s = time.perf_counter(), _cpu_s(pid)
            _drain(leader, IDLE_S)
            return (_cpu_s(pid) - used_s) / (time.perf_counter() - begun)
    finally:
        do("stop", "--wait")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _drain(leader: int, seconds: float) -> None:
    """Read what the screen writes, as a terminal does."""
    end = time.perf_counter() + seconds
    while (left_s := end - time.perf_counter()) > 0:
        if select.select([leader], [], [], left_s)[0]:
            os.read(leader, 1 << 16)


def _read_until(leader: int, begun: float) -> None:
    seen = b""
    while SHOWN not in seen:
        left_s = begun + DEADLINE_S - time.perf_counter()
        if not select.select([leader], [], [], max(0.0, left_s))[0]:
            raise SystemExit("the screen never showed the run")
        seen += os.read(leader, 1 << 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--repeat", type=int, default=5, help="how often each is measured")
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first_score_s(folder)
        measured: dict[str, Callable[[], float]] = {
            "python -c pass": lambda: ended_s([sys.executable, "-c", "pass"], folder),
            "--help": lambda: ended_s([*COMMAND, "--help"], folder),
            "status": lambda: ended_s([*COMMAND, "status"], folder),
            "attach, panes shown": lambda: screen_s(folder),
            "first scored candidate of circle packing": lambda: first_score_s(folder),
        }
        medians = {
            what: statistics.median(measure() for _ in range(repeat))
            for what, measure in measured.items()
        }
        idle = idle_share(folder)
    bare_s = medians["python -c pass"]
    for what, took_s in medians.items():
        print(f"{took_s * 1000:8.0f} ms  {took_s / bare_s:6.1f} x  {what}")
    print(f"{100 * idle:8.1f} %  of a core, the screen of a paused run")


if __name__ == "__main__":
    main()
