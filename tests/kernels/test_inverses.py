"""Every inverse of the family on matrices that powers of A explode on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kernels.gdn import inverses
from kernels.gdn.member import Member
from kernels.gdn.rounding import rounded, split

METHODS = [
    ("ladder", "dense"), ("dense16", "dense"), ("sub8", "dense"), ("sub8", "packed"),
    ("sub16", "dense"), ("sub16", "packed"), ("sub32", "packed"),
]  # fmt: skip
BOUNDS = {"fp32": 1e-5, "bf16x3": 2e-3, "refined": 1e-2}


def drain(stages: inverses.Stages) -> jax.Array:
    while True:
        try:
            next(stages)
        except StopIteration as stop:
            return stop.value


def alike(size: int, beta: float) -> np.ndarray:
    """A for keys that are nearly the same and gates that are open."""
    rng = np.random.default_rng(0)
    keys = rng.normal(size=128) + 0.3 * rng.normal(size=(size, 128))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    return np.float32(np.tril(beta * keys @ keys.T, -1))


@pytest.mark.parametrize("precision", sorted(BOUNDS))
@pytest.mark.parametrize(("inverse", "merge"), METHODS)
def test_the_inverse_is_exact(inverse: str, merge: str, precision: str) -> None:
    a = alike(128, 1.0)
    member = Member(inverse=inverse, merge=merge, inverse_precision=precision)
    x = jax.jit(lambda m: drain(inverses.invert(m, member)))(jnp.asarray(a))
    true = np.linalg.inv(np.eye(128) + np.float64(a))
    assert np.linalg.norm(np.asarray(x) - true) < BOUNDS[precision] * np.linalg.norm(true)


def test_packed_and_dense_doubling_differ_by_rounding_only() -> None:
    a = jnp.asarray(alike(128, 0.5))
    x, y = (drain(inverses.packed(a, 16, m, inverses.dot_fp32)) for m in ("dense", "packed"))
    assert np.max(np.abs(x - y)) < 1e-5


def test_rounding_in_fp32_gives_what_bf16_holds() -> None:
    x = jnp.asarray(np.random.default_rng(1).normal(size=1000), jnp.float32)
    assert np.array_equal(rounded(x), rounded(x).astype(jnp.bfloat16).astype(jnp.float32))
    assert np.max(np.abs(rounded(x) - x) / np.abs(x)) <= 2.0**-8


def test_split_parts_sum_to_the_whole() -> None:
    x = jnp.asarray(np.random.default_rng(2).normal(size=1000), jnp.float32)
    high, low = split(x)
    assert np.array_equal(high + low, x)
    assert np.array_equal(high, high.astype(jnp.bfloat16).astype(jnp.float32))
