"""Abstract inputs of the kernel, for tracing, auditing and costing."""

from typing import Any

import jax
import jax.numpy as jnp

from kernels.gdn.member import HEAD_DIM


def abstract(tokens: int, key_heads: int, value_heads: int, batch: int = 1) -> tuple[Any, ...]:
    """q, k, v, g, beta and the state, as shapes."""

    def array(*shape: int, dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((batch, *shape), dtype)

    keys = array(tokens, key_heads, HEAD_DIM, dtype=jnp.bfloat16)
    values = array(tokens, value_heads, HEAD_DIM, dtype=jnp.bfloat16)
    gates = array(tokens, value_heads)
    return keys, keys, values, gates, gates, array(value_heads, HEAD_DIM, HEAD_DIM)
