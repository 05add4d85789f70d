"""What a rebuilt program may not do if its static estimate is to stand for its time.

The estimate is of one kernel, plus the bytes and the arithmetic of what lies around it. Each rule
closes a way to do work that neither has in it.
"""

import math
from typing import Any

ONE_KERNEL = "other-than-one-kernel"
AROUND = "work-moved-around-the-kernel"
BRANCH = "branch-on-data"

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
    if any(_branches_on_data(call.params["jaxpr"]) for call in kernels):
        words = (
            "a kernel chooses by what it read: which way, and so the cost, is not in the program"
        )
        found[BRANCH] = words
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


def _branches_on_data(jaxpr: Any) -> list[Any]:
    """Conditionals of a kernel whose index depends on anything but the grid and loop counters."""
    return _Known(jaxpr, [False] * len(jaxpr.invars)).run()


class _Known:
    """Which values of a body follow from the grid alone, and the conditionals that do not."""

    def __init__(self, jaxpr: Any, inputs: list[bool]) -> None:
        self.jaxpr = jaxpr
        given = zip(jaxpr.invars, inputs, strict=False)
        self.known = {id(v): known for v, known in given}
        self.known |= {id(v): True for v in jaxpr.constvars}

    def run(self) -> list[Any]:
        found: list[Any] = []
        for equation in self.jaxpr.eqns:
            found += self._equation(equation)
        return found

    def of(self, variable: Any) -> bool:
        return hasattr(variable, "val") or self.known.get(id(variable), False)

    def outputs(self) -> list[bool]:
        return [self.of(v) for v in self.jaxpr.outvars]

    def _equation(self, equation: Any) -> list[Any]:
        name = equation.primitive.name
        known = [self.of(v) for v in equation.invars]
        if name == "cond":
            inner = [_Known(b.jaxpr, known[1:]) for b in equation.params["branches"]]
            found = [] if known[0] else [equation]
            found += [e for body in inner for e in body.run()]
            made = zip(*(b.outputs() for b in inner), strict=True)
            self._set(equation, [known[0] and all(k) for k in made])
            return found
        if name == "scan":
            return self._loop(equation, known)
        inner = _inner(equation)
        if inner is not None:
            body = _Known(inner, known)
            found = body.run()
            self._set(equation, body.outputs())
            return found
        self._set(equation, [name != "get" and all(known)] * len(equation.outvars))
        return []

    def _loop(self, equation: Any, known: list[bool]) -> list[Any]:
        """The body, with those carries known that stay so from round to round."""
        given = equation.params
        first, last = given["num_consts"], given["num_consts"] + given["num_carry"]
        carries = known[first:last]
        while True:
            body = _Known(given["jaxpr"].jaxpr, known[:first] + carries + known[last:])
            found = body.run()
            made = body.outputs()
            kept = [a and b for a, b in zip(carries, made, strict=False)]
            if kept == carries:
                self._set(equation, made)
                return found
            carries = kept

    def _set(self, equation: Any, known: list[bool]) -> None:
        self.known |= {id(v): k for v, k in zip(equation.outvars, known, strict=False)}


def _inner(equation: Any) -> Any:
    for value in equation.params.values():
        if hasattr(value, "jaxpr") and hasattr(value.jaxpr, "eqns"):
            return value.jaxpr
    return None
