"""What one grid step computes for one value head and one chunk, phase by phase.

G is the cumulative log decay in the chunk, gamma = e^G, Gamma_ij = e^(G_i - G_j) for i >= j,
kappa_i = e^(G_C - G_i), A = tril_strict(K K^T . Gamma) diag(beta), X = (I+A)^-1. beta scales
columns throughout, which is a cheap row broadcast: D' = X (V - gamma K S), and beta moves on into
P = tril(Q K^T . Gamma) diag(beta) and into kappa K^T.

A head's chunk is a generator: it yields where the schedule may switch to another head, so that the
compiler sees independent products side by side instead of one long chain.
"""

import dataclasses
from collections.abc import Callable, Generator, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.gdn import inverses
from kernels.gdn.member import HEAD_DIM, Member

MASKED = -1e30
"""Exponent of a masked entry: its exponential is 0, and no difference of infinities arises."""

NN = (((1,), (0,)), ((), ()))
NT = (((1,), (1,)), ((), ()))
TN = (((0,), (0,)), ((), ()))

Array = jax.Array
Stages = Generator[None, None, None]


def dot(a: Array, b: Array, dims: Any = NN) -> Array:
    """The product with bf16 operands and fp32 accumulation."""
    return lax.dot_general(
        a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), dims, preferred_element_type=jnp.float32
    )


@dataclasses.dataclass(frozen=True)
class Phases:
    """The parts of the body that a test may replace by broken ones. No command can.

    Args:
        dot: the matrix product of everything but the inverse.
        invert: X from A, as stages.
        enter: the state as a chunk sees it.
        leave: the state as a chunk hands it on.
        key_of: the key head, within the step, of a value head (head, heads, keys).
        state_dtype: of the scratch that carries the state.
    """

    dot: Callable[..., Array] = dot
    invert: Callable[[Array, Member], inverses.Stages] = inverses.invert
    enter: Callable[[Array], Array] = lambda s: s
    leave: Callable[[Array], Array] = lambda s: s
    key_of: Callable[[int, int, int], int] = lambda head, heads, keys: head * keys // heads
    state_dtype: Any = jnp.float32


PHASES = Phases()


@dataclasses.dataclass(frozen=True)
class Step:
    """What every head of a grid step shares: the member and the parts."""

    member: Member
    phases: Phases = PHASES

    def stacked(self, left: tuple[Array, Array], right: Array, dims: Any = NN) -> list[Array]:
        """Both products with the right operand they share, as one product where fused."""
        if self.member.products == "split":
            return [self.phases.dot(x, right, dims) for x in left]
        rows = left[0].shape[0]
        both = self.phases.dot(jnp.concatenate(left, 0), right, dims)
        return [both[:rows], both[rows:]]


@dataclasses.dataclass(frozen=True)
class Keys:
    """A key head's chunk and what its value heads share: q, k [C, K], K^T, K K^T and Q K^T.

    q and k are as they were read, in bf16 or in fp32 that bf16 holds: the compiler for v5p refuses
    to widen a bf16 value that was computed.
    """

    q: Array
    k: Array
    kt: Array | None
    kk: Array
    qk: Array


@dataclasses.dataclass(frozen=True)
class Gates:
    """A value head's gates in a chunk: G and beta, as rows [1, C] and as columns [C, 1]."""

    g_row: Array
    g_col: Array
    beta_row: Array
    beta_col: Array


@dataclasses.dataclass
class Carry:
    """The state of one value head inside a grid step, and how many chunks it has absorbed."""

    state: Array
    chunks: int = 0


def key_products(step: Step, q: Array, k: Array) -> Keys:
    """The products of a key head's chunk, made once for all of its value heads."""
    kt = jnp.transpose(k, (1, 0)) if step.member.transpose == "explicit" else None
    right, dims = (k, NT) if kt is None else (kt, NN)
    kk, qk = step.stacked((k, q), right, dims)
    return Keys(q, k, kt, kk, qk)


