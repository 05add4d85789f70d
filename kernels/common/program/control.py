"""Control flow of a kernel that the compiler's static profile does not follow.

The profile steps through the grid of the first core, evaluates what it can of the conditions there,
takes what it cannot for 0, and charges loops less than their rounds. So a condition may come only
from the steps of axes that no other core shares, by arithmetic that was seen to be evaluated, and a
loop must be written out.
"""

from typing import Any

from kernels.common.program import loops
from kernels.common.program.order import parallel_axes

CONTROL = "control-flow-that-is-not-costed"

_FOLLOWED = frozenset({
    "add", "sub", "mul", "min", "max", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not",
    "xor", "convert_element_type",
})  # fmt: skip
"""What the profile evaluates; it does not divide, and takes a quotient or a remainder for 0."""


def broken(call: Any) -> str:
    """What the kernel does that the profile does not follow, or nothing."""
    kernel = call.params["jaxpr"]
    body = _Body(kernel, [False] * len(kernel.invars), frozenset(parallel_axes(call)))
    return next(iter(body.run()), "")


class _Body:
    """Which values of a body the profile knows, and what in it the profile does not follow.

    Args:
        jaxpr: the body.
        inputs: which of its inputs are known.
        shared: axes of the grid whose steps are given to several cores.
    """

    def __init__(self, jaxpr: Any, inputs: list[bool], shared: frozenset[int]) -> None:
        self.jaxpr, self.shared = jaxpr, shared
        self.known = {id(v): known for v, known in zip(jaxpr.invars, inputs, strict=False)}
        self.known |= {id(v): True for v in jaxpr.constvars}

    def run(self) -> list[str]:
        """What is not followed, in the order of the program."""
        return [what for equation in self.jaxpr.eqns for what in self._equation(equation)]

    def outputs(self) -> list[bool]:
        """Which of the body's outputs are known."""
        return [self._is_known(v) for v in self.jaxpr.outvars]

    def _is_known(self, variable: Any) -> bool:
        return hasattr(variable, "val") or self.known.get(id(variable), False)

    def _equation(self, equation: Any) -> list[str]:
        known = [self._is_known(v) for v in equation.invars]
        match equation.primitive.name:
            case "cond":
                return self._branch(equation, known)
            case "scan":
                return self._loop(equation, known)
            case "program_id":
                self._set(equation, [equation.params["axis"] not in self.shared])
            case name if (inner := _inner(equation)) is not None:
                del name
                body = _Body(inner, known, self.shared)
                found = body.run()
                self._set(equation, body.outputs())
                return found
            case name:
                followed = name in _FOLLOWED and all(known) and _are_whole(equation.outvars)
                self._set(equation, [followed] * len(equation.outvars))
        return []

    def _branch(self, equation: Any, known: list[bool]) -> list[str]:
        bodies = [
            _Body(branch.jaxpr, known[1:], self.shared) for branch in equation.params["branches"]
        ]
        found = [what for body in bodies for what in body.run()]
        if not known[0]:
            found.insert(0, "a branch by what was read, by a step of a parallel axis, or by "
                            "arithmetic that the profile does not evaluate")  # fmt: skip
        if len(bodies) != 2:
            found.insert(0, f"a choice among {len(bodies)} ways; two are followed")
        self._set(equation, [False] * len(equation.outvars))
        return found

    def _loop(self, equation: Any, known: list[bool]) -> list[str]:
        """The loop, with those carries known that stay so from round to round."""
        given = equation.params
        shares = loops.shares(equation)
        first, last = shares.constants, shares.constants + shares.carries
        carries = known[first:last]
        while True:
            inputs = known[:first] + carries + [False] * len(known[last:])
            body = _Body(loops.body(equation), inputs, self.shared)
            found = body.run()
            kept = [a and b for a, b in zip(carries, body.outputs(), strict=False)]
            if kept == carries:
                break
            carries = kept
        self._set(equation, carries + [False] * (len(equation.outvars) - len(carries)))
        if given["unroll"] is not True and given["unroll"] < given["length"]:
            found.insert(0, "a loop, which the profile charges less than its rounds; write it out "
                            "with unroll=True")  # fmt: skip
        return found

    def _set(self, equation: Any, known: list[bool]) -> None:
        self.known |= {id(v): k for v, k in zip(equation.outvars, known, strict=False)}


def _are_whole(variables: Any) -> bool:
    """Whether the values are integers or flags."""
    return all(v.aval.dtype.kind in "iub" for v in variables)


def _inner(equation: Any) -> Any:
    for value in equation.params.values():
        if hasattr(value, "jaxpr") and hasattr(value.jaxpr, "eqns"):
            return value.jaxpr
    return None
