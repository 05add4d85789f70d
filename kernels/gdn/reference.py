"""The gated delta rule as its definition says it: one token after the other, in float64.

This is the only thing that the checks call true. It knows nothing of chunks, of inverses or of JAX.
"""

from typing import NamedTuple

import numpy as np


class Inputs(NamedTuple):
    """What the kernel and the reference get.

    Shapes: q, k [B, T, Hk, K]; v [B, T, Hv, V]; g, beta [B, T, Hv]; state [B, Hv, K, V].
    The key head of value head h is h // (Hv // Hk). g is the log of the decay, at most 0.
    """

    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    g: np.ndarray
    beta: np.ndarray
    state: np.ndarray


class Outputs(NamedTuple):
    """o [B, T, Hv, V] and the state after the last token, [B, Hv, K, V]."""

    o: np.ndarray
    state: np.ndarray


def scan(inputs: Inputs) -> Outputs:
    """The exact outputs, all heads of a token at once.

    Numerics: float64 throughout; q is scaled by K^-1/2.
    Cost: T steps of four K x V products a head; 16 heads, T = 512, K = V = 128: about 0.3 s.
    """
    q, k, v, g, beta = _by_token(inputs)
    s = np.array(inputs.state, np.float64).reshape(-1, *inputs.state.shape[2:])
    o = np.empty(v.shape)
    for t in range(len(v)):
        s *= np.exp(g[t])[:, None, None]
        recalled = np.matmul(k[t][:, None, :], s)[:, 0]
        u = beta[t][:, None] * (v[t] - recalled)
        s += k[t][:, :, None] * u[:, None, :]
        o[t] = np.matmul(q[t][:, None, :], s)[:, 0]
    return _by_batch(o * q.shape[-1] ** -0.5, s, inputs.v.shape[0])


def _by_token(inputs: Inputs) -> tuple[np.ndarray, ...]:
    """q, k, v [T, B Hv, D] and g, beta [T, B Hv], in float64, keys repeated for their heads."""
    ratio = inputs.v.shape[2] // inputs.k.shape[2]
    q, k = (np.repeat(x, ratio, axis=2) for x in (inputs.q, inputs.k))
    flat = [np.asarray(x, np.float64) for x in (q, k, inputs.v, inputs.g, inputs.beta)]
    return tuple(_merge(np.moveaxis(x, 1, 0)) for x in flat)


def _merge(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.reshape(x.shape[0], -1, *x.shape[3:]))


def _by_batch(o: np.ndarray, s: np.ndarray, batch: int) -> Outputs:
    split = o.reshape(o.shape[0], batch, -1, o.shape[-1])
    return Outputs(np.moveaxis(split, 0, 1), s.reshape(batch, -1, *s.shape[1:]))
