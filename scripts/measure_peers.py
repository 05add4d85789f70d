"""What an iteration costs in OpenEvolve 0.4.0, in hillclimb 0.8.2 and in controlroom.

    python scripts/measure_peers.py --venvs DIR --hillclimb-python python3.12

Prints a Markdown table. The peers are installed from the package index into DIR/openevolve and
DIR/hillclimb (0.6 GB) if they are not there; without `--venvs` into a folder that is removed.
Nothing leaves the machine after that, and no account is needed:

- OpenEvolve: one worker, one toy program; the model is a server on the loopback that answers at
  once with a diff that always applies and raises the score. It imports the candidate.
- hillclimb: it has no way to ask such a server, so its own scripted agent ("toy") proposes, on a
  problem made for that agent; sandbox, memory and holdout off. An iteration is one evaluation: a
  shell and two Pythons.
- controlroom: its evolution proposer and local executor, once with one program that prints a number
  and once with a check that starts a shell and two Pythons, the same ones as hillclimb's does.

The time of a run of one iteration is taken off, so the figures are (wall of N - wall of 1)/(N - 1).
`--core` ties everything, the server included, to one core. CPU is that of the whole tree of
processes; OpenEvolve's lacks the server, which answers in this process.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OPENEVOLVE, HILLCLIMB = "openevolve==0.4.0", "hillclimb==0.8.2"
DEADLINE_S = 600.0

# OpenEvolve's toy: each answer adds a step, and each step is worth one.
PROGRAM = """\
# EVOLVE-BLOCK-START
steps = 0
# the next step goes here
# EVOLVE-BLOCK-END
"""
ANSWER = """\
<<<<<<< SEARCH
# the next step goes here
=======
steps += 1
# the next step goes here
>>>>>>> REPLACE
"""
EVALUATOR = """\
import runpy


def evaluate(program_path):
    return {"combined_score": float(runpy.run_path(program_path)["steps"])}
"""

# The problem that hillclimb's scripted agent accepts: a point in a square.
VERIFIER = """\
#!/usr/bin/env bash
set -eu
"$HILLCLIMB_PYTHON" "$HILLCLIMB_SOLUTION"
"$HILLCLIMB_PYTHON" problem/verify.py
"""
VERIFY = """\
import json, os
x, y = map(float, open("submission.csv").read().split()[1].split(","))
score = {"split": "validation", "score": -(x * x + y * y)}
json.dump(score, open(os.environ["HILLCLIMB_RESULT"], "w"))
"""
PROBLEM = """\
problem_id: point
metric: height
higher_is_better: true
description: description.md
allow_internet_during_solution: false
"""

# The same for controlroom.
CAMPAIGN = """\
campaign: measured
environment: {{interpreter: {python}}}
baseline: {{x: 0.5, y: 0.5}}
metric: {{name: score, direction: max, noise: none}}
space: {{x: {{float: [-5, 5]}}, y: {{float: [-5, 5]}}}}
proposers: [{{kind: evolution, slots: 1}}]
checks: [{{name: measure, {check}, deadline: 60s}}]
"""
ONE_PROGRAM = "run: echo score 1, metrics: {score: {regex: 'score ([0-9.]+)'}}"
TWO_PYTHONS = "run: 'bash verify.sh {python}', reports: [score]"
SOLUTION = """\
import json, os
point = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))["parameters"]
with open(os.environ["CONTROLROOM_STEP_DIR"] + "/submission.csv", "w") as out:
    out.write(f"x,y\\n{point['x']},{point['y']}\\n")
