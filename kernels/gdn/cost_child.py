"""The process that compiles one program of a member and reads its profile.

It takes a job on stdin and answers on stdout, in JSON.

It is a process of its own because the compiler reads its flags once, and because it aborts on
programs that its profiler cannot follow.
"""

import dataclasses
import functools
import json
import sys
from pathlib import Path
from typing import Any

from kernels.common import static_profile
from kernels.common.chips import CHIPS
from kernels.gdn import process
from kernels.gdn.cost import KEY_HEADS, VALUE_HEADS, sample_heads
from kernels.gdn.member import parse

OPERATION = "gdn_fwd.1"
"""The kernel's operation in the compiled program: its name, numbered."""


def main() -> int:
    """Reads the job, writes one line of JSON."""
    job = json.load(sys.stdin)
    process.limit()
    with static_profile.scratch_folder() as name:
        folder = Path(name)
        static_profile.set_environment(folder, OPERATION)
        answer = _answer(job, folder)
    print(json.dumps(answer), flush=True)
    return 0


def _answer(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    from kernels.gdn import audit

    try:
        function, sample, around = (_left if "folder" in job else _member)(job)
        loops = [f for f in audit.audit(function, sample) if f.rule == audit.LOOP]
        if loops:
            return _failed("refused", f"{loops[0].rule}: {loops[0].detail}")
        compiler = static_profile.Compiler(CHIPS[job["target"]], OPERATION, folder)
        profile = compiler.profile(function, sample)
    except Exception as error:  # noqa: BLE001  the compiler raises whatever its layers raise
        return _failed("compile", _first_line(error))
    return {"profile": dataclasses.asdict(profile) | around}


def _member(job: dict[str, Any]) -> tuple[Any, Any, dict[str, int]]:
    """The shipped kernel of a member, and the shapes that it is compiled at."""
    from kernels.gdn import shapes, tpu

    member = parse(job["parameters"])
    heads = sample_heads(member)
    key_heads = heads * KEY_HEADS // VALUE_HEADS
    sample = shapes.abstract(job["tokens"], key_heads, heads)
    return functools.partial(tpu.forward, member), sample, {}


def _left(job: dict[str, Any]) -> tuple[Any, Any, dict[str, int]]:
    """The program that a candidate left for these tokens and heads; no code of its is imported."""
    import jax

    from kernels.common.program import order, rules
    from kernels.gdn import named, programs

    heads = job["value_heads"]
    key_heads = heads * KEY_HEADS // VALUE_HEADS
    one = programs.left(Path(job["folder"]), named.Named(1, job["tokens"], key_heads, heads))
    sample = one.shape.abstract()
    jaxpr = jax.make_jaxpr(one.lowered())(*sample).jaxpr
    around = {
        "around_operations": rules.around_operations(jaxpr),
        "fetched_bytes": order.fetched_bytes(jaxpr),
    }
    return one.lowered(), sample, around


def _failed(kind: str, detail: str) -> dict[str, Any]:
    return {"failure": {"kind": kind, "detail": detail}}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:240]


if __name__ == "__main__":
    process.leave(main())
