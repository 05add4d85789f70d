"""The protected oracle: what bf16 operands cost when everything else is done right.

The chunked form with operands rounded to bf16 as the MXU rounds them, fp32 accumulation and state,
and the inverse exact. Its error on given inputs, doubled, is the tolerance on those inputs: a
flat bound would be too tight for keys that are alike and too loose for everything else.
"""

import ml_dtypes
import numpy as np

from kernels.gdn.reference import Inputs, Outputs

CHUNK = 128
"""Rows of the oracle's chunk: the baseline's, whatever the candidate's is."""


def chunked(inputs: Inputs, chunk: int = CHUNK) -> Outputs:
    """The outputs of an ideal bf16-operand kernel.

    Numerics: products take bf16 operands and accumulate in fp32; gates, decay and state are fp32;
    (I+A)^-1 is solved in float64 and rounded once.
    Cost: 16 heads, T = 512: about 0.1 s.
    """
    padded = _pad(inputs, -inputs.v.shape[1] % chunk)
    q, k, v, g, beta = _by_head(padded)
    s = np.array(inputs.state, np.float32).reshape(-1, *inputs.state.shape[2:])
    rows = []
    for start in range(0, v.shape[1], chunk):
        part = [x[:, start : start + chunk] for x in (q, k, v, g, beta)]
        o, s = _chunk(part, s)
        rows.append(o)
    return _by_batch(np.concatenate(rows, 1), s, inputs)


def _chunk(part: list[np.ndarray], s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    q, k, v, g, beta = part
    decay = np.cumsum(g, 1, dtype=np.float32)
    between = _decay_between(decay)
    into = np.exp(decay)[..., None]
    out_of = np.exp(decay[:, -1:] - decay)[..., None]
    kt = k.transpose(0, 2, 1)
    a = np.tril(_dot(k, kt) * between * beta[..., None], -1)
    x = np.linalg.inv(np.eye(a.shape[1]) + a.astype(np.float64)).astype(np.float32)
    d = _dot(x, beta[..., None] * (v - into * _dot(k, s)))
    o = into * _dot(q, s) + _dot(np.tril(_dot(q, kt) * between), d)
    s = np.exp(decay[:, -1])[:, None, None] * s + _dot((k * out_of).transpose(0, 2, 1), d)
    return o * np.float32(q.shape[-1] ** -0.5), s


def _decay_between(decay: np.ndarray) -> np.ndarray:
    """e^(G_i - G_j) for i >= j, else 0: masked before the exponential, so nothing overflows."""
    difference = decay[:, :, None] - decay[:, None, :]
    keep = np.tril(np.ones(difference.shape[1:], bool))
    return np.exp(np.where(keep, difference, -np.inf))


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.matmul(round_bf16(a), round_bf16(b))


def round_bf16(x: np.ndarray) -> np.ndarray:
    """X rounded to bf16 and back, as float32."""
    return np.asarray(x, np.float32).astype(ml_dtypes.bfloat16).astype(np.float32)


def _pad(inputs: Inputs, rows: int) -> Inputs:
    def pad(x: np.ndarray) -> np.ndarray:
        return np.pad(x, [(0, 0), (0, rows)] + [(0, 0)] * (x.ndim - 2))

    return Inputs(*(pad(x) for x in inputs[:5]), inputs.state)


def _by_head(inputs: Inputs) -> list[np.ndarray]:
    """Arrays [B Hv, T, ...] in float32, keys repeated for their value heads."""
    ratio = inputs.v.shape[2] // inputs.k.shape[2]
    q, k = (np.repeat(x, ratio, axis=2) for x in (inputs.q, inputs.k))
    moved = [np.moveaxis(np.asarray(x, np.float32), 2, 1) for x in (q, k, *inputs[2:5])]
    return [np.ascontiguousarray(x.reshape(-1, *x.shape[2:])) for x in moved]


def _by_batch(o: np.ndarray, s: np.ndarray, inputs: Inputs) -> Outputs:
    batch, tokens = inputs.v.shape[:2]
    o = o[:, :tokens].reshape(batch, -1, tokens, o.shape[-1])
    return Outputs(np.moveaxis(o, 1, 2), s.reshape(inputs.state.shape))
