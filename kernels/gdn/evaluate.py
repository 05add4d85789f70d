"""The check command: python -m kernels.gdn.evaluate audit|correctness|cost|acceptance.

As two commands that share no process, where the candidate is code that nobody vouches for:
`produce` leaves its programs as plain data, and `judge audit|correctness|cost|acceptance` judges
those (kernels/gdn/produce.py, kernels/gdn/sealed.py).

It judges the member that the JSON file at CONTROLROOM_CANDIDATE names, or the one given by --set,
writes the result to CONTROLROOM_RESULT, and prints the same for people. What it prints depends on
the member, the seed and the compiler only: no times, no paths.

Exit status: 0 the candidate passed, 1 it failed, 2 the command line or the candidate file is wrong.
"""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from kernels.gdn import process
from kernels.gdn.cost import CHIPS, Estimate, estimate, hotspots, label
from kernels.gdn.failure import Failure
from kernels.gdn.member import InvalidMemberError, Member, canonical, parse
from kernels.gdn.result import CHECKS, Candidate, Result, UsageError, read


def main(arguments: list[str] | None = None) -> int:
    """Runs one check and returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] in (["produce"], ["judge"]):
        return _apart(words[0], words[1:])
    options = _parser().parse_args(words)
    try:
        candidate = _candidate(options)
    except UsageError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    result = evaluate(options, candidate)
    print("\n".join(result.lines))
    _write(result)
    return 0 if result.failure is None else 1


def _apart(form: str, words: list[str]) -> int:
    """Runs one of the two commands of a sealed check; neither imports the other."""
    if form == "produce":
        from kernels.gdn import produce

        return produce.main(words)
    from kernels.gdn import sealed

    return sealed.main(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kernels.gdn.evaluate", description=__doc__)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--set", nargs="+", default=None, metavar="NAME=VALUE", dest="settings")
    parser.add_argument(
        "--seed", type=int, default=None, help="of the inputs; else the candidate's"
    )
    parser.add_argument("--target", choices=sorted(CHIPS), default="v5p", help="chip to cost for")
    parser.add_argument(
        "--deadline", type=float, default=280.0, metavar="S", help="of the compiler"
    )
    return parser


def _candidate(options: argparse.Namespace) -> Candidate:
    path = os.environ.get("CONTROLROOM_CANDIDATE")
    if options.settings is not None:
        return Candidate(dict(map(_setting, options.settings)), options.seed or 0)
    if path is None:
        raise UsageError("no candidate: set CONTROLROOM_CANDIDATE or give --set chunk=128 ...")
    content = read(Path(path))
    seed = content.get("seed", 0) if options.seed is None else options.seed
    if not isinstance(seed, int):
        raise UsageError(f"the candidate's seed must be an integer; got {seed!r}")
    return Candidate(content["parameters"], seed)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set takes NAME=VALUE; got {text!r}")
    return name, int(value) if value.isdigit() else value


def evaluate(options: argparse.Namespace, candidate: Candidate) -> Result:
    """The result of the check; an invalid member is one too."""
    try:
        member = parse(candidate.parameters)
    except InvalidMemberError as error:
        failure = Failure("invalid", f"invalid member: {error}")
        return Result(failed=1, failure=failure, lines=[failure.detail])
    result = Result(lines=[f"member {canonical(candidate.parameters)}"])
    if options.check == "cost":
        _cost(result, member, options)
    else:
        _interpret(result, member, options.check, candidate.seed)
    if result.failure is not None:
        result.lines.append(f"FAILED ({result.failure.kind}) {result.failure.detail}")
    return result


def _cost(result: Result, member: Member, options: argparse.Namespace) -> None:
    match estimate(member, options.target, options.deadline):
        case Failure() as failure:
            result.failed, result.failure = 1, failure
        case Estimate() as figures:
            result.passed = 1
            result.metrics = dataclasses.asdict(figures)
            result.hotspots = hotspots(figures)
            result.lines.append(f"{label()} for {options.target}, B1 T8192 Hk16 Hv32 K=V=128")
            result.lines += [f"{name} {value}" for name, value in result.metrics.items()]


def _interpret(result: Result, member: Member, check: str, seed: int) -> None:
    from kernels.gdn import checks

    try:
        verdicts = checks.run(check, member, seed)
    except Exception as error:  # noqa: BLE001  tracing and lowering raise whatever their layers raise
        result.failed = 1
        result.failure = Failure(
            "compile", f"{type(error).__name__}: {error}".splitlines()[0][:240]
        )
        return
    result.add(verdicts)


def _write(result: Result) -> None:
    path = os.environ.get("CONTROLROOM_RESULT")
    if path is None:
        return
    part = Path(f"{path}.part")
    part.write_text(json.dumps(result.as_json()) + "\n")
    part.replace(path)


if __name__ == "__main__":
    process.prepare()
    process.leave(main())
