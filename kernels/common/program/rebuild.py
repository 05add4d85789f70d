"""Makes a function out of a program that is plain data, by binding its primitives again.

Nothing of the program is executed as code: equations are looked up in tables, and what is in none
is refused in words. Whether a kernel is rebuilt for the interpreter or for a TPU is the caller's to
say; the program has no part that could tell.
"""

import math
from collections.abc import Callable
from typing import Any

from jax import lax
from jax.experimental.pallas import tpu as pltpu

from kernels.common.program import calls, params, primitives, views
from kernels.common.program.calls import Axes, Way
from kernels.common.program.document import (
    MAX_DEPTH,
    MAX_EQUATIONS,
    MAX_WORK,
    Atom,
    Body,
    Branch,
    Call,
    Equation,
    Kernel,
    Load,
    Loop,
    Plain,
    Program,
    ProgramRefusedError,
    Store,
)


def function(program: Program, way: Way) -> Callable[..., tuple[Any, ...]]:
    """The program as a function of its inputs, to be traced.

    The function raises ProgramRefusedError for what the judge does not rebuild, and whatever jax
    raises for what is no program at all.
    """

    def rebuilt(*inputs: Any) -> tuple[Any, ...]:
        _check_inputs(program, inputs)
        return tuple(Evaluation(way).body(program.body, list(inputs)))

    return rebuilt


def _check_inputs(program: Program, inputs: tuple[Any, ...]) -> None:
    given = [(str(x.dtype), list(x.shape)) for x in inputs]
    if given != [(kind, list(shape)) for kind, shape in program.inputs]:
        raise ProgramRefusedError("the program's inputs are not those that the judge asked for")


class Evaluation:
    """Binds the equations of one program, counting them.

    Args:
        axes: of the kernel's grid, while inside a kernel.
    """

    def __init__(self, way: Way, axes: Axes | None = None) -> None:
        self.way, self.axes = way, axes
        self.left, self.depth = MAX_EQUATIONS, 0
        self.rounds, self.work = 1, 0

    def body(self, body: Body, inputs: list[Any]) -> list[Any]:
        """What the body makes of the inputs."""
        if len(inputs) != body.inputs:
            raise ProgramRefusedError(f"a body of {body.inputs} inputs is given {len(inputs)}")
        if self.depth >= MAX_DEPTH:
            raise ProgramRefusedError(f"bodies nested more than {MAX_DEPTH} deep")
        self.depth += 1
        outputs = _Scope(self, body, inputs).run()
        self.depth -= 1
        return outputs

    def inside(self, axes: Axes) -> "Evaluation":
        """An evaluation inside of a kernel; it has what is left of the limits."""
        inner = Evaluation(self.way, axes)
        inner.left, inner.depth = self.left, self.depth
        inner.rounds = math.prod(axes.sizes)
        return inner

    def repeated(self, body: Body, rounds: int, inputs: list[Any]) -> list[Any]:
        """What the body makes, which counts as often as it is run."""
        before, self.rounds = self.rounds, self.rounds * rounds
        outputs = self.body(body, inputs)
        self.rounds = before
        return outputs

    def made(self, values: list[Any]) -> list[Any]:
        """The values, whose elements count against what the program may make in all."""
        for value in values:
            sizes = params.shape(list(getattr(value, "shape", ())))
            self.work += self.rounds * math.prod(sizes)
        if self.work > MAX_WORK:
            raise ProgramRefusedError(f"more than {MAX_WORK:.0e} elements are made in all")
        return values

    def count(self, equations: int) -> None:
        """Takes the equations off what is left of the limit."""
        self.left -= equations
        if self.left < 0:
            raise ProgramRefusedError(f"more than {MAX_EQUATIONS} equations")


