"""Runs a kernel in interpret mode on acceptance cases and judges it against the reference.

The kernel is an argument, a function of the six inputs: the same checks judge the family and the
broken kernels of the tests.
"""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kernels.gdn import cases, compare, oracle, process, reference, stress
from kernels.gdn.reference import Inputs, Outputs

Kernel = Callable[..., tuple[jax.Array, jax.Array]]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether one case passed.

    Args:
        excess: the worst error over its tolerance; 0 where the case has no such figure.
        detail: what failed, empty where nothing did.
    """

    case: str
    passed: bool
    excess: float = 0.0
    detail: str = ""


class Runner:
    """The kernel, compiled once for each shape that it is run at."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = jax.jit(kernel, compiler_options=process.compiler_options())

    def run(self, inputs: Inputs) -> Outputs:
        """The kernel's outputs, in float64."""
        halves = [jnp.asarray(x, jnp.bfloat16) for x in inputs[:3]]
        o, state = self._kernel(*halves, *(jnp.asarray(x, jnp.float32) for x in inputs[3:]))
        return Outputs(np.asarray(o, np.float64), np.asarray(state, np.float64))


class Expected(NamedTuple):
    """Inputs, what is true for them, and what an ideal bf16-operand kernel makes of them."""

    inputs: Inputs
    true: Outputs
    near: Outputs


def expected(inputs: Inputs) -> Expected:
    """The inputs with their reference and their oracle.

    Cost: 16 heads, T = 401: about 0.4 s.
    """
    return Expected(inputs, reference.scan(inputs), oracle.chunked(inputs))


def matrix(runner: Runner, groups: cases.Groups, tokens: int, seed: int) -> list[Verdict]:
    """A verdict for each stress: one run, the stresses stacked as heads."""
    inputs = stress.stack(groups, tokens, seed)
    with ThreadPoolExecutor(1) as beside:  # compiling the kernel leaves Python to others
        want = beside.submit(expected, inputs)
        got = runner.run(inputs)
    return judge(got, want.result(), cases.names(groups))


def judge(got: Outputs, want: Expected, names: list[str]) -> list[Verdict]:
    """A verdict for each value head of the first batch entry."""
    return [
        _verdict(name, compare.worst(compare.head_errors(got, want.near, want.true, head)))
        for head, name in enumerate(names)
    ]


def _verdict(name: str, error: compare.Error) -> Verdict:
    if error.passed:
        return Verdict(name, passed=True, excess=error.excess)
    detail = f"{error.part}: relative error {error.value:.2g}, tolerated {error.tolerance:.2g}"
    return Verdict(name, passed=False, excess=error.excess, detail=detail)
