"""32-bit words of a [1, rows, 8, 128] bf16 block: one holds the same lane of two neighbour heads.

The even head is in the lower half of the word. On the device a block is such words in memory, so a
pair of heads is one strided access. The interpreter has no such view: there the same words are put
together from, and taken apart into, the two heads. Everything above these two classes is the same.
"""

from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl

from kernels.gdn.member import HEAD_DIM, PACKED_HEADS

WORDS = PACKED_HEADS // 2
"""Words of one lane of one token."""


class Words(Protocol):
    """The words of one pair of heads: int32 [rows, 128]."""

    def load(self, pair: int, rows: slice) -> jax.Array:
        """The pair's words."""
        ...

    def store(self, pair: int, rows: slice, words: jax.Array) -> None:
        """Puts the pair's words."""
        ...


class DeviceWords:
    """Words as they lie in the device's memory."""

    def __init__(self, ref: Any) -> None:
        self.ref = ref.bitcast(jnp.int32).at[0].reshape(ref.shape[1] * WORDS, HEAD_DIM)

    def load(self, pair: int, rows: slice) -> jax.Array:
        """The pair's words, by one strided load."""
        return self.ref[self._where(pair, rows), :]

    def store(self, pair: int, rows: slice, words: jax.Array) -> None:
        """Puts the pair's words, by one strided store."""
        self.ref[self._where(pair, rows), :] = words

    def _where(self, pair: int, rows: slice) -> Any:
        return pl.ds(rows.start * WORDS + pair, rows.stop - rows.start, stride=WORDS)


class PlainWords:
    """Words made of, and parted into, the two heads: for the interpreter."""

    def __init__(self, ref: Any) -> None:
        self.ref = ref

    def load(self, pair: int, rows: slice) -> jax.Array:
        """The pair's words, put together."""
        even, odd = (self._bits(2 * pair + i, rows) for i in range(2))
        return even | odd << 16

    def _bits(self, head: int, rows: slice) -> jax.Array:
        bits = lax.bitcast_convert_type(self.ref[0, rows, head, :], jnp.uint16)
        return bits.astype(jnp.int32)

    def store(self, pair: int, rows: slice, words: jax.Array) -> None:
        """Puts the pair's words, parted."""
        for i, half in enumerate((words, lax.shift_right_logical(words, 16))):
            bits = (half & 0xFFFF).astype(jnp.uint16)
            self.ref[0, rows, 2 * pair + i, :] = lax.bitcast_convert_type(bits, jnp.bfloat16)
