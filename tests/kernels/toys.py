"""Small functions of the six inputs that call a kernel, for what is tried on many programs."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

from kernels.gdn.words import DeviceWords, PlainWords

ROWS = 128

Body = Callable[..., None]


def sums(v_ref: Any, o_ref: Any, final_ref: Any, kept: Any) -> None:
    """Running sums over a head's rows, carried from step to step."""
    n = pl.program_id(2)

    @pl.when(n == 0)
    def _() -> None:
        kept[...] = jnp.zeros(kept.shape, jnp.float32)

    kept[...] += v_ref[0].astype(jnp.float32)
    o_ref[0] = kept[...].astype(jnp.bfloat16)

    @pl.when(n == pl.num_programs(2) - 1)
    def _() -> None:
        final_ref[0] = kept[...]


def function(
    body: Body = sums, *, semantics: tuple[str, ...] = ("parallel", "parallel", "arbitrary"),
    order: Callable[[Any, Any, Any], tuple[Any, ...]] = lambda b, h, n: (b, n, h),
    before: Callable[[Any], Any] = lambda v: v,
) -> Callable[..., Any]:  # fmt: skip
    """A function of the public inputs around one kernel with that body.

    `order` is the result's block at a step; `before` is what is done to v around the kernel.
    """
    return functools.partial(_call, body, semantics, order, before)


def _call(body: Body, semantics: Any, order: Any, before: Any, *inputs: jax.Array) -> Any:
    _, _, v, _, _, state = inputs
    batch, tokens, heads = v.shape[:3]
    flat = before(v.reshape(batch, tokens, -1))
    spec = pl.BlockSpec((1, ROWS, 128), lambda b, h, n: (b, n, h))
    last = pl.BlockSpec((1, ROWS, 128), lambda b, h, n: (b, h, 0))
    o, final = pl.pallas_call(
        body,
        grid=(batch, heads, max(1, tokens // ROWS)),
        in_specs=[spec],
        out_specs=[pl.BlockSpec((1, ROWS, 128), order), last],
        out_shape=[
            jax.ShapeDtypeStruct(flat.shape, jnp.bfloat16),
            jax.ShapeDtypeStruct((batch, heads * ROWS, 128), jnp.float32),
        ],
        scratch_shapes=[pltpu.VMEM((ROWS, 128), jnp.float32)],
        compiler_params=pltpu.CompilerParams(dimension_semantics=semantics),
        name="any_name",
    )(flat)
    return o.reshape(v.shape), final.reshape(state.shape)


def words(x: jax.Array, *, device: bool) -> jax.Array:
    """Pairs of heads exchanged by 32-bit words, and one row of another width put in their place."""

    def body(x_ref: Any, o_ref: Any) -> None:
        view = DeviceWords if device else PlainWords
        own, other = view(x_ref), view(o_ref)
        for pair in range(4):
            other.store(3 - pair, slice(0, 16), own.load(pair, slice(0, 16)) + 1)

    return pl.pallas_call(
        body, out_shape=jax.ShapeDtypeStruct(x.shape, x.dtype), interpret=not device
    )(x)
