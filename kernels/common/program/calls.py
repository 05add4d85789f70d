"""Calls a kernel anew: its blocks, its memory and its body are the program's, the call is ours."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Protocol

import jax
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

from kernels.common.program import params
from kernels.common.program.document import Block, Body, Buffer, Kernel, ProgramRefusedError

MAX_STEPS = 1 << 16
"""Steps of a kernel's grid."""

_SPACES = {"vmem": pltpu.VMEM, "smem": pltpu.SMEM}


@dataclasses.dataclass(frozen=True)
class Axes:
    """The grid of a kernel: its sizes, and which axes are taken backwards."""

    sizes: tuple[int, ...]
    backwards: tuple[bool, ...]

    def position(self, axis: Any) -> Any:
        """The step along the axis, inside the kernel."""
        if not isinstance(axis, int) or not 0 <= axis < len(self.sizes):
            raise ProgramRefusedError(f"program_id of axis {axis}; the grid has {len(self.sizes)}")
        return self.turned(axis, pl.program_id(axis))

    def turned(self, axis: int, step: Any) -> Any:
        """The step counted from the end, where the axis is taken backwards."""
        return self.sizes[axis] - 1 - step if self.backwards[axis] else step


@dataclasses.dataclass(frozen=True)
class Way:
    """How a program is rebuilt.

    Args:
        name: of its kernels in the lowered program.
        interpret: for the interpreter instead of for a TPU.
        backwards: take the steps of parallel grid axes in reverse order, which may change nothing.
    """

    name: str
    interpret: bool = False
    backwards: bool = False


class Evaluation(Protocol):
    """Binds the equations of one program (kernels.common.program.rebuild)."""

    way: Way
    axes: Axes | None

    def body(self, body: Body, inputs: list[Any]) -> list[Any]:
        """What the body makes of the inputs."""
        ...

    def inside(self, axes: Axes) -> "Evaluation":
        """An evaluation inside of a kernel."""
        ...


def kernel(whole: Evaluation, call: Kernel, operands: list[Any]) -> list[Any]:
    """What the kernel makes of the operands."""
    if whole.axes is not None:
        raise ProgramRefusedError("a kernel inside of a kernel")
    _check(call, operands)
    axes = _axes(whole, call)
    specs = [_spec(whole, axes, block) for block in call.blocks]
    made = pl.pallas_call(
        _body(whole, axes, call),
        grid=axes.sizes,
        in_specs=specs[: len(operands)],
        out_specs=specs[len(operands) :],
        out_shape=[_shape(result) for result in call.results],
        scratch_shapes=[_scratch(buffer) for buffer in call.scratch],
        compiler_params=_compiler(call),
        name=whole.way.name,
        interpret=whole.way.interpret,
    )(*operands)
    return list(made)


def _check(call: Kernel, operands: list[Any]) -> None:
    if call.left_out:
        named = ", ".join(call.left_out)[:120]
        raise ProgramRefusedError(f"the judge rebuilds no kernel with {named}")
    if len(call.blocks) != len(operands) + len(call.results):
        raise ProgramRefusedError("a kernel needs one block for every operand and result")
    if any(size < 1 for size in call.grid) or math.prod(call.grid) > MAX_STEPS:
        raise ProgramRefusedError(
            f"dynamic-trip-count: the grid {str(call.grid)[:60]} has not 1 to {MAX_STEPS} steps"
        )
    semantics = call.semantics
    if semantics is not None and (
        len(semantics) != len(call.grid) or not {"parallel", "arbitrary"} >= set(semantics)
    ):
        raise ProgramRefusedError(f"the judge rebuilds no grid with {str(semantics)[:80]}")


def _axes(whole: Evaluation, call: Kernel) -> Axes:
    semantics = call.semantics or ["arbitrary"] * len(call.grid)
    backwards = tuple(whole.way.backwards and s == "parallel" for s in semantics)
    return Axes(tuple(call.grid), backwards)


def _body(whole: Evaluation, axes: Axes, call: Kernel) -> Callable[..., None]:
    def body(*references: Any) -> None:
        whole.inside(axes).body(call.body, list(references))

    return body


def _spec(whole: Evaluation, axes: Axes, block: Block) -> pl.BlockSpec:
    if any(size is not None and size < 1 for size in block.sizes):
        raise ProgramRefusedError("the judge rebuilds no block of computed or unusual sizes")
    if block.space not in {None, "default", "vmem"}:
        raise ProgramRefusedError(f"the judge rebuilds no block in {block.space}")

    def index(*steps: Any) -> tuple[Any, ...]:
        turned = [axes.turned(axis, step) for axis, step in enumerate(steps)]
        return tuple(whole.inside(axes).body(block.index, turned))

    return pl.BlockSpec(tuple(block.sizes), index)


def _shape(buffer: Buffer) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(params.shape(buffer.shape), params.dtype(buffer.dtype))


def _scratch(buffer: Buffer) -> Any:
    if buffer.space not in _SPACES:
        raise ProgramRefusedError(
            f"the judge rebuilds no kernel with memory in {buffer.space[:40]}"
        )
    return _SPACES[buffer.space](params.shape(buffer.shape), params.dtype(buffer.dtype))


def _compiler(call: Kernel) -> pltpu.CompilerParams:
    given: dict[str, Any] = {}
    if call.semantics is not None:
        given["dimension_semantics"] = tuple(call.semantics)
    if call.vmem_limit_bytes is not None:
        given["vmem_limit_bytes"] = call.vmem_limit_bytes
    return pltpu.CompilerParams(**given)