class _Scope:
    """The values of one body."""

    def __init__(self, whole: Evaluation, program: Body, inputs: list[Any]) -> None:
        self.whole, self.program = whole, program
        self.values = [*inputs, *map(params.decode_array, program.constants)]
        self.flags: dict[int, Any] = {}

    def run(self) -> list[Any]:
        self.whole.count(len(self.program.equations))
        for equation in self.program.equations:
            self.values += self.whole.made(self.equation(equation))
        return [self.atom(atom) for atom in self.program.outputs]

    def atom(self, atom: Atom) -> Any:
        if not isinstance(atom, int):
            return params.decode_array(atom)
        if not 0 <= atom < len(self.values) or self.values[atom] is None:
            raise ProgramRefusedError(f"value {atom} is used before it is made")
        return self.values[atom]

    def atoms(self, atoms: list[Atom]) -> list[Any]:
        return [self.atom(a) for a in atoms]

    def place(self, atom: Atom) -> Any:
        """An integer where the atom is a literal one, else the traced value."""
        return self.atom(atom) if isinstance(atom, int) else int(params.decode_array(atom))

    def equation(self, equation: Equation) -> list[Any]:
        match equation:
            case Plain():
                return self.plain(equation)
            case Call(body, operands):
                return self.whole.body(body, self.atoms(operands))
            case Branch():
                return self.branch(equation)
            case Loop():
                return self.loop(equation)
            case Load(reference, view):
                steps = views.steps(view, self.place)
                interpret = self.whole.way.interpret
                return [views.load(self.reference(reference), steps, interpret=interpret)]
            case Store():
                self.store(equation)
                return [None]
            case Kernel():
                return calls.kernel(self.whole, equation, self.atoms(equation.operands))

    def reference(self, number: int) -> Any:
        if self.whole.axes is None:
            raise ProgramRefusedError("a reference outside of a kernel")
        return self.atom(number)

    def store(self, equation: Store) -> None:
        steps = views.steps(equation.view, self.place)
        reference, value = self.reference(equation.reference), self.atom(equation.value)
        views.store(reference, steps, value, interpret=self.whole.way.interpret)

    def plain(self, equation: Plain) -> list[Any]:
        name, operands = equation.name, self.atoms(equation.operands)
        if not primitives.is_bound(name):
            raise ProgramRefusedError(primitives.refusal(name))
        given = {k: params.decode(v, f"{name} {k}") for k, v in equation.parameters.items()}
        made = self.bound(name, operands, given)
        if len(made) != equation.results:
            raise ProgramRefusedError(f"{name} makes {len(made)} values, not {equation.results}")
        if name == "convert_element_type" and operands and str(operands[0].dtype) == "bool":
            self.flags[id(made[0])] = operands[0]
        return made

    def bound(self, name: str, operands: list[Any], given: dict[str, Any]) -> list[Any]:
        axes = self.whole.axes
        if name == "program_id" and axes is not None:
            return [axes.position(given.get("axis"))]
        if name == "with_memory_space_constraint" and axes is None:
            return [_in_main_memory(operands[0], given.get("memory_space"), self.whole.way)]
        if name in primitives.IN_KERNELS and axes is not None:
            return [primitives.IN_KERNELS[name](*operands, **given)]
        primitive = primitives.plain(name)
        if primitive is None:
            raise ProgramRefusedError(primitives.refusal(name))
        for sizes in (v for k, v in given.items() if k in {"shape", "new_sizes"} and v):
            params.shape(list(sizes))
        made = primitive.bind(*operands, **given)
        return list(made) if primitive.multiple_results else [made]

    def branch(self, equation: Branch) -> list[Any]:
        """Two bodies are chosen by the flag that the index was made of, where it was."""
        index, operands = self.atom(equation.index), self.atoms(equation.operands)
        ways = [self._closure(body, operands) for body in equation.bodies]
        flag = self.flags.get(id(index))
        if len(ways) == 2 and flag is not None:
            return list(lax.cond(flag, ways[1], ways[0]))
        return list(lax.switch(index, ways))

    def _closure(self, body: Body, operands: list[Any]) -> Callable[[], tuple[Any, ...]]:
        return lambda: tuple(self.whole.body(body, operands))

    def loop(self, loop: Loop) -> list[Any]:
        operands = self.atoms(loop.operands)
        fixed, rest = operands[: loop.constants], operands[loop.constants :]
        carries, rows = tuple(rest[: loop.carries]), tuple(rest[loop.carries :])

        def step(carry: Any, row: Any) -> Any:
            made = self.whole.repeated(loop.body, loop.length, [*fixed, *carry, *row])
            return tuple(made[: loop.carries]), tuple(made[loop.carries :])

        last, stacked = lax.scan(
            step, carries, rows, loop.length, reverse=loop.reverse, unroll=loop.unroll
        )
        return [*last, *stacked]


def _in_main_memory(x: Any, space: Any, way: Way) -> Any:
    if space != "hbm":
        raise ProgramRefusedError(f"an operand pinned to {str(space)[:40]}; only hbm may be")
    return x if way.interpret else pltpu.with_memory_space_constraint(x, pltpu.HBM)
