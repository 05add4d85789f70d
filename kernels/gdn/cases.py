"""The acceptance cases: what a kernel of the family has to get right, and in which check.

`matrix` is one call for one compilation: sixteen stresses stacked as value heads, two to a key
head, T = 3C + 17 so that the tail is always padded. `acceptance` is the whole list.
"""

import dataclasses

from kernels.gdn.stress import Head

Groups = list[tuple[str, tuple[Head, ...]]]

MATRIX: Groups = [
    ("random", (Head(), Head(gates=-1e-6, value=1e4))),
    ("random", (Head(gates=0.0, beta=1.999), Head(gates=0.0, beta="to-two", state=1.0))),
    ("half-common", (Head(gates=0.0, beta=0.5), Head(gates=0.0, beta=1.999))),
    ("identical", (Head(gates=0.0, beta=1.0), Head(gates=0.0, beta=0.5))),
    ("identical", (Head(gates=-0.1, beta=1.0), Head(gates=-0.1, beta=1.8))),
    ("random", (Head(gates=-20.0), Head(gates=-200.0, beta="to-two", state=1.0))),
    ("orthonormal", (Head(gates="alternating", beta=1.0), Head(gates=0.0, beta=2.0, state=1e3))),
    ("near-identical", (Head(gates=0.0, beta=1.0), Head(gates="reset", beta=1.5))),
]

SECOND: Groups = [
    ("random", (Head(beta=0.0, state=1.0), Head(beta=1e-6, state=1.0))),
    ("random", (Head(value=0.0), Head(value=0.0, state=1e3))),
    ("zero", (Head(state=1.0), Head(gates=0.0))),
    ("half-common", (Head(beta=1.0), Head(gates="alternating", beta=2.0))),
    ("identical", (Head(gates=-0.01, beta=1.5), Head(gates="alternating", beta=1.0))),
    ("near-identical", (Head(gates=-0.1, beta=1.9), Head(gates=-1e-6, beta="sigmoid", state=1.0))),
    ("orthonormal", (Head(gates=0.0, beta=1.0), Head(gates="reset", beta=1.0, state=1.0))),
    ("random", (Head(gates="alternating"), Head(gates="reset", value=1e4, state=1e3))),
]
"""Stresses of the acceptance list that the matrix has no room for."""

MIXED: Groups = [("half-common", (Head(), Head(beta=1.0, state=1.0)))]
"""One key head with two value heads, for the checks of shapes and of invariants."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """Head counts and tokens of an acceptance case; tokens in chunks plus some."""

    key_heads: int
    value_heads: int
    chunks: int
    extra: int

    @property
    def name(self) -> str:
        """The shape in a few words."""
        return f"Hk{self.key_heads} Hv{self.value_heads} T={self.chunks}C{self.extra:+d}"

    def tokens(self, chunk: int) -> int:
        """Tokens where a chunk has that many rows."""
        return self.chunks * chunk + self.extra


SHAPES = [
    Shape(1, 1, 0, 1),
    Shape(1, 2, 1, -1),
    Shape(2, 2, 1, 0),
    Shape(2, 4, 1, 1),
    Shape(1, 4, 3, 17),
    Shape(4, 8, 2, 0),
]
"""Tokens 1, C - 1, C, C + 1 and 3C + 17; one, two and four value heads a key head."""


def describe(keys: str, head: Head) -> str:
    """A stress in a few words."""
    words = [f"{keys} keys", f"g {head.gates}", f"beta {head.beta}"]
    if head.value != 1.0:
        words.append(f"v {head.value:g}")
    if head.state:
        words.append(f"state {head.state:g}")
    return ", ".join(words)


def names(groups: Groups) -> list[str]:
    """The descriptions of all heads, in the order in which they are stacked."""
    return [describe(keys, head) for keys, heads in groups for head in heads]
