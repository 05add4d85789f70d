"""Errors of a kernel's outputs against the reference, and what is tolerated on the same inputs."""

import dataclasses

import numpy as np

from kernels.gdn.reference import Outputs

WINDOW = 64
"""Tokens of a window; a norm over the whole sequence would hide a wrong tail."""

FLOOR = 2.0**-8
"""Least error the tolerance is twice of: the rounding of a product of two bf16 operands."""

NOTHING = 1e-30
"""Size of a difference that counts as none: where fp32 runs out, all but nothing is left."""

FACTOR = 2.0
"""How many times the oracle's error a kernel's may be."""


@dataclasses.dataclass(frozen=True)
class Error:
    """The relative error of one part of one head's outputs, and what is tolerated there."""

    part: str
    value: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is tolerated; NaN is not."""
        return self.value <= self.tolerance

    @property
    def excess(self) -> float:
        """Error over tolerance; infinite for NaN and where nothing but zero is right."""
        if self.passed:
            return self.value / self.tolerance if self.tolerance else 0.0
        ratio = self.value / self.tolerance if self.tolerance else np.inf
        return np.inf if np.isnan(ratio) else ratio


def relative(x: np.ndarray, true: np.ndarray, size: float | None = None) -> float:
    """|x - true| / size in the Frobenius norm; 0 or infinite where the size is nothing.

    Args:
        x: what is compared, of any shape.
        true: what it should be.
        size: what the difference is relative to; unless given, |true|.
    """
    size = float(np.linalg.norm(true)) if size is None else size
    difference = float(np.linalg.norm(x - true))
    if difference <= NOTHING:
        return 0.0
    return difference / size if size > 0.0 else np.inf


def head_errors(got: Outputs, oracle: Outputs, true: Outputs, head: int) -> list[Error]:
    """The errors of one value head of batch 0: o, each window of o, and the final state."""
    o, near_o, true_o = (np.asarray(x.o, np.float64)[0, :, head] for x in (got, oracle, true))
    state, near, exact = (np.asarray(x.state, np.float64)[0, head] for x in (got, oracle, true))
    whole = relative(near_o, true_o)
    starts = range(0, len(o), WINDOW)
    windows = [_window(o, near_o, true_o, start, least=whole) for start in starts]
    of_state = _error("state", state, exact, relative(near, exact))
    return [_error("o", o, true_o, whole), *windows, of_state]


def _window(x: np.ndarray, near: np.ndarray, true: np.ndarray, start: int, least: float) -> Error:
    """The error of the window that begins there.

    A last, incomplete window is held against the size and the oracle's error of the WINDOW tokens
    that end with it, where those are larger: the output of one token may come close to nothing by
    chance, and a sound kernel's relative error there is then many times the oracle's.
    """
    tokens = slice(start, start + WINDOW)
    around = slice(max(0, min(start, len(true) - WINDOW)), start + WINDOW)
    share = np.sqrt(len(true[tokens]) / len(true[around]))
    size = max(np.linalg.norm(true[tokens]), share * np.linalg.norm(true[around]))
    own = relative(near[tokens], true[tokens], size)
    usual = share * relative(near[around], true[around], size)
    name = f"o[{start}:{start + WINDOW}]"
    return _error(name, x[tokens], true[tokens], max(own, usual, least), size)


def _error(
    part: str, x: np.ndarray, true: np.ndarray, own: float, size: float | None = None
) -> Error:
    tolerance = FACTOR * max(own, FLOOR) if np.any(true) else 0.0
    return Error(part, relative(x, true, size), tolerance)


def worst(errors: list[Error]) -> Error:
    """The error that is furthest over, or nearest to, its tolerance."""
    return max(errors, key=lambda e: e.excess)
