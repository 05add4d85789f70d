"""Exact, stable inverses of I + A for a strictly lower triangular A, as stages for the schedule.

Every method is a generator: it yields where the kernel's schedule may switch to another head and
returns X = (I+A)^-1, fp32 [C, C]. None forms powers of A: their entries grow like binomials when
keys are alike, and a kernel built on them passes every test on random keys.

Masks on the left operand of a product are factors, not selects: the compiler for v5p turns a
select into a masked bf16 product, which it then refuses.
"""

from collections.abc import Callable, Generator

import jax
import jax.numpy as jnp
from jax import lax

from kernels.gdn.member import Member
from kernels.gdn.rounding import rounded, split

Stages = Generator[None, None, jax.Array]
Dot = Callable[[jax.Array, jax.Array], jax.Array]

LEAF_STEPS = 4
"""Elimination steps between two yields: about the time of one matrix product."""


def invert(a: jax.Array, member: Member) -> Stages:
    """X = (I+A)^-1 by the member's method and in its precision."""
    if member.inverse_precision == "refined":
        return refined(a, _method(a, member, dot_bf16))
    return _method(a, member, DOTS[member.inverse_precision])


def _method(a: jax.Array, member: Member, dot: Dot) -> Stages:
    match member.inverse:
        case "ladder":
            return ladder(a, dot)
        case "dense16":
            return dense16(a, dot)
        case _:
            return packed(a, int(member.inverse.removeprefix("sub")), member.merge, dot)


def refined(a: jax.Array, inverse: Stages) -> Stages:
    """A bf16 inverse and one correction, X + X (I - (I+A) X), which squares its error.

    Numerics: X is rounded to bf16 first, so that A in two bf16 parts makes the residual good to 16
    bits. Without it the rounding of A in the doubling is amplified by the condition of I + A.
    """
    x = rounded((yield from inverse))
    a_high, a_low = split(a)
    both = dot_bf16(jnp.concatenate([a_high, a_low], 0), x)
    yield
    size = a.shape[0]
    residual = (_identity(a.shape) - x) - (both[:size] + both[size:])
    correction = dot_bf16(x, residual)
    yield
    return x + correction


def dot_bf16(a: jax.Array, b: jax.Array) -> jax.Array:
    """The product with operands rounded to bf16 and fp32 accumulation: one pass of the MXU."""
    return jnp.dot(
        a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), preferred_element_type=jnp.float32
    )


def dot_fp32(a: jax.Array, b: jax.Array) -> jax.Array:
    """The fp32 product at HIGHEST precision: six passes of the MXU."""
    return jnp.dot(a, b, precision=lax.Precision.HIGHEST, preferred_element_type=jnp.float32)


def dot_bf16x3(a: jax.Array, b: jax.Array) -> jax.Array:
    """The product of operands split in two bf16 parts, less the product of the small parts.

    Numerics: about 16 bits of each operand.
    """
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    return dot_bf16(a_high, b_high) + (dot_bf16(a_high, b_low) + dot_bf16(a_low, b_high))


DOTS: dict[str, Dot] = {"bf16": dot_bf16, "bf16x3": dot_bf16x3, "fp32": dot_fp32}


def iota(shape: tuple[int, ...], axis: int) -> jax.Array:
    """Indices along the axis, int32."""
    return lax.broadcasted_iota(jnp.int32, shape, axis)


