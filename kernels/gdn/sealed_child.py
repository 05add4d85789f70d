"""The process that rebuilds the candidate's programs and runs them on inputs of its own.

It takes a job on stdin and answers on stdout, in JSON. It is a process of its own, without the
judge's report, token or deadline, so that a program can cost the judge nothing but an answer.
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kernels.gdn import process


def main() -> int:
    """Reads the job, writes one line of JSON."""
    job = json.load(sys.stdin)
    process.limit()
    print(json.dumps(answer(job)), flush=True)
    return 0


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """The verdicts and the number of costed value heads, or a failure."""
    from kernels.common.program.document import ProgramRefusedError
    from kernels.gdn import programs

    folder = Path(job["produced"])
    try:
        costed = programs.costed(folder)
        verdicts = list(_verdicts(job["check"], folder, costed, job["seed"]))
    except ProgramRefusedError as error:
        return _failed("refused", str(error))
    except Exception as error:  # noqa: BLE001  a program may be wrong in any way that jax knows
        return _failed("compile", f"{type(error).__name__}: {error}")
    return {
        "verdicts": [dataclasses.asdict(v) for v in verdicts],
        "value_heads": costed[0].shape.value_heads,
    }


def _failed(kind: str, detail: str) -> dict[str, Any]:
    return {"failure": {"kind": kind, "detail": detail.strip().splitlines()[0][:240]}}


def _verdicts(check: str, folder: Path, costed: list[Any], seed: int) -> Iterator[Any]:
    """Every verdict of the check; all but the audit's have the costed programs' outputs."""
    from kernels.gdn import named, programs

    rest = [programs.left(folder, shape) for shape in named.judged(check)]
    rules = programs.verdicts(costed, rest)
    yield from rules
    if check == "audit" or not all(v.passed for v in rules):
        return
    with ThreadPoolExecutor(len(costed)) as side_by_side:
        yield from side_by_side.map(_at_own_shape, costed, (seed + 100, seed + 101))
    yield from _at_other_shapes(check, rest, seed)


def _at_own_shape(one: Any, seed: int) -> Any:
    """The worst verdict of a costed program on every stress, its grid taken backwards.

    All of them, however few heads it has: what is right on some stresses alone would pass now and
    then. Which head meets which is drawn. The program is compiled once for all rounds.
    """
    import numpy as np

    from kernels.gdn import cases, judge

    runner = judge.Runner(one.interpreted(backwards=True))
    order = np.random.default_rng(seed).permutation(len(cases.MATRIX))
    verdicts: list[Any] = []
    for start in range(0, len(order), one.shape.key_heads):
        groups = [cases.MATRIX[i] for i in order[start : start + one.shape.key_heads]]
        verdicts += judge.matrix(runner, groups, one.shape.tokens, seed + start)
    worst = max(verdicts, key=lambda v: (not v.passed, v.excess))
    return dataclasses.replace(worst, case=f"as it is costed, {one.shape.words}: {worst.case}")


def _at_other_shapes(check: str, rest: list[Any], seed: int) -> Iterator[Any]:
    from kernels.gdn import acceptance, cases, judge, named
    from kernels.gdn.member import Member

    runner = judge.Runner(_by_shape({one.shape: one.interpreted() for one in rest}))
    if check == "correctness":
        yield from judge.matrix(runner, cases.MATRIX, named.MATRIX.tokens, seed)
    elif check == "acceptance":
        yield from acceptance.acceptance(runner, Member(chunk=named.CHUNK), seed)


def _by_shape(functions: dict[Any, Callable[..., Any]]) -> Callable[..., Any]:
    """One function out of the programs of all shapes."""
    from kernels.gdn import named

    def function(*inputs: Any) -> Any:
        return functions[named.of(inputs)](*inputs)

    return function


if __name__ == "__main__":
    process.prepare()
    process.leave(main())
