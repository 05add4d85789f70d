"""Whether a kernel's grid may run on a device as the interpreter runs it.

The interpreter takes one step after the other and keeps every block it ever wrote. A device keeps a
block of a result only while consecutive steps use it, and gives steps of parallel axes to several
cores.
"""

import math
from typing import Any

import jax
import jax.extend.core
import numpy as np

REVISITED = "result-block-revisited"
OUTSIDE = "block-outside-of-its-array"

Broken = dict[str, str]


def broken(jaxpr: Any) -> Broken:
    """Every broken rule of the program's kernels, with the first thing that breaks it."""
    found: Broken = {}
    for call in (e for e in jaxpr.eqns if e.primitive.name == "pallas_call"):
        mapping = call.params["grid_mapping"]
        parallel = parallel_axes(call)
        for number, block in enumerate(mapping.block_mappings):
            where = visits(block, mapping.grid)
            if _is_outside(block, where):
                found.setdefault(OUTSIDE, f"block {number} of the kernel begins outside of it")
            if number >= mapping.num_inputs and not _is_kept(where, mapping.grid, parallel):
                found.setdefault(
                    REVISITED,
                    f"result {number - mapping.num_inputs}: a block is left and used again, or "
                    "used by steps that are declared parallel",
                )
    return found


def parallel_axes(call: Any) -> list[int]:
    """The axes of a kernel's grid that are declared parallel."""
    semantics = getattr(call.params.get("compiler_params"), "dimension_semantics", None) or ()
    words = [str(getattr(s, "value", s)).lower() for s in semantics]
    return [axis for axis, word in enumerate(words) if word == "parallel"]


def visits(block: Any, grid: tuple[int, ...]) -> np.ndarray:
    """The block's indices at every step of the grid, in the order of the steps."""
    steps = np.indices(grid, np.int32).reshape(len(grid), -1)
    index = jax.vmap(jax.extend.core.jaxpr_as_fun(block.index_map_jaxpr))
    made = index(*steps)
    count = math.prod(grid)
    return np.stack([np.broadcast_to(np.asarray(x), (count,)) for x in made], 1)


def fetched_bytes(jaxpr: Any) -> int:
    """Bytes that the program's kernels move in and out, a block whenever another one is due."""
    total = 0
    for call in (e for e in jaxpr.eqns if e.primitive.name == "pallas_call"):
        mapping = call.params["grid_mapping"]
        for block in mapping.block_mappings:
            where = visits(block, mapping.grid)
            runs = 1 + int((where[1:] != where[:-1]).any(1).sum())
            total += runs * math.prod(_sizes(block)) * block.array_aval.dtype.itemsize
    return total


def _sizes(block: Any) -> list[int]:
    """Elements of the block along each axis of its array."""
    return [getattr(s, "block_size", s if isinstance(s, int) else 1) for s in block.block_shape]


def _is_outside(block: Any, where: np.ndarray) -> bool:
    starts = where.astype(np.int64) * np.array(_sizes(block), np.int64)
    return bool((where < 0).any() or (starts >= np.array(block.array_aval.shape)).any())


def _is_kept(where: np.ndarray, grid: tuple[int, ...], parallel: list[int]) -> bool:
    """Whether each block is used by consecutive steps, which differ in no parallel axis."""
    steps = np.indices(grid).reshape(len(grid), -1)
    cores = np.concatenate([where, steps[parallel].T], 1)
    runs = 1 + int((where[1:] != where[:-1]).any(1).sum())
    blocks = len(np.unique(where, axis=0))
    return runs == blocks == len(np.unique(cores, axis=0))