@dataclasses.dataclass
class Chunk:
    """One value head's chunk: the inputs of its phases.

    Args:
        index: of the chunk in the grid step; the carry must have absorbed that many.
        v: the values, [C, V].
        emit: takes the outputs, fp32 [C, V].
    """

    index: int
    keys: Keys
    v: Array
    gates: Gates
    carry: Carry
    emit: Callable[[Array], None]


def stages(step: Step, chunk: Chunk) -> Stages:
    """All phases of the chunk, in order."""
    # Within the chunk: the decay between rows, A and P.
    a, p = _within(chunk)
    gamma = jnp.exp(jnp.broadcast_to(chunk.gates.g_col, chunk.v.shape))
    k_out = _keys_out(chunk)
    yield
    # The inverse, for which the state is not needed.
    x = (yield from step.phases.invert(a, step.member)).astype(jnp.bfloat16)
    apply = _before_state(step, chunk, x, gamma)
    yield
    # The state, as the chunk before left it.
    while chunk.carry.chunks != chunk.index:
        yield
    s = step.phases.enter(chunk.carry.state)
    qs, d = yield from apply(s)
    yield
    # What D adds to the outputs and to the state.
    pd, kd = _spread(step, p, k_out, d, explicit=chunk.keys.kt is not None)
    last = jnp.exp(chunk.gates.g_row[:, -1:])
    chunk.carry.state = step.phases.leave(last * s + kd)
    chunk.carry.chunks += 1
    yield
    chunk.emit((gamma * qs + pd) * HEAD_DIM**-0.5)


def _within(chunk: Chunk) -> tuple[Array, Array]:
    """A and P, both [C, C] fp32, with beta in their columns."""
    shape = chunk.keys.kk.shape
    r, c = inverses.iota(shape, 0), inverses.iota(shape, 1)
    difference = chunk.gates.g_col - chunk.gates.g_row
    weights = jnp.exp(jnp.where(r >= c, difference, MASKED)) * chunk.gates.beta_row
    a = jnp.where(r > c, chunk.keys.kk * weights, 0.0)
    return a, chunk.keys.qk * weights


def _keys_out(chunk: Chunk) -> Array:
    """Kappa beta K: [K, C] where K^T was made, else [C, K]."""
    keys, gates = chunk.keys, chunk.gates
    last = gates.g_row[:, -1:]
    if keys.kt is not None:
        return keys.kt.astype(jnp.float32) * (jnp.exp(last - gates.g_row) * gates.beta_row)
    return keys.k.astype(jnp.float32) * (jnp.exp(last - gates.g_col) * gates.beta_col)


Apply = Callable[[Array], Generator[None, None, tuple[Array, Array]]]


def _before_state(step: Step, chunk: Chunk, x: Array, gamma: Array) -> Apply:
    """Does what needs no state, and returns how the state gives Q S and D'."""
    if step.member.form == "R":
        return lambda s: _apply_r(step, chunk, (x, gamma), s)
    into = chunk.keys.k.astype(jnp.float32) * gamma
    if step.member.products == "split":
        u, w = step.phases.dot(x, chunk.v), step.phases.dot(x, into)
    else:
        right = jnp.concatenate([chunk.v.astype(jnp.float32), into], 1)
        both = step.phases.dot(x, right)
        u, w = both[:, :HEAD_DIM], both[:, HEAD_DIM:]
    return lambda s: _apply_wy(step, chunk, (u, w), s)


def _apply_r(step: Step, chunk: Chunk, known: Any, s: Array) -> Iterator[None]:
    x, gamma = known
    ks, qs = step.stacked((chunk.keys.k, chunk.keys.q), s)
    yield
    d = step.phases.dot(x, chunk.v.astype(jnp.float32) - gamma * ks)
    return qs, d


def _apply_wy(step: Step, chunk: Chunk, known: Any, s: Array) -> Iterator[None]:
    u, w = known
    ws, qs = step.stacked((w, chunk.keys.q.astype(jnp.float32)), s)
    yield
    return qs, u - ws


def _spread(step: Step, p: Array, k_out: Array, d: Array, *, explicit: bool) -> list[Array]:
    """P D' and (kappa beta K)^T D'."""
    if explicit:
        return step.stacked((p, k_out), d)
    return [step.phases.dot(p, d), step.phases.dot(k_out, d, TN)]
