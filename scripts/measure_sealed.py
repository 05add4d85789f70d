"""What an iteration of code with a sealed check costs the engine: tree, commit, sandboxes, journal.

    python scripts/measure_sealed.py [--iterations 30] [--files 300]

A scripted agent changes one file in each iteration; a sealed check's two halves do next to nothing.
The cost is the time from an iteration's start to its verdict, less that of the agent's program and
less what the same two commands take without a sandbox, measured in the same run. It is also told as
a multiple of what `git commit` of one changed file and two `bwrap true` take, one after the other.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

CAMPAIGN = """\
campaign: sealed
environment: {interpreter: own}
workspace: {repo: .}
metric: {name: score, direction: min}
protect: [judge.sh]
proposers:
  - {kind: agent, agent: scripted, script: script.yaml}
checks:
  - {name: score, produce: sh produce.sh, judge: sh judge.sh, reports: [score], deadline: 60s}
"""
SCRIPT = """\
iterations: {}
otherwise:
  - write: {file: "changed.txt", text: "by iteration {iteration}\\n"}
  - answer: done
"""
PRODUCE = 'echo 1 > "$CONTROLROOM_PRODUCED/score"\n'
JUDGE = """\
read -r score < "$CONTROLROOM_PRODUCED/score"
printf '{"token": "%s", "metrics": {"score": %s}}' "$CONTROLROOM_TOKEN" "$score" >&"$CONTROLROOM_REPORT_FD"
"""  # noqa: E501  (one line of a shell)

IDENTITY = ("-c", "user.name=measure", "-c", "user.email=measure@localhost")
COMMIT = [*IDENTITY, "commit", "-qam", "Begin"]
ROOT = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev")
BOX = ["bwrap", "--unshare-user", "--unshare-all", *ROOT, "true"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--files", type=int, default=300, help="of the repository")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sealed-") as name:
        folder = Path(name)
        prepare(folder, options.files)
        words = ["run", "campaign.yaml", "--no-ui", "--iterations", str(options.iterations)]
        command = [sys.executable, "-P", "-m", "engine"]
        subprocess.run([*command, *words], cwd=folder, check=True, capture_output=True)
        told = subprocess.check_output([*command, "events", "--json"], cwd=folder, text=True)
        events = [json.loads(line) for line in told.splitlines()]
        report(events, bare_s(folder), plainest_s(folder))


def prepare(folder: Path, files: int) -> None:
    """A repository with the campaign, its two programs and so many files."""
    for number in range(files):
        (folder / f"file{number:04d}.txt").write_text(f"line of {number}\n" * 40)
    for name, text in (("produce.sh", PRODUCE), ("judge.sh", JUDGE), ("campaign.yaml", CAMPAIGN)):
        (folder / name).write_text(text)
    (folder / "script.yaml").write_text(SCRIPT)
    for words in (["init", "-q"], ["add", "-A"], COMMIT):
        subprocess.run(["git", *words], cwd=folder, check=True)


def bare_s(folder: Path) -> float:
    """Seconds of the two commands, one after the other, without a sandbox; the median of twenty."""
    (folder / "out").mkdir()
    env = {"CONTROLROOM_PRODUCED": str(folder / "out"), "CONTROLROOM_REPORT_FD": "1"}

    def both() -> None:
        for name in ("produce.sh", "judge.sh"):
            subprocess.run(["/bin/sh", name], cwd=folder, env=env, check=True, capture_output=True)

    return median_s(both)


def plainest_s(folder: Path) -> float:
    """Seconds of a commit of one changed file and two empty sandboxes; the median of twenty."""

    def all_three() -> None:
        with (folder / "file0000.txt").open("a") as file:
            file.write("more\n")
        for words in (["git", *COMMIT], BOX, BOX):
            subprocess.run(words, cwd=folder, check=True, capture_output=True)

    return median_s(all_three)


def median_s(act: Callable[[], None]) -> float:
    """Seconds that it takes; the median of twenty."""
    taken: list[float] = []
    for _ in range(20):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def report(events: list[dict[str, Any]], commands_s: float, plain_s: float) -> None:
    """Print the medians over all iterations but the baseline's."""
    whole_s, agent_s, check_s = (lasting(events, *names) for names in SPANS)
    cost_s = [whole_s[n] - agent_s[n] - commands_s for n in agent_s]
    sealed_s = [check_s[n] - commands_s for n in agent_s]
    print(f"{len(cost_s)} iterations; the two commands alone take {1e3 * commands_s:.1f} ms")
    told("engine's cost of an iteration", cost_s)
    told("of it sealing", sealed_s)
    told("of it tree, commit and journal", [c - s for c, s in zip(cost_s, sealed_s, strict=True)])
    for what, begin, end in PARTS:
        parts_s = lasting(events, begin, end)
        told(what, [parts_s[n] for n in agent_s])
    times = statistics.median(cost_s) / plain_s
    print(
        f"git commit and two bwrap true: {1e3 * plain_s:.1f} ms; the cost is {times:.1f} times that"
    )


def told(what: str, values_s: list[float]) -> None:
    """Print the median, and the least and the most."""
    least, median, most = (1e3 * f(values_s) for f in (min, statistics.median, max))
    print(f"{what}: {median:.1f} ms at the median, {least:.1f} to {most:.1f}")


SPANS = (
    ("IterationStarted", "VerdictReached"),
    ("AgentStarted", "AgentFinished"),
    ("CheckStarted", "CheckFinished"),
)
PARTS = (
    ("tree and prompt before the agent", "IterationStarted", "AgentStarted"),
    ("collecting, committing and describing its change", "AgentFinished", "ChangeCollected"),
    ("the tree for the checks", "ChangeCollected", "CheckStarted"),
    ("the verdict", "CheckFinished", "VerdictReached"),
)


def lasting(events: list[dict[str, Any]], begin: str, end: str) -> dict[int, float]:
    """Seconds between two events, by iteration."""
    begun = {e["iteration"]: moment(e) for e in events if e["type"] == begin}
    ends = {e["iteration"]: moment(e) for e in events if e["type"] == end}
    return {number: ends[number] - begun[number] for number in ends.keys() & begun.keys()}


def moment(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


if __name__ == "__main__":
    main()
