"""The programs that a candidate left, as functions that the judge has rebuilt."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from kernels.common.program import control, document, growth, order, rebuild, rules
from kernels.common.program.document import Program
from kernels.gdn import audit, named
from kernels.gdn.judge import Verdict
from kernels.gdn.named import Named

NAME = "gdn_fwd"
"""Name of every rebuilt kernel, whatever the candidate calls it."""

RULES = (
    rules.ONE_KERNEL, rules.AROUND, control.CONTROL, order.REVISITED, order.OUTSIDE, growth.CHANGES,
)  # fmt: skip
"""What a program may not do beside what the audit forbids it."""


@dataclasses.dataclass(frozen=True)
class Left:
    """A program and the shape that it was asked for."""

    shape: Named
    program: Program

    def lowered(self) -> Callable[..., Any]:
        """The program for a TPU."""
        return rebuild.function(self.program, rebuild.Way(NAME))

    def interpreted(self, *, backwards: bool = False) -> Callable[..., Any]:
        """The same for the interpreter."""
        way = rebuild.Way(NAME, interpret=True, backwards=backwards)
        return rebuild.function(self.program, way)


def left(folder: Path, shape: Named) -> Left:
    """The program for the shape.

    Raises:
        ProgramRefusedError: there is none, or it is no program.
    """
    return Left(shape, document.read(folder / shape.file))


def costed(folder: Path) -> list[Left]:
    """The programs that are costed: of few heads where these give two cores a step each.

    Raises:
        ProgramRefusedError: they are not all there, or no programs.
    """
    few = [left(folder, shape) for shape in named.costed(named.FEW)]
    if all(document.parallel_steps(one.program) >= 2 for one in few):
        return few
    return [left(folder, shape) for shape in named.costed(named.MANY)]


def verdicts(costed: list[Left], rest: list[Left]) -> list[Verdict]:
    """A verdict for each rule, over all of the programs.

    Raises:
        ProgramRefusedError: a program is none that the judge rebuilds.
        Exception: whatever rebuilding it raises.
    """
    found = growth.broken(*(one.program for one in costed))
    for one in (*costed, *rest):
        for rule, detail in broken(one).items():
            found.setdefault(rule, f"{one.shape.words}: {detail}")
    return [
        Verdict(f"no {rule}", rule not in found, float("inf") if rule in found else 0.0,
                found.get(rule, ""))
        for rule in (*audit.RULES, *RULES)
    ]  # fmt: skip


def broken(one: Left) -> dict[str, str]:
    """What the program breaks, by rule."""
    shapes = one.shape.abstract()
    jaxpr = jax.make_jaxpr(one.lowered())(*shapes).jaxpr
    found = {f.rule: f.detail for f in audit.audit_jaxpr(jaxpr)}
    found |= rules.broken(jaxpr)
    return found if rules.ONE_KERNEL in found else found | order.broken(jaxpr)
