"""Kernels that are wrong on purpose, each in one part, and the reason for which it is refused.

The shipped checks take the kernel as an argument; the check command only ever passes the shipped
one. So a broken kernel is made here, out of the real one with one part replaced.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.gdn import audit, body, inverses, tpu
from kernels.gdn.member import Member

MEMBER = Member(chunk=128, heads_per_step=4, inverse="sub8", merge="packed", schedule="lockstep")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A kernel with one part broken.

    Args:
        reason: the audit's rule, or the beginning of a stress that it fails.
        passes: the beginning of a stress that it passes nevertheless, if there is one.
    """

    phases: body.Phases
    reason: str
    passes: str = ""

    def kernel(self, *, interpret: bool) -> Callable[..., Any]:
        return functools.partial(tpu.forward, MEMBER, interpret=interpret, phases=self.phases)


def neumann(a: jax.Array, member: Member) -> inverses.Stages:
    """Powers of A: exact on paper."""
    x, power, n = _identity(a) - a, a, 2
    while n < a.shape[0]:
        power = inverses.dot_fp32(power, power)
        x = x + inverses.dot_fp32(x, power)
        n *= 2
        yield
    return x


def skipped(a: jax.Array, member: Member) -> inverses.Stages:
    yield
    return _identity(a) - a


def data_dependent(a: jax.Array, member: Member) -> inverses.Stages:
    """Doubling for as many rounds as a value of the input says."""
    rounds = (a[1, 0] * 0).astype(jnp.int32) + 6

    def double(i: jax.Array, x: jax.Array) -> jax.Array:
        b = 2 << i
        r, c = inverses.iota(a.shape, 0), inverses.iota(a.shape, 1)
        joins = (r // (2 * b) == c // (2 * b)) & (r // b > c // b)
        joining = jnp.where(joins, a, 0.0)
        return x - inverses.dot_fp32(inverses.dot_fp32(x, joining), x)

    r, c = inverses.iota(a.shape, 0), inverses.iota(a.shape, 1)
    x = _identity(a) - jnp.where((r // 2 == c // 2) & (r > c), a, 0.0)
    yield
    return lax.fori_loop(0, rounds, double, x)


def hidden(a: jax.Array, member: Member) -> inverses.Stages:
    """The powers of A again, with what overflows swept away."""
    x = yield from neumann(a, member)
    return jnp.clip(x, -1e3, 1e3)


def printing(a: jax.Array, member: Member) -> inverses.Stages:
    jax.debug.print("inverting")
    return (yield from inverses.invert(a, member))


def _identity(a: jax.Array) -> jax.Array:
    return jnp.eye(a.shape[0], dtype=jnp.float32)


def single_pass(a: jax.Array, b: jax.Array, dims: Any = body.NN) -> jax.Array:
    """fp32 operands at the default precision."""
    wide = (x.astype(jnp.float32) for x in (a, b))
    return lax.dot_general(*wide, dims, preferred_element_type=jnp.float32)


def narrowed(s: jax.Array) -> jax.Array:
    return s.astype(jnp.bfloat16).astype(jnp.float32)


MUTANTS = {
    "neumann-inverse": Mutant(
        body.Phases(invert=neumann), "identical keys", "random keys, g typical"
    ),
    "skipped-inverse": Mutant(
        body.Phases(invert=skipped), "half-common keys", "random keys, g -200"
    ),
    "dropped-inter-chunk-term": Mutant(
        body.Phases(enter=lambda s: s * 0.0), "random keys, g typical", "random keys, g -200"
    ),
    "data-dependent-loop-bound": Mutant(body.Phases(invert=data_dependent), audit.LOOP),
    "bf16-state-in-scratch": Mutant(body.Phases(state_dtype=jnp.bfloat16), audit.STATE),
    "bf16-state-on-the-way": Mutant(body.Phases(leave=narrowed), audit.STATE),
    "default-precision-fp32-products": Mutant(body.Phases(dot=single_pass), audit.FP32_DOT),
    "key-heads-taken-for-value-heads": Mutant(
        body.Phases(key_of=lambda head, heads, keys: head % keys),
        "half-common keys, g 0.0, beta 1.999",
    ),
    "clamped-overflow": Mutant(body.Phases(invert=hidden), audit.CLAMP),
    "callback-to-the-host": Mutant(body.Phases(invert=printing), audit.CALLBACK),
}
