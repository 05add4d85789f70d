"""Parameters of primitives as plain data, and back: only types and names of these tables."""

import dataclasses
import enum
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from kernels.common.program.document import (
    MAX_AXES,
    MAX_ELEMENTS,
    Array,
    Choice,
    DType,
    Fields,
    Items,
    Opaque,
    Parameter,
    ProgramRefusedError,
)

DTYPES: dict[str, Any] = {
    name: jnp.dtype(name)
    for name in (
        "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32",
        "bfloat16", "float16", "float32",
    )
}  # fmt: skip
"""Every element type that a program may name."""

CHOICES: dict[str, type[enum.Enum]] = {
    "Precision": lax.Precision,
    "GatherScatterMode": lax.GatherScatterMode,
    "RoundingMethod": lax.RoundingMethod,
}

RECORDS: dict[str, Any] = {"GatherDimensionNumbers": lax.GatherDimensionNumbers}

_SPECIAL = "NotFinite"


def encode(value: Any) -> Parameter:
    """The parameter as plain data; what has no place in it by the name of its type."""
    match value:
        case None | bool() | str():
            return value
        case enum.Enum():
            return Choice(type(value).__name__, value.name)
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return float(value) if np.isfinite(value) else Choice(_SPECIAL, str(float(value)))
        case np.dtype():
            return DType(value.name)
        case _ if type(value).__name__ in RECORDS:
            return Fields(type(value).__name__, {k: encode(v) for k, v in _fields(value)})
        case tuple() | list():
            return Items([encode(item) for item in value])
        case type() if hasattr(value, "dtype") or issubclass(value, np.generic):
            return DType(jnp.dtype(value).name)
        case _:
            return Opaque(type(value).__name__)


def _fields(record: Any) -> Iterator[tuple[str, Any]]:
    names = getattr(record, "_fields", None) or [f.name for f in dataclasses.fields(record)]
    return ((name, getattr(record, name)) for name in names)


def decode(parameter: Parameter, where: str) -> Any:
    """The parameter's value.

    `where` is the primitive and the parameter, for the message.

    Raises:
        ProgramRefusedError: a type or a name that is in no table.
    """
    match parameter:
        case Items(values):
            return tuple(decode(item, where) for item in values)
        case DType(name):
            return dtype(name)
        case Choice(kind, name):
            return _choice(kind, name, where)
        case Fields(kind, values):
            if kind not in RECORDS:
                raise ProgramRefusedError(f"{where}: the judge rebuilds no {kind[:60]}")
            return RECORDS[kind](**{k: decode(v, where) for k, v in values.items()})
        case Opaque(kind):
            raise ProgramRefusedError(f"{where}: the judge rebuilds no {kind[:60]}")
        case _:
            return parameter


def _choice(kind: str, name: str, where: str) -> Any:
    if kind == _SPECIAL and name in {"nan", "inf", "-inf"}:
        return float(name)
    members = CHOICES[kind].__members__ if kind in CHOICES else {}
    if name not in members:
        raise ProgramRefusedError(f"{where}: the judge rebuilds no {kind[:60]}.{name[:60]}")
    return members[name]


def dtype(name: str) -> Any:
    """The element type of that name.

    Raises:
        ProgramRefusedError: it is in no table.
    """
    if name not in DTYPES:
        raise ProgramRefusedError(f"the judge rebuilds no values of type {name[:60]}")
    return DTYPES[name]


def shape(sizes: list[int]) -> tuple[int, ...]:
    """The sizes as a shape.

    Raises:
        ProgramRefusedError: too many axes, a negative one, or too many elements.
    """
    if len(sizes) > MAX_AXES or any(size < 0 for size in sizes):
        raise ProgramRefusedError(f"the judge rebuilds no values of shape {str(sizes)[:80]}")
    elements = 1
    for size in sizes:
        elements *= size
        if elements > MAX_ELEMENTS:
            raise ProgramRefusedError(
                f"a value of shape {str(sizes)[:80]} has more than {MAX_ELEMENTS} elements"
            )
    return tuple(sizes)


def encode_array(value: Any) -> Array:
    """A constant as plain data."""
    array = np.asarray(value)
    return Array(array.dtype.name, list(array.shape), array.tobytes())


def decode_array(array: Array) -> Any:
    """The constant; a scalar where it has no axes, which tracing keeps as a literal.

    Raises:
        ProgramRefusedError: its bytes are not those of its type and shape.
    """
    kind, sizes = dtype(array.dtype), shape(array.shape)
    wanted = int(np.prod(sizes, dtype=np.int64)) * kind.itemsize
    if len(array.data) != wanted:
        raise ProgramRefusedError(
            f"a constant of {array.dtype}{list(sizes)} has {len(array.data)} bytes, not {wanted}"
        )
    if kind == DTYPES["bool"] and any(byte > 1 for byte in array.data):
        raise ProgramRefusedError("a constant of bool has bytes other than 0 and 1")
    return np.frombuffer(array.data, kind).reshape(sizes)[()]