def ladder(a: jax.Array, dot: Dot) -> Stages:
    """Block doubling on whole matrices, from single rows: 2 (log2 C - 1) products."""
    r, c = iota(a.shape, 0), iota(a.shape, 1)
    x = _identity(a.shape) - jnp.where((r // 2 == c // 2) & (r > c), a, 0.0)
    return (yield from _double_dense(a, x, 2, dot))


def dense16(a: jax.Array, dot: Dot) -> Stages:
    """Substitution in 16-row blocks over the whole matrix at once, then block doubling."""
    size, b = a.shape[0], 16
    r, c = iota(a.shape, 0), iota(a.shape, 1)
    blocks = jnp.where(r // b == c // b, a, 0.0)
    x = _identity(a.shape)
    for j in range(b - 1):
        column = jnp.sum(jnp.where(c % b == j, blocks, 0.0), 1, keepdims=True)
        row = jnp.where(r % b == j, x, 0.0).reshape(size // b, b, size).sum(1, keepdims=True)
        x = x - column * jnp.broadcast_to(row, (size // b, b, size)).reshape(a.shape)
        if j % LEAF_STEPS == LEAF_STEPS - 1:
            yield
    return (yield from _double_dense(a, x, b, dot))


def packed(a: jax.Array, leaf: int, merge: str, dot: Dot) -> Stages:
    """Substitution in fp32 on packed diagonal blocks, then block doubling by products."""
    x = yield from _eliminate(_pack(a, leaf))
    if merge == "dense":
        return (yield from _double_dense(a, _unpack(x), leaf, dot))
    return (yield from _double_packed(a, x, dot))


def _identity(shape: tuple[int, ...]) -> jax.Array:
    return jnp.where(iota(shape, 0) == iota(shape, 1), 1.0, 0.0)


def _joining(a: jax.Array, b: int) -> jax.Array:
    """The blocks of A that join two neighbouring diagonal blocks of b rows; 0 elsewhere."""
    r, c = iota(a.shape, 0), iota(a.shape, 1)
    return jnp.where((r // (2 * b) == c // (2 * b)) & (r // b > c // b), a, 0.0)


def _double_dense(a: jax.Array, x: jax.Array, b: int, dot: Dot) -> Stages:
    """X_2b = X_b - X_b L_b X_b until b reaches C."""
    while b < a.shape[0]:
        t = dot(x, _joining(a, b))
        yield
        x = x - dot(t, x)
        yield
        b *= 2
    return x


def _pack(a: jax.Array, b: int) -> jax.Array:
    """The diagonal blocks of A side by side: [b, C], column j of block n in lane n b + j."""
    lane = iota((b, a.shape[1]), 1)
    p = a[:b]
    for n in range(1, a.shape[0] // b):
        p = jnp.where(lane >= n * b, a[n * b : (n + 1) * b], p)
    return p


def _unpack(p: jax.Array) -> jax.Array:
    """The block-diagonal matrix of packed blocks: [b, C] to [C, C]."""
    b, size = p.shape
    tiled = jnp.concatenate([p] * (size // b), 0)
    same = iota((size, size), 0) // b == iota((size, size), 1) // b
    return tiled * same.astype(jnp.float32)


def _eliminate(p: jax.Array) -> Stages:
    """The inverses of I + every packed block: b - 1 steps of column elimination."""
    b = p.shape[0]
    lane = iota(p.shape, 1)
    x = jnp.where(iota(p.shape, 0) == lane % b, 1.0, 0.0)
    for j in range(b - 1):
        column = jnp.take_along_axis(p, lane // b * b + j, axis=1)
        x = x - column * x[j : j + 1]
        if j % LEAF_STEPS == LEAF_STEPS - 1:
            yield
    return x


def _double_packed(a: jax.Array, x: jax.Array, dot: Dot) -> Stages:
    """Block doubling in packed rows: b rows a product instead of C.

    Packed X_2b has X_b's even blocks above; below, its odd blocks and -(X_b L_b X_b), which lies
    in the columns of the even ones.
    """
    while x.shape[0] < a.shape[0]:
        b = x.shape[0]
        t = dot(x, _joining(a, b))
        yield
        u = dot(t, _unpack(x))
        yield
        odd = (iota(x.shape, 1) // b % 2).astype(jnp.float32)
        x = jnp.concatenate([x * (1.0 - odd), x * odd - u], 0)
    return x
