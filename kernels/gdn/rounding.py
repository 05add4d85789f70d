"""Parts of fp32 values that bf16 holds exactly, made without leaving fp32.

The compiler for v5p refuses to widen a bf16 value that was computed, and integer arithmetic on the
bits of a computed fp32 value; shifts and masks it takes.
"""

import jax
import jax.numpy as jnp
from jax import lax

HIGH = -65536
"""The upper 16 bits of a word: sign, exponent and mantissa of a bf16."""

_SPLITTER = 2.0**16 + 1.0


def rounded(x: jax.Array) -> jax.Array:
    """The array x rounded to the nearest value that bf16 holds, still fp32.

    Numerics: by Veltkamp's splitting, x c - (x c - x) with c = 2^16 + 1, exact below 2^110; beyond
    it the result is NaN or infinite, never a wrong finite number.
    Source: T. J. Dekker, A floating-point technique for extending the available precision, 1971.
    """
    scaled = x * _SPLITTER
    return scaled - (scaled - x)


def split(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Two fp32 arrays whose sum is x: one that bf16 holds exactly, cut by bits, and the rest."""
    high = lax.bitcast_convert_type(bits(x) & jnp.int32(HIGH), jnp.float32)
    return high, x - high


def bits(x: jax.Array) -> jax.Array:
    """The bits of fp32 x as int32."""
    return lax.bitcast_convert_type(x, jnp.int32)
