"""What the engine itself costs: time and memory an iteration, idle slots, a long run.

    python scripts/measure_engine.py --repeats 3            # all three parts
    python scripts/measure_engine.py --parts slots --repeats 1
    python scripts/measure_engine.py --parts soak --soak 2000

Prints Markdown. The checks do next to nothing (`echo`, `sleep 0.5`), so what is left is the
engine, and one program started for every check. Everything is written to a folder of its own below
the system's place for temporary files (`TMPDIR` moves it), which is removed at the end. Needs
/proc. Figures taken while something else runs are worth little: the load is printed with each part.
"""

import argparse
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.client import RunHandle

PARTS = ("overhead", "slots", "soak")
CONTROLROOM = (sys.executable, "-P", "-m", "engine")
START_ITERATIONS, TIMED_ITERATIONS = 20, 500
SLOTS, WAIT_S, WAITED_ITERATIONS = 8, 0.5, 160
FIRST_SAMPLE = 500
SAMPLE_EVERY_S = 0.5
LOOKS = 5
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
CAMPAIGN = """\
campaign: measured
baseline: {{x: 0.5}}
metric: {{name: score, direction: max, noise: none}}
space: {{x: {{float: [0, 1]}}}}
proposers: [{{kind: evolution, slots: {slots}}}]
checks:
  - name: measure
    run: "{command}"
    shell: {shell}
    deadline: 60s
    metrics: {{score: {{regex: 'score ([0-9.]+)'}}}}
"""


@dataclass(frozen=True)
class Cost:
    """What one engine took, in seconds; `checks_cpu_s` is that of the programs that it started."""

    wall_s: float
    engine_cpu_s: float
    checks_cpu_s: float


def main() -> None:
    options = _arguments()
    measured: dict[str, Callable[[Path], None]] = {
        "overhead": lambda folder: _overhead(folder, options.repeats),
        "slots": lambda folder: _slots(folder, options.repeats),
        "soak": lambda folder: _soak(folder, options.soak),
    }
    for part in options.parts:
        with tempfile.TemporaryDirectory(prefix="measured-") as folder:
            one, five, fifteen = os.getloadavg()
            print(f"\n## {part}\n\nload average before: {one:.2f}, {five:.2f}, {fifteen:.2f}")
            print(f"(1, 5, 15 minutes; {os.cpu_count()} cores)\n", flush=True)
            measured[part](Path(folder))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--repeats", type=int, default=3, help="of overhead and slots")
    parser.add_argument("--soak", type=int, default=10_000, help="iterations of the long run")
    return parser.parse_args()


def _overhead(folder: Path, repeats: int) -> None:
    """An iteration of one slot whose check is one program that prints a number."""
    config = _campaign(folder, slots=1, command="echo score 1")
    print(f"ms an iteration, {TIMED_ITERATIONS} iterations less {START_ITERATIONS} for the start")
    print("\n| sitting | wall | CPU of the engine | CPU of the checks |\n| --- | --- | --- | --- |")
    costs = []
    for number in range(repeats):
        short = _cost(config, folder / f"short-{number}", START_ITERATIONS)
        long = _cost(config, folder / f"long-{number}", TIMED_ITERATIONS)
        costs.append(_each_ms(short, long, TIMED_ITERATIONS - START_ITERATIONS))
        _row(str(number + 1), costs[-1])
    _row("median", [statistics.median(column) for column in zip(*costs, strict=True)])


def _each_ms(short: Cost, long: Cost, iterations: int) -> list[float]:
    def each(of: Callable[[Cost], float]) -> float:
        return 1000 * (of(long) - of(short)) / iterations

    return [
        each(lambda c: c.wall_s),
        each(lambda c: c.engine_cpu_s),
        each(lambda c: c.checks_cpu_s),
    ]


def _slots(folder: Path, repeats: int) -> None:
    """Eight slots that wait: what share of the time could not have been less."""
    config = _campaign(folder, slots=SLOTS, command=f"sleep {WAIT_S}; echo score 1")
    ideal_s = WAITED_ITERATIONS / SLOTS * WAIT_S
    print(f"{WAITED_ITERATIONS} iterations, {SLOTS} slots, each waits {WAIT_S} s: {ideal_s:g} s")
    print("\n| sitting | run, s | % of ideal | command with its start, s | % of ideal |")
    print("| --- | --- | --- | --- | --- |")
    shares = []
    for number in range(repeats):
        run_dir = folder / f"run-{number}"
        whole_s = _cost(config, run_dir, WAITED_ITERATIONS).wall_s
        run_s = _first_to_last_s(run_dir)
        shares.append((run_s, 100 * ideal_s / run_s, whole_s, 100 * ideal_s / whole_s))
        _row(str(number + 1), shares[-1])
    _row("median", [statistics.median(column) for column in zip(*shares, strict=True)])


def _first_to_last_s(run_dir: Path) -> float:
    """From the start of the first iteration to the last verdict, as the journal stamps them."""
    records = list(_records(run_dir))
    starts = [one.time for one in records if type(one.event).__name__ == "IterationStarted"]
    ends = [one.time for one in records if type(one.event).__name__ == "VerdictReached"]
    took = datetime.fromisoformat(ends[-1]) - datetime.fromisoformat(starts[0])
    return took.total_seconds()


