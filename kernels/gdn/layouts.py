"""How a grid step reads q, k and v and writes o: the two layouts of Member.layout.

token: arrays viewed as [B, T, H 128]; a block is the step's rows and its heads' columns. XLA copies
every array into that form and the output back, since a tile of [B, T, H, 128] holds eight heads of
one token and a tile of [B, T, H 128] eight tokens of one head.

native: blocks of [B, T, H, 128], eight heads at a time, as they lie in memory. Two heads share a
32-bit word there, are read by one strided load and taken apart by shifts, and written by the
inverse. No copy, no second pass over the memory.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl

from kernels.gdn.member import HEAD_DIM, PACKED_HEADS
from kernels.gdn.rounding import HIGH, bits, rounded
from kernels.gdn.words import WORDS, DeviceWords, PlainWords, Words


class TokenReader:
    """Heads of one [1, rows, heads 128] block, as bf16."""

    def __init__(self, ref: Any) -> None:
        self.ref = ref

    def head(self, index: int, rows: slice) -> jax.Array:
        """The head's rows, [rows, 128]."""
        return self.ref[0, rows, index * HEAD_DIM : (index + 1) * HEAD_DIM]


class NativeReader:
    """Heads of one [1, rows, 8, 128] block, as fp32 that bf16 holds exactly.

    Args:
        part: which of the block's `parts` equal parts is the step's; may be traced. All are read
            and one is selected: a strided load needs a start that is known to the compiler.
    """

    def __init__(self, words: Words, part: Any = 0, parts: int = 1) -> None:
        self.words = words
        self.part, self.parts = part, parts
        self.pairs: dict[tuple[int, int], jax.Array] = {}

    def head(self, index: int, rows: slice) -> jax.Array:
        """The head's rows, [rows, 128]."""
        where = (index // 2, rows.start)
        if where not in self.pairs:
            self.pairs[where] = self._select(index // 2, rows)
        word = self.pairs[where]
        own = word & jnp.int32(HIGH) if index % 2 else word << 16
        return lax.bitcast_convert_type(own, jnp.float32)

    def _select(self, pair: int, rows: slice) -> jax.Array:
        words = self.words.load(pair, rows)
        for part in range(1, self.parts):
            other = self.words.load(pair + part * WORDS // self.parts, rows)
            words = jnp.where(self.part == part, other, words)
        return words


class TokenWriter:
    """Takes heads of one [1, rows, heads 128] block."""

    def __init__(self, ref: Any) -> None:
        self.ref = ref

    def write(self, index: int, rows: slice, o: jax.Array) -> None:
        """Puts the head's rows, rounded to the block's type."""
        columns = slice(index * HEAD_DIM, (index + 1) * HEAD_DIM)
        self.ref[0, rows, columns] = o.astype(self.ref.dtype)


class NativeWriter:
    """Takes heads of one [1, rows, 8, 128] block, and writes a pair when it is complete."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.halves: dict[tuple[int, int], jax.Array] = {}

    def write(self, index: int, rows: slice, o: jax.Array) -> None:
        """Puts the head's rows, rounded to bf16, when its neighbour's are there too."""
        half = bits(rounded(o))
        other = self.halves.pop((index ^ 1, rows.start), None)
        if other is None:
            self.halves[index, rows.start] = half
            return
        even, odd = (other, half) if index % 2 else (half, other)
        word = lax.shift_right_logical(even, 16) | odd
        self.words.store(index // 2, rows, word)


@dataclasses.dataclass(frozen=True)
class Plan:
    """Head counts and row counts of a call, and the blocks that follow from them.

    Args:
        rows: tokens of a grid step.
        heads: value heads of a grid step.
        keys: key heads of a grid step.
        sharing: consecutive steps that use the same key heads.
    """

    layout: str
    rows: int
    heads: int
    keys: int
    sharing: int
    interpret: bool = False

    def value_spec(self) -> pl.BlockSpec:
        """A step's values, or its outputs."""
        if self.layout == "token":
            shape = (1, self.rows, self.heads * HEAD_DIM)
            return pl.BlockSpec(shape, lambda b, h, n: (b, n, h))
        shape = (1, self.rows, PACKED_HEADS, HEAD_DIM)
        return pl.BlockSpec(shape, lambda b, h, n: (b, n, h, 0))

    def key_spec(self) -> pl.BlockSpec:
        """A step's queries or keys; native takes the whole tile that holds them."""
        if self.layout == "token":
            shape = (1, self.rows, self.keys * HEAD_DIM)
            return pl.BlockSpec(shape, lambda b, h, n: (b, n, h // self.sharing))
        tile = PACKED_HEADS // self.keys
        shape = (1, self.rows, PACKED_HEADS, HEAD_DIM)
        return pl.BlockSpec(shape, lambda b, h, n: (b, n, h // tile, 0))

    def key_reader(self, ref: Any, group: Any) -> TokenReader | NativeReader:
        """Reads the key heads of head group `group`."""
        if self.layout == "token":
            return TokenReader(ref)
        parts = PACKED_HEADS // self.keys
        return NativeReader(self._words(ref), lax.rem(group, parts), parts)

    def value_reader(self, ref: Any) -> TokenReader | NativeReader:
        """Reads the values of the step's heads."""
        return TokenReader(ref) if self.layout == "token" else NativeReader(self._words(ref))

    def writer(self, ref: Any) -> TokenWriter | NativeWriter:
        """Writes the outputs of the step's heads."""
        return TokenWriter(ref) if self.layout == "token" else NativeWriter(self._words(ref))

    def view(self, x: jax.Array) -> jax.Array:
        """The array x [B, T, H, 128] as the kernel takes it."""
        return x.reshape(*x.shape[:2], -1) if self.layout == "token" else x

    def _words(self, ref: Any) -> Words:
        return PlainWords(ref) if self.interpret else DeviceWords(ref)
