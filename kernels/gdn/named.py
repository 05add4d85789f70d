"""The shapes that programs are asked for, and which of them each sealed check judges."""

import dataclasses
from typing import Any

from kernels.gdn import cases, shapes
from kernels.gdn.acceptance import TAIL
from kernels.gdn.cost import SAMPLES

CHUNK = 128
"""Rows that the case lists call a chunk, whatever the candidate's has."""

FEW, MANY = 8, 16
"""Value heads of the costed programs: many where few leave one of two cores without a step."""


@dataclasses.dataclass(frozen=True)
class Named:
    """A shape of the public function's inputs."""

    batch: int
    tokens: int
    key_heads: int
    value_heads: int

    @property
    def file(self) -> str:
        """Name of the file that holds the program."""
        return f"b{self.batch}-t{self.tokens}-hk{self.key_heads}-hv{self.value_heads}.json"

    @property
    def words(self) -> str:
        """The shape for people."""
        return f"B{self.batch} T{self.tokens} Hk{self.key_heads} Hv{self.value_heads}"

    def abstract(self) -> tuple[Any, ...]:
        """The inputs as shapes."""
        return shapes.abstract(self.tokens, self.key_heads, self.value_heads, self.batch)


def of(inputs: Any) -> Named:
    """The shape of these inputs."""
    batch, tokens, key_heads = inputs[0].shape[:3]
    return Named(batch, tokens, key_heads, inputs[2].shape[2])


def costed(value_heads: int) -> list[Named]:
    """The shapes that are costed."""
    return [Named(1, tokens, value_heads // 2, value_heads) for tokens in SAMPLES]


MATRIX = Named(1, 3 * CHUNK + TAIL, len(cases.MATRIX), 2 * len(cases.MATRIX))
"""The shape of the stresses."""


def accepted() -> list[Named]:
    """The further shapes of the acceptance list."""
    single = [Named(1, s.tokens(CHUNK), s.key_heads, s.value_heads) for s in cases.SHAPES]
    keys = 2 * len(cases.MIXED)
    pairs = [Named(2, tokens, keys, 2 * keys) for tokens in (2 * CHUNK, CHUNK + TAIL, CHUNK - TAIL)]
    return single + pairs


def judged(check: str) -> list[Named]:
    """The shapes that a check judges beside the costed ones."""
    return {"correctness": [MATRIX], "acceptance": [MATRIX, *accepted()]}.get(check, [])
