"""Inputs that break wrong kernels: keys, gates, betas, values and states by name, from one seed."""

import dataclasses
from collections.abc import Callable

import numpy as np

from kernels.gdn.member import HEAD_DIM
from kernels.gdn.oracle import round_bf16
from kernels.gdn.reference import Inputs

Rng = np.random.Generator


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _random(rng: Rng, tokens: int) -> np.ndarray:
    return _unit(rng.normal(size=(tokens, HEAD_DIM)))


def _identical(rng: Rng, tokens: int) -> np.ndarray:
    return np.repeat(_random(rng, 1), tokens, 0)


def _half_common(rng: Rng, tokens: int) -> np.ndarray:
    return _unit(_random(rng, tokens) + _random(rng, 1))


def _near_identical(rng: Rng, tokens: int) -> np.ndarray:
    return _unit(_random(rng, 1) + 1e-3 * rng.normal(size=(tokens, HEAD_DIM)))


def _orthonormal(rng: Rng, tokens: int) -> np.ndarray:
    basis = np.linalg.qr(rng.normal(size=(HEAD_DIM, HEAD_DIM)))[0]
    return np.tile(basis, (-(-tokens // HEAD_DIM), 1))[:tokens]


KEYS: dict[str, Callable[[Rng, int], np.ndarray]] = {
    "random": _random,
    "identical": _identical,
    "half-common": _half_common,
    "near-identical": _near_identical,
    "orthonormal": _orthonormal,
    "zero": lambda _, t: np.zeros((t, HEAD_DIM)),
}


def _alternating(rng: Rng, tokens: int) -> np.ndarray:
    return np.where(np.arange(tokens) % 2, -50.0, 0.0) + 0 * rng.random(tokens)


def _one_reset(rng: Rng, tokens: int) -> np.ndarray:
    g = -0.01 * rng.random(tokens)
    g[tokens // 2] = -1e4
    return g


GATES: dict[str, Callable[[Rng, int], np.ndarray]] = {
    "typical": lambda rng, t: -0.1 * np.exp(rng.normal(size=t)),
    "alternating": _alternating,
    "reset": _one_reset,
}

BETAS: dict[str, Callable[[Rng, int], np.ndarray]] = {
    "sigmoid": lambda rng, t: 1 / (1 + np.exp(-rng.normal(size=t))),
    "to-two": lambda rng, t: 2 / (1 + np.exp(-rng.normal(size=t))),
}


@dataclasses.dataclass(frozen=True)
class Head:
    """The stress on one value head: a name out of the tables above, or a constant.

    Args:
        state: scale of a random initial state; 0 for none.
        value: scale of the values; 0 for none.
    """

    gates: str | float = "typical"
    beta: str | float = "sigmoid"
    value: float = 1.0
    state: float = 0.0


def head_inputs(head: Head, rng: Rng, tokens: int) -> tuple[np.ndarray, ...]:
    """V [T, V], g [T], beta [T] and the initial state [K, V] of one value head."""
    g = _series(GATES, head.gates, rng, tokens)
    beta = _series(BETAS, head.beta, rng, tokens)
    v = head.value * rng.normal(size=(tokens, HEAD_DIM))
    return v, g, beta, head.state * rng.normal(size=(HEAD_DIM, HEAD_DIM))


def _series(
    table: dict[str, Callable[[Rng, int], np.ndarray]], what: str | float, rng: Rng, tokens: int
) -> np.ndarray:
    return table[what](rng, tokens) if isinstance(what, str) else np.full(tokens, float(what))


def stack(groups: list[tuple[str, tuple[Head, ...]]], tokens: int, seed: int) -> Inputs:
    """One batch whose heads are the cases: each group is a key head and its value heads.

    Numerics: q, k and v are exactly representable in bf16; g, beta and the state in fp32.
    """
    rng = np.random.default_rng(seed)
    keys = [round_bf16(KEYS[name](rng, tokens)) for name, _ in groups]
    queries = [round_bf16(_random(rng, tokens)) for _ in groups]
    heads = [head_inputs(head, rng, tokens) for _, members in groups for head in members]
    v, g, beta, state = (np.stack(x) for x in zip(*heads, strict=True))
    time_major = [np.moveaxis(np.stack(x), 0, 1) for x in (queries, keys, round_bf16(v), g, beta)]
    return Inputs(*(x[None].astype(np.float32) for x in (*time_major, state)))