"""
JUDGE = """\
import json, os
left = os.environ["CONTROLROOM_STEP_DIR"] + "/submission.csv"
x, y = map(float, open(left).read().split()[1].split(","))
score = {"metrics": {"score": -(x * x + y * y)}}
json.dump(score, open(os.environ["CONTROLROOM_RESULT"], "w"))
"""


@dataclass(frozen=True)
class Cost:
    """What a finished run took, and how many iterations it really made."""

    wall_s: float
    cpu_s: float
    iterations: int


Run = Callable[[Path, int], Cost]
"""Makes a run of so many iterations in an empty folder."""


class NotDrivenError(Exception):
    """Why a peer could not be driven, for the table."""


def main() -> None:
    options = _arguments()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})  # children inherit it
    with tempfile.TemporaryDirectory(prefix="peers-") as scratch:
        folder = Path(scratch)
        rows = _rows(options, (options.venvs or folder / "venvs").absolute())
        load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
        core = "all cores" if options.core is None else f"core {options.core}"
        print(
            f"{options.iterations} iterations less the first, median of {options.repeats}; {core}"
        )
        print(f"load average before (1, 5, 15 minutes; {os.cpu_count()} cores): {load}")
        print("\n| engine | wall, ms each | least to most | CPU, ms each | whole run, s |")
        print("| --- | --- | --- | --- | --- |", flush=True)
        for name, run in rows:
            _measure(name, run, folder, options)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venvs", type=Path, help="where the peers are, or will be, installed")
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--core", type=int, help="tie everything to this core")
    parser.add_argument("--hillclimb-python", default="python3.12", help="3.12 or newer")
    return parser.parse_args()


def _rows(options: argparse.Namespace, venvs: Path) -> list[tuple[str, Run]]:
    """What is measured, by name; the installing happens here, before any clock runs."""
    openevolve = _installed(venvs / "openevolve", OPENEVOLVE, sys.executable, _openevolve)
    hillclimb = _installed(venvs / "hillclimb", HILLCLIMB, options.hillclimb_python, _hillclimb)
    same = venvs / "hillclimb" / "bin" / "python"  # how fast a Python starts is no merit of ours
    python = str(same) if same.exists() else "own"
    return [
        ("controlroom, one program", _controlroom(ONE_PROGRAM, python)),
        ("controlroom, a shell and two Pythons", _controlroom(TWO_PYTHONS, python)),
        ("OpenEvolve 0.4.0, 1 worker, imports the candidate", openevolve),
        ("hillclimb 0.8.2, sandbox off, a shell and two Pythons", hillclimb),
    ]


def _measure(name: str, run: Run, folder: Path, options: argparse.Namespace) -> None:
    try:
        pairs = [_pair(run, folder, options.iterations) for _ in range(options.repeats)]
    except NotDrivenError as why:
        print(f"| {name} | not measured: {why} | | | |", flush=True)
        return
    wall_ms = [_each_ms(first.wall_s, all_.wall_s, all_.iterations) for first, all_ in pairs]
    cpu_ms = [_each_ms(first.cpu_s, all_.cpu_s, all_.iterations) for first, all_ in pairs]
    spread = f"{min(wall_ms):.1f} to {max(wall_ms):.1f}"
    whole_s = statistics.median(all_.wall_s for _, all_ in pairs)
    medians = [statistics.median(wall_ms), statistics.median(cpu_ms)]
    print(
        f"| {name} | {medians[0]:.1f} | {spread} | {medians[1]:.1f} | {whole_s:.2f} |", flush=True
    )


def _pair(run: Run, folder: Path, iterations: int) -> tuple[Cost, Cost]:
    """A run of one iteration and one of all."""
    costs = []
    for count in (1, iterations):
        with tempfile.TemporaryDirectory(dir=folder) as own:
            cost = run(Path(own), count)
        if cost.iterations != count:
            raise NotDrivenError(f"it made {cost.iterations} iterations when asked for {count}")
        costs.append(cost)
    return costs[0], costs[1]


def _each_ms(first_s: float, all_s: float, iterations: int) -> float:
    return 1000 * (all_s - first_s) / (iterations - 1)


def _installed(venv: Path, requirement: str, python: str, run: Callable[[Path], Run]) -> Run:
    """`run` of the virtual environment, which is made if the package is not in it."""
    try:
        if not _has(venv / "bin" / "python", requirement):
            _quiet([python, "-m", "venv", str(venv)])
            _quiet([str(venv / "bin" / "python"), "-m", "pip", "install", "-q", requirement])
    except (OSError, subprocess.CalledProcessError) as error:
        return _refusing(f"{requirement} cannot be installed for {python}: {_reason(error)}")
    return run(venv)


def _has(python: Path, requirement: str) -> bool:
    package, _, version = requirement.partition("==")
    ask = f"import importlib.metadata as m; print(m.version({package!r}))"
    try:
        return _quiet([str(python), "-c", ask]).strip() == version
    except (OSError, subprocess.CalledProcessError):
        return False


def _refusing(why: str) -> Run:
    def run(_folder: Path, _iterations: int) -> Cost:
        raise NotDrivenError(why)

    return run


def _quiet(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _reason(error: Exception) -> str:
    said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    lines = [line for line in said.splitlines() if line.strip()] or [str(error)]
    return next((line for line in lines if line.startswith("ERROR")), lines[0])[:200]


def _controlroom(check: str, python: str) -> Run:
    def run(folder: Path, iterations: int) -> Cost:
        verify = f'set -eu\n"$1" "{folder}/solution.py"\n"$1" "{folder}/judge.py"\n'
        _write(folder, {"solution.py": SOLUTION, "judge.py": JUDGE, "verify.sh": verify})
        _write(folder, {"campaign.yaml": CAMPAIGN.format(check=check, python=python)})
        engine = [sys.executable, "-P", "-m", "engine"]
        asked = ["--no-ui", "--iterations", str(iterations), "--run-dir", "run"]
        wall_s, cpu_s = _timed([*engine, "run", "campaign.yaml", *asked], folder)
        status = subprocess.check_output([*engine, "status", "run", "--json"], cwd=folder)
        counts = json.loads(status)["counts"]
        return Cost(wall_s, cpu_s, counts.get("promoted", 0) + counts.get("rejected", 0))

    return run


def _openevolve(venv: Path) -> Run:
    def run(folder: Path, iterations: int) -> Cost:
        with _model() as (port, asked):
            _write(folder, {"program.py": PROGRAM, "evaluator.py": EVALUATOR})
            _write(folder, {"config.json": json.dumps(_openevolve_config(port))})  # is YAML too
            command = [str(venv / "bin" / "openevolve-run"), "program.py", "evaluator.py"]
            command += ["--config", "config.json", "--iterations", str(iterations)]
            wall_s, cpu_s = _timed([*command, "--output", "out"], folder)
        best = json.loads((folder / "out/best/best_program_info.json").read_text())
        if best["metrics"]["combined_score"] < 1:
            raise NotDrivenError("no diff of the scripted model was applied")
        return Cost(wall_s, cpu_s, len(asked))

    return run


def _openevolve_config(port: int) -> dict[str, object]:
    """Everything that is not named is as OpenEvolve has it."""
    return {
        "llm": {
            "api_base": f"http://127.0.0.1:{port}/v1",
            "api_key": "none",
            "primary_model": "scripted",
        },
        "evaluator": {"parallel_evaluations": 1, "cascade_evaluation": False},
    }


def _hillclimb(venv: Path) -> Run:
    """Runs of hillclimb; its settings and caches go to the run's folder too."""
    program = str(venv / "bin" / "hillclimb")

    def run(folder: Path, iterations: int) -> Cost:
        env = {"HOME": str(folder)}
        for command in (["init", "."], ["climber", "get", "greedy"]):
            _timed([program, *command], folder, env)
        _write_problem(folder, venv)
        command = [program, "run", "point", "--agent", "toy", "--no-detach", "--budget", "1h"]
        command += ["--no-learning", "--no-holdout"]
        command += ["--set", f"budget.max_evaluations={iterations}"]
        wall_s, cpu_s = _timed(command, folder, env)
        found = list(folder.glob("runs/*/searches/*/status.json"))
        evaluations = json.loads(found[0].read_text())["budget"]["evaluations"] if found else 0
        return Cost(wall_s, cpu_s, evaluations)

    return run