def _records(run_dir: Path) -> Iterator:
    handle, seq = RunHandle.open(run_dir), 1
    while records := handle.records_from(seq):
        yield from records
        seq = records[-1].seq + 1
    handle.close()


def _soak(folder: Path, iterations: int) -> None:
    """A long run: memory early and late, disk, and how long it takes to look at it afterwards."""
    if iterations <= FIRST_SAMPLE:
        sys.exit(f"--soak: more than {FIRST_SAMPLE} iterations, so that memory can be compared")
    config, run_dir = _campaign(folder, slots=1, command="echo score 1"), folder / "run"
    samples = _memory_during(config, run_dir, iterations)
    early = next(mib for iteration, mib in samples if iteration >= FIRST_SAMPLE)
    each_kib = _disk_kib(run_dir) / iterations
    print("| what | value |\n| --- | --- |")
    print(f"| iterations | {iterations} |")
    print(f"| engine's memory after {FIRST_SAMPLE} iterations, MiB | {early:.1f} |")
    print(f"| at the end | {samples[-1][1]:.1f} |")
    print(f"| at most | {max(mib for _, mib in samples):.1f} |")
    print(f"| disk an iteration, KiB (blocks) | {each_kib:.2f} |")
    status = [*CONTROLROOM, "status", str(run_dir), "--json"]
    print(f"| `status --json`, s | {_median_s(lambda: _quiet(status)):.3f} |")
    print(f"| opening a RunHandle, s | {_median_s(lambda: RunHandle.open(run_dir).close()):.3f} |")
    print(f"| `attach` until the champion is on the screen, s | {_attached(run_dir):.3f} |")


def _memory_during(config: Path, run_dir: Path, iterations: int) -> list[tuple[int, float]]:
    """Pairs of iteration and MiB that are resident, while the run goes on."""
    samples = []
    with _engine(config, run_dir, iterations) as process:
        while not _ended(process, SAMPLE_EVERY_S):
            with suppress(OSError, ValueError):  # between its end and our look
                resident = _resident_mib(process.pid)
                samples.append((_iterations_so_far(run_dir), resident))
    _require_success(process)
    return samples


def _iterations_so_far(run_dir: Path) -> int:
    """Each iteration has one log, numbered without gaps; cheaper than following the journal."""
    with os.scandir(run_dir / "logs") as entries:
        return sum(entry.name[0].isdecimal() for entry in entries)


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError("it has ended")


def _disk_kib(folder: Path) -> float:
    return sum(path.lstat().st_blocks for path in folder.rglob("*")) / 2


def _attached(run_dir: Path) -> float:
    return _median_s(lambda: _attach_once(run_dir))


def _attach_once(run_dir: Path) -> None:
    """Open the screen in a terminal of its own and leave it as soon as it shows the champion."""
    pid, terminal = pty.fork()
    if not pid:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        os.execv(sys.executable, [*CONTROLROOM, "attach", str(run_dir)])
    shown, end_s = b"", time.monotonic() + 60
    try:
        while b"c-0001" not in shown:
            if not select.select([terminal], [], [], max(0, end_s - time.monotonic()))[0]:
                sys.exit("attach: the champion did not appear within 60 s")
            shown += os.read(terminal, 65536)
    finally:
        os.kill(pid, 9)  # a screen that dies is nothing to the run; q would count into the time
        os.waitpid(pid, 0)
        os.close(terminal)


def _median_s(act: Callable[[], object]) -> float:
    took = []
    for _ in range(LOOKS):
        began_s = time.perf_counter()
        act()
        took.append(time.perf_counter() - began_s)
    return statistics.median(took)


def _quiet(command: Sequence[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _campaign(folder: Path, *, slots: int, command: str) -> Path:
    config = folder / "campaign.yaml"
    shell = str(";" in command).lower()
    config.write_text(CAMPAIGN.format(slots=slots, command=command, shell=shell), "utf-8")
    return config


def _cost(config: Path, run_dir: Path, iterations: int) -> Cost:
    began_s = time.perf_counter()
    with _engine(config, run_dir, iterations) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall_s = time.perf_counter() - began_s
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    _require_success(process)
    own, children = fields[11:13], fields[13:15]  # proc(5): utime, stime, cutime, cstime
    return Cost(wall_s, sum(map(int, own)) * TICK_S, sum(map(int, children)) * TICK_S)


@contextmanager
def _engine(config: Path, run_dir: Path, iterations: int) -> Iterator["subprocess.Popen[bytes]"]:
    """An engine in the foreground; it is gone at the end, whatever happens here."""
    command = [*CONTROLROOM, "run", str(config), "--no-ui", "--run-dir", str(run_dir)]
    process = subprocess.Popen(
        [*command, "--iterations", str(iterations)],
        cwd=config.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()  # nothing to one that has ended
        process.wait()


def _ended(process: "subprocess.Popen[bytes]", within_s: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(within_s)
    return process.returncode is not None


def _require_success(process: "subprocess.Popen[bytes]") -> None:
    if process.returncode != 0:
        sys.exit(f"the engine ended with status {process.returncode}: its words are above")


def _row(name: str, values: Sequence[float]) -> None:
    print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + " |", flush=True)


if __name__ == "__main__":
    main()
