"""The judge of a sealed check: python -m kernels.gdn.evaluate judge CHECK.

It runs from the protected base after everything of the candidate has ended, and imports none of the
candidate's code. It reads the programs in CONTROLROOM_PRODUCED, draws inputs from the seed in
CONTROLROOM_CANDIDATE, and writes one JSON object, with the token of CONTROLROOM_TOKEN, to the open
descriptor CONTROLROOM_REPORT_FD. By hand, without that descriptor, it only prints.

Whatever touches a program happens in other processes, which have neither token nor descriptor.

Exit status: 0 the candidate passed, 1 it failed, 2 the command line or a variable is wrong.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kernels.gdn.cost import CHIPS, Estimate, estimate_programs, hotspots, label
from kernels.gdn.failure import Failure
from kernels.gdn.result import CHECKS, Result, UsageError, read


@dataclasses.dataclass(frozen=True)
class Case:
    """What is judged, and where the answer goes."""

    produced: Path
    seed: int
    report_fd: int | None
    token: str


def main(arguments: list[str]) -> int:
    """Judges the programs and returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        case = _case(options.seed)
    except UsageError as error:
        print(f"judge: {error}", file=sys.stderr)
        return 2
    result = judge(case, options.check, options.target, options.deadline)
    print("\n".join(result.lines))
    if case.report_fd is not None and not _report(case.report_fd, case.token, result):
        return 2
    return 0 if result.failure is None else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kernels.gdn.evaluate judge")
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--seed", type=int, default=None, help="of the inputs, by hand")
    parser.add_argument("--target", choices=sorted(CHIPS), default="v5p", help="chip to cost for")
    parser.add_argument("--deadline", type=float, default=280.0, metavar="S", help="of all of it")
    return parser


def _case(seed: int | None) -> Case:
    """The case, out of variables that no process started from here inherits."""
    produced, descriptor = os.environ.get("CONTROLROOM_PRODUCED"), _take("CONTROLROOM_REPORT_FD")
    token = _take("CONTROLROOM_TOKEN")
    if produced is None:
        raise UsageError("set CONTROLROOM_PRODUCED to the folder of the programs")
    if descriptor and (not descriptor.isdecimal() or not token):
        raise UsageError("CONTROLROOM_REPORT_FD must be a number, and needs CONTROLROOM_TOKEN")
    given = _seed() if seed is None else seed
    return Case(Path(produced), given, int(descriptor) if descriptor else None, token)


def _take(name: str) -> str:
    return os.environ.pop(name, "")


def _seed() -> int:
    path = os.environ.get("CONTROLROOM_CANDIDATE")
    if path is None:
        raise UsageError("set CONTROLROOM_CANDIDATE, or give --seed by hand")
    seed = read(Path(path)).get("seed")
    if not isinstance(seed, int):
        raise UsageError(f"the candidate's seed must be an integer; got {seed!r}")
    return seed


def judge(case: Case, check: str, target: str, deadline_s: float) -> Result:
    """The result of one check of the programs.

    Cost: correctness 10 to 30 s, cost the same and the compiler's 10 to 40 s of two cores.
    """
    until_s = time.monotonic() + deadline_s
    result = Result()
    heads = _run(case, check, deadline_s, result)
    if check == "cost" and heads is not None and result.failure is None:
        left_s = until_s - time.monotonic()
        _cost(result, estimate_programs(case.produced, heads, target, left_s), target)
    if result.failure is not None:
        result.lines.append(f"FAILED ({result.failure.kind}) {result.failure.detail}")
    return result


def _run(case: Case, check: str, deadline_s: float, result: Result) -> int | None:
    """Adds the verdicts of the process that runs the programs; returns the costed value heads."""
    job = {"produced": str(case.produced), "check": check, "seed": case.seed}
    try:
        answer = _answer(json.dumps(job), deadline_s)
    except subprocess.TimeoutExpired:
        answer = Failure("timeout", f"the programs did not run within {deadline_s:g} s")
    if isinstance(answer, Failure):
        result.fail(answer)
        return None
    result.add(answer["verdicts"])
    return answer["value_heads"]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A verdict as the other process gave it."""

    case: str
    passed: bool
    excess: float
    detail: str


def _answer(job: str, deadline_s: float) -> Any:
    command = [sys.executable, "-m", "kernels.gdn.sealed_child"]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        command, input=job, capture_output=True, text=True, timeout=deadline_s, check=False,
        env={**os.environ, "PYTHONPATH": root}, cwd=root,
    )  # fmt: skip
    if done.returncode != 0:
        ended = f"signal {-done.returncode}" if done.returncode < 0 else f"{done.returncode}"
        return Failure("refused", f"running the programs ends the process that does so ({ended})")
    answer = json.loads(done.stdout.splitlines()[-1])
    if "failure" in answer:
        return Failure(**answer["failure"])
    return answer | {"verdicts": [Verdict(**v) for v in answer["verdicts"]]}


def _cost(result: Result, outcome: Estimate | Failure, target: str) -> None:
    if isinstance(outcome, Failure):
        result.fail(outcome)
        return
    result.passed += 1
    result.metrics |= dataclasses.asdict(outcome)
    result.hotspots = hotspots(outcome)
    result.lines.append(f"{label()} for {target}, B1 T8192 Hk16 Hv32 K=V=128")
    result.lines += [f"{name} {value}" for name, value in dataclasses.asdict(outcome).items()]


def _report(descriptor: int, token: str, result: Result) -> bool:
    """Whether the result was written to the descriptor, which is closed then."""
    text = json.dumps(result.as_json() | {"token": token}) + "\n"
    try:
        with os.fdopen(descriptor, "w") as pipe:
            pipe.write(text)
    except OSError as error:
        print(f"judge: the report cannot be written: {error}", file=sys.stderr)
        return False
    return True