def _write_problem(folder: Path, venv: Path) -> None:
    with (folder / "hillclimb.yaml").open("a") as settings:
        settings.write(f"\nsandbox: off\npaths: {{runtime_python: {venv / 'bin' / 'python'}}}\n")
    problem = folder / "problems" / "point"
    problem.mkdir()
    _write(problem, {"problem.yaml": PROBLEM, "description.md": "Find the highest point.\n"})
    _write(
        problem,
        {"landscape.py": "DOMAIN = (-5.0, 5.0)\n", "verifier.sh": VERIFIER, "verify.py": VERIFY},
    )
    (problem / "verifier.sh").chmod(0o755)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")


def _timed(
    command: Sequence[str], folder: Path, env: Mapping[str, str] = {}
) -> tuple[float, float]:
    """Wall and CPU seconds of a command and all that it waited for.

    Raises:
        NotDrivenError: it failed, or did not end in time.
    """
    began_s, before = time.perf_counter(), os.times()
    with (folder / "output").open("wb+") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise NotDrivenError(f"`{command[0]}` took longer than {DEADLINE_S:g} s") from None
        finally:
            with suppress(ProcessLookupError):  # nothing is left, as it should be
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    wall_s, after = time.perf_counter() - began_s, os.times()
    if status != 0:
        said = (folder / "output").read_text("utf-8", "replace").strip()
        raise NotDrivenError(f"`{Path(command[0]).name}` ended with {status}: {said[-200:]}")
    cpu_s = sum(after[2:4]) - sum(before[2:4])  # of children: user, system
    return wall_s, cpu_s


@contextmanager
def _model() -> Iterator[tuple[int, list[str]]]:
    """The port of a model that answers at once, and the paths that it was asked for."""
    asked: list[str] = []

    class Model(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the client keeps its connection
        disable_nagle_algorithm = True  # or the body would wait 40 ms for an acknowledgement

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            body = json.dumps(_completion()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the table is the output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()


def _completion() -> dict[str, object]:
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    kind = {"id": "scripted", "object": "chat.completion", "model": "scripted"}
    return {**kind, "choices": [choice], "usage": usage}


if __name__ == "__main__":
    main()
