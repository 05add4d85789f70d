"""What a rebuilt program may not do if its static estimate is to stand for its time.

The estimate is of one kernel, plus the bytes and the arithmetic of what lies around it. Each rule
closes a way to do work that neither has in it.
"""

import math
from typing import Any

from kernels.common.program import control

ONE_KERNEL = "other-than-one-kernel"
AROUND = "work-moved-around-the-kernel"

LAYOUT = frozenset({
    "reshape", "transpose", "broadcast_in_dim", "pad", "slice", "concatenate", "squeeze", "rev",
    "copy", "split", "iota", "bitcast_convert_type", "dynamic_slice", "dynamic_update_slice",
    "with_memory_space_constraint", "stop_gradient",
})  # fmt: skip
"""What only moves: charged by the bytes that the compiled program moves."""

SIMPLE = frozenset({
    "add", "sub", "mul", "neg", "abs", "max", "min", "sign", "floor", "ceil", "round", "square",
    "select_n", "clamp", "and", "or", "not", "xor", "eq", "ne", "lt", "le", "gt", "ge",
    "shift_left", "shift_right_logical", "shift_right_arithmetic", "convert_element_type",
    "is_finite", "reduce_precision",
})  # fmt: skip

DEAR = frozenset({
    "exp", "exp2", "expm1", "log", "log1p", "tanh", "logistic", "sqrt", "rsqrt", "div", "rem",
    "pow", "integer_pow", "sin", "cos", "erf", "cbrt",
})  # fmt: skip

DEAR_OPERATIONS = 8
"""Vector operations that one element of a dear one counts for."""

CUMULATIVE = frozenset({"cumsum", "cummax", "cummin", "cumprod"})

REDUCTIONS = frozenset({
    "reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or",
})  # fmt: skip

Broken = dict[str, str]
"""What breaks a rule, by the rule's name."""


def broken(jaxpr: Any) -> Broken:
    """Every broken rule of the program, with the first thing that breaks it."""
    kernels = [e for e in jaxpr.eqns if e.primitive.name == "pallas_call"]
    found: Broken = {}
    if len(kernels) != 1:
        found[ONE_KERNEL] = f"the program calls {len(kernels)} kernels; one is costed"
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name != "pallas_call" and _operations(equation) is None:
            words = f"{name} outside of the kernel, where only layout and sums are charged for"
            found.setdefault(AROUND, words)
    for call in kernels:
        if words := control.broken(call):
            found[control.CONTROL] = words
    return found


def around_operations(jaxpr: Any) -> int:
    """Vector operations, of one element each, that the program does around its kernel."""
    return sum(_operations(e) or 0 for e in jaxpr.eqns if e.primitive.name != "pallas_call")


def _operations(equation: Any) -> int | None:
    """Of one equation; nothing where it may not be around a kernel at all."""
    name = equation.primitive.name
    if name in LAYOUT:
        return 0
    if name in SIMPLE:
        return _elements(equation.outvars)
    if name in DEAR:
        return DEAR_OPERATIONS * _elements(equation.outvars)
    if name in CUMULATIVE:
        length = equation.invars[0].aval.shape[equation.params["axis"]]
        return _elements(equation.outvars) * max(1, math.ceil(math.log2(max(length, 2))))
    return _elements(equation.invars) if name in REDUCTIONS else None


def _elements(variables: Any) -> int:
    return sum(math.prod(v.aval.shape) for v in variables)
