"""One member of the kernel family: its choices, parsed from a candidate's parameters."""

import dataclasses
from collections.abc import Mapping
from typing import Any

HEAD_DIM = 128
"""The one head size of the family, for keys and values: the width of a TPU register."""

PACKED_HEADS = 8
"""Heads in a tile of a [B, T, H, 128] bf16 array: the native layout takes whole tiles."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "chunk": (64, 128, 256),
    "heads_per_step": (1, 2, 4, 8),
    "chunks_per_step": (1, 2),
    "form": ("R", "WY"),
    "inverse": ("ladder", "dense16", "sub8", "sub16", "sub32"),
    "merge": ("dense", "packed"),
    "inverse_precision": ("bf16", "refined", "bf16x3", "fp32"),
    "schedule": ("serial", "pairs", "lockstep", "staggered"),
    "products": ("split", "fused"),
    "transpose": ("implicit", "explicit"),
    "layout": ("token", "native"),
}


class InvalidMemberError(ValueError):
    """The parameters name no member of the family; the message says which and what to write."""


@dataclasses.dataclass(frozen=True)
class Member:
    """A kernel of the family. The defaults are the plainest member, which is the baseline.

    Args:
        chunk: rows of a chunk, C.
        heads_per_step: value heads that one grid step computes.
        chunks_per_step: chunks that one grid step computes, one after the other.
        form: R applies X = (I+A)^-1 to V - gamma K S; WY applies it to V and to gamma K, before
            the state is known.
        inverse: how (I+A)^-1 starts: doubling from single rows (ladder), substitution in 16-row
            blocks over the whole matrix (dense16), or in packed diagonal blocks (sub8, 16, 32).
        merge: how packed blocks are doubled: as whole matrices, or in packed rows only.
        inverse_precision: operands of the inverse's matrix products.
        schedule: program order of the heads of a step: one after the other, two at a time, all in
            lockstep, or all with each head one stage behind the one before it.
        products: whether products that share an operand are one product.
        transpose: whether K^T is made once, or by each product that needs it.
        layout: token views the arrays as [B, T, H 128] and needs a copy of each; native reads
            and writes [B, T, H, 128] as it lies in memory, whole tiles of eight heads.
    """

    chunk: int = 128
    heads_per_step: int = 1
    chunks_per_step: int = 1
    form: str = "R"
    inverse: str = "ladder"
    merge: str = "dense"
    inverse_precision: str = "fp32"
    schedule: str = "serial"
    products: str = "split"
    transpose: str = "implicit"
    layout: str = "token"


def parse(parameters: Mapping[str, Any]) -> Member:
    """The member that the parameters name; what they leave out takes the default.

    Raises:
        InvalidMemberError: an unknown name, a value outside its choices, or a pair that excludes
            each other.
    """
    for name, value in parameters.items():
        _check_choice(name, value)
    member = Member(**parameters)
    _check_pairs(member)
    return member


def _check_choice(name: str, value: Any) -> None:
    if name not in CHOICES:
        raise InvalidMemberError(f"{name}: no such parameter; known: {', '.join(CHOICES)}")
    if not any(value == c and type(value) is type(c) for c in CHOICES[name]):
        allowed = ", ".join(map(str, CHOICES[name]))
        raise InvalidMemberError(f"{name}: {value!r} is not one of {allowed}")


def _check_pairs(m: Member) -> None:
    packed = m.inverse.startswith("sub")
    if m.merge == "packed" and not packed:
        raise InvalidMemberError(
            f"merge: packed needs inverse sub8, sub16 or sub32, not {m.inverse}"
        )
    if m.schedule != "serial" and m.heads_per_step * m.chunks_per_step == 1:
        raise InvalidMemberError(f"schedule: {m.schedule} needs more than one head or chunk a step")
    if m.layout == "native" and m.heads_per_step != PACKED_HEADS:
        raise InvalidMemberError(f"layout: native needs heads_per_step {PACKED_HEADS}")


def canonical(parameters: Mapping[str, Any]) -> str:
    """The member as text, every choice named, for records and for printing."""
    fields = dataclasses.asdict(parse(parameters))
    return " ".join(f"{name}={value}" for name, value in fields.items())
