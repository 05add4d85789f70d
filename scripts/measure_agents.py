"""What ten agents at once cost the engine: its CPU while they think, how late its event loop is.

    python scripts/measure_agents.py [--agents 10] [--files 2000] [--think 20] [--rounds 2]

Each agent works in a tree of its own of one repository, thinks, changes a file and ends; its change
is committed and checked. Prints CPU as a share of one core while all of them think, the lateness of
the event loop over the whole run, and every event that speaks of a lock.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SAMPLE_S = 0.005
CAMPAIGN = """\
campaign: many
environment: {{interpreter: own}}
workspace: {{repo: .}}
metric: {{name: score, direction: max}}
proposers:
  - {{kind: agent, agent: scripted, script: script.yaml, slots: {agents}}}
checks:
  - {{name: works, run: ["{{python}}", "-I", "-S", "-c", "import json, os;
      json.dump({{'metrics': {{'score': 1}}}}, open(os.environ['CONTROLROOM_RESULT'], 'w'))"],
      reports: [score], deadline: 60s}}
stop: {{iterations: {iterations}}}
"""
SCRIPT = """\
iterations: {{}}
otherwise:
  - sleep: {think}s
  - write: {{file: "changed-{{iteration}}.txt", text: "by iteration {{iteration}}\\n"}}
  - answer: done
"""


def repository(folder: Path, files: int) -> None:
    """A git repository of so many files in folders of a hundred."""
    for number in range(files):
        path = folder / f"part{number // 100:02d}" / f"file{number:04d}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"line of {number}\n" * 40)
    identity = ["-c", "user.name=measure", "-c", "user.email=measure@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def lateness(loop: asyncio.AbstractEventLoop, found_s: list[float]) -> None:
    """Ask the loop for a sign every few milliseconds; note how long each takes."""
    while not loop.is_closed():
        done = threading.Event()
        begun_s = time.perf_counter()
        try:
            loop.call_soon_threadsafe(done.set)
        except RuntimeError:
            return
        if done.wait(60):
            found_s.append(time.perf_counter() - begun_s)
        time.sleep(SAMPLE_S)


class Policy(asyncio.DefaultEventLoopPolicy):
    """Watches every loop that is made."""

    def __init__(self, found_s: list[float]) -> None:
        super().__init__()
        self._found_s = found_s

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop, with a thread that watches it."""
        loop = super().new_event_loop()
        threading.Thread(target=lateness, args=(loop, self._found_s), daemon=True).start()
        return loop


def engine() -> None:
    """The engine in this process, its loop watched; the result goes to standard error."""
    from engine.cli.main import main

    found_s: list[float] = []
    asyncio.set_event_loop_policy(Policy(found_s))
    sys.argv = ["controlroom", "run", "campaign.yaml", "--no-ui", "--json"]
    try:
        main()
    except SystemExit:
        pass
    finally:
        found_s.sort()
        figures = {
            "samples": len(found_s),
            "p50_ms": round(statistics.median(found_s) * 1e3, 2),
            "p99_ms": round(found_s[int(len(found_s) * 0.99)] * 1e3, 1),
            "max_ms": round(found_s[-1] * 1e3, 1),
        }
        print(json.dumps(figures), file=sys.stderr)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, its children not counted."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Run the campaign and print what it cost."""
    repository(folder, options.files)
    iterations = 1 + options.agents * options.rounds
    campaign = CAMPAIGN.format(agents=options.agents, iterations=iterations)
    (folder / "campaign.yaml").write_text(campaign)
    (folder / "script.yaml").write_text(SCRIPT.format(think=options.think))
    command = [sys.executable, __file__, "--engine"]
    errors = folder / "errors.txt"
    with errors.open("w") as sink, subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=sink, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None
        started, verdicts, locks, shares = 0, {}, [], []
        for line in process.stdout:
            event = json.loads(line)
            if "lock" in line.lower() and event["type"] not in ("RunCreated", "EngineStarted"):
                locks.append(line.strip())
            if event["type"] == "VerdictReached":
                verdicts[event["verdict"]] = verdicts.get(event["verdict"], 0) + 1
            if event["type"] == "AgentStarted":
                started += 1
                if started % options.agents == 0:
                    time.sleep(options.think * 0.1)
                    begun_s, used_s = time.perf_counter(), cpu_s(process.pid)
                    time.sleep(options.think * 0.6)
                    passed_s = time.perf_counter() - begun_s
                    shares.append((cpu_s(process.pid) - used_s) / passed_s)
    late = json.loads(errors.read_text().splitlines()[-1])
    print(f"verdicts {verdicts}, events that speak of a lock {len(locks)}")
    print("\n".join(locks[:5]))
    print(f"engine CPU while {options.agents} agents think: "
          + ", ".join(f"{share:.1%}" for share in shares) + " of a core")  # fmt: skip
    print(f"event loop: p50 {late['p50_ms']} ms, p99 {late['p99_ms']} ms, max {late['max_ms']} ms")


def main() -> None:
    """Measure, or be the engine that is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--think", type=float, default=20.0, help="seconds")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--engine", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        engine()
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder))


if __name__ == "__main__":
    main()
