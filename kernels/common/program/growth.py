"""Whether two programs, for one length and for twice that, are one kernel of more steps.

An estimate is extrapolated from both. A kernel that does more at the shorter length than it must
would make the line flatter, and the estimate for a longer one too low.
"""

from typing import Any

import msgspec
import numpy as np

from kernels.common.program import params
from kernels.common.program.document import Array, Kernel, Program, ProgramRefusedError, kernels

CHANGES = "other-kernel-at-another-length"

_SCALARS = ("int32", [])


def broken(short: Program, long: Program) -> dict[str, str]:
    """The broken rule, if the kernels differ in more than the steps of their grids."""
    pairs = list(zip(kernels(short.body), kernels(long.body), strict=False))
    for one, other in pairs:
        where = _differ(_plain(one), _plain(other), "kernel") or _grids(one.grid, other.grid)
        if where:
            return {CHANGES: f"{where} is another one at twice the length; only the grid may grow"}
    return {}


def _plain(kernel: Kernel) -> Any:
    parts = (kernel.body, kernel.blocks, kernel.scratch, kernel.semantics, kernel.vmem_limit_bytes)
    return msgspec.to_builtins(parts)


def _grids(short: list[int], long: list[int]) -> str:
    grown = [b in (a, 2 * a) for a, b in zip(short, long, strict=False)]
    return "" if len(short) == len(long) and all(grown) else "the grid"


def _differ(one: Any, other: Any, where: str) -> str:
    """Where the two differ in more than a number of steps, or nothing."""
    if one == other:
        return ""
    if _is_scalar(one) and _is_scalar(other):
        a, b = _value(one), _value(other)
        return "" if b in (a, 2 * a, 2 * a + 1) else where
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next(filter(None, (_differ(one[k], other[k], k) for k in one)), "")
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return next(filter(None, (_differ(a, b, where) for a, b in pairs)), "")
    return where


def _is_scalar(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and (value[0], value[1]) == _SCALARS


def _value(scalar: list[Any]) -> int:
    try:
        array = msgspec.convert(scalar, Array)
        return int(np.asarray(params.decode_array(array)))
    except (msgspec.ValidationError, ProgramRefusedError):
        return 0
