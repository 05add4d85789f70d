"""Errors of a kernel's outputs against the reference, and what is tolerated on the same inputs."""

import dataclasses
from collections.abc import Iterator

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


def relative(x: np.ndarray, true: np.ndarray) -> float:
    """|x - true| / |true| in the Frobenius norm; 0 or infinite where true is nothing."""
    size = float(np.linalg.norm(true))
    difference = float(np.linalg.norm(x - true))
    if difference <= NOTHING:
        return 0.0
    return difference / size if size > 0.0 else np.inf


def head_errors(got: Outputs, oracle: Outputs, true: Outputs, head: int) -> list[Error]:
    """The errors of one value head of batch 0: o, each window of o, and the final state."""
    parts = list(_parts(got, head)), list(_parts(oracle, head)), list(_parts(true, head))
    errors = []
    whole = {}
    for (name, x), (_, near), (_, exact) in zip(*parts, strict=True):
        tensor = name.split("[")[0]
        own = relative(near, exact)
        whole.setdefault(tensor, own)
        allowed = FACTOR * max(own, whole[tensor], FLOOR) if np.any(exact) else 0.0
        errors.append(Error(name, relative(x, exact), allowed))
    return errors


def _parts(outputs: Outputs, head: int) -> Iterator[tuple[str, np.ndarray]]:
    o = np.asarray(outputs.o, np.float64)[0, :, head]
    yield "o", o
    for start in range(0, len(o), WINDOW):
        yield f"o[{start}:{start + WINDOW}]", o[start : start + WINDOW]
    yield "state", np.asarray(outputs.state, np.float64)[0, head]


def worst(errors: list[Error]) -> Error:
    """The error that is furthest over, or nearest to, its tolerance."""
    return max(errors, key=lambda e: e.excess)
