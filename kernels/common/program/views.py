"""Reads and writes of a kernel's references through views: parts, other widths, other shapes.

The interpreter has no views of another width. There the same elements are taken out of the whole
value, and put back into it, as the device's memory holds them.
"""

from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl

from kernels.common.program import params
from kernels.common.program.document import At, Bitcast, Index, ProgramRefusedError, Reshape, Slice

Step = Any
"""An index (a tuple of integers and slices), a Bitcast or a Reshape."""


def load(reference: Any, steps: list[Step], *, interpret: bool) -> Any:
    """What the view of the reference holds."""
    if interpret and _is_packed(steps):
        return _take(reference[...], steps)
    target, last = _target(reference, steps)
    return target[last]


def store(reference: Any, steps: list[Step], value: Any, *, interpret: bool) -> None:
    """Puts the value into the view of the reference."""
    if interpret and _is_packed(steps):
        reference[...] = _put(reference[...], steps, value)
        return
    target, last = _target(reference, steps)
    target[last] = value


def _is_packed(steps: list[Step]) -> bool:
    return any(isinstance(step, Bitcast | Reshape) for step in steps)


def _target(reference: Any, steps: list[Step]) -> tuple[Any, Any]:
    if not steps:
        return reference, ...
    for step in steps[:-1]:
        reference = _see(reference, step)
    last = steps[-1]
    return (reference, last) if isinstance(last, tuple) else (_see(reference, last), ...)


def _see(reference: Any, step: Step) -> Any:
    match step:
        case Bitcast(dtype):
            return reference.bitcast(params.dtype(dtype))
        case Reshape(shape):
            return reference.reshape(*params.shape(shape))
        case _:
            return reference.at[step]


def _take(x: Any, steps: list[Step]) -> Any:
    for step in steps:
        x = _part(x, step)
    return x


def _part(x: Any, step: Step) -> Any:
    match step:
        case Bitcast(dtype):
            return _packed(x, params.dtype(dtype))
        case Reshape(shape):
            return x.reshape(params.shape(shape))
        case _:
            return x[_static(step)]


def _put(x: Any, steps: list[Step], value: Any) -> Any:
    """The array x with the value in the view of it."""
    if not steps:
        return value
    step, inner = steps[0], _put(_part(x, steps[0]), steps[1:], value)
    match step:
        case Bitcast():
            return _packed(inner, x.dtype)
        case Reshape():
            return inner.reshape(x.shape)
        case _:
            return x.at[_static(step)].set(inner)


def _static(index: Any) -> Any:
    return tuple(_whole(entry) for entry in index)


def _whole(entry: Any) -> Any:
    if isinstance(entry, int):
        return entry
    start, size, stride = entry.start, entry.size, entry.stride
    if not isinstance(start, int):
        raise ProgramRefusedError("the judge rebuilds no view of another width at a computed place")
    return slice(start, start + (size - 1) * stride + 1, stride)


def _packed(x: Any, dtype: Any) -> Any:
    """The bits of x as elements of dtype: wider ones take consecutive rows, the first lowest."""
    if x.ndim < 2:
        raise ProgramRefusedError(
            "the judge rebuilds no view of another width of fewer than 2 axes"
        )
    *outer, rows, lanes = x.shape
    own, wanted = x.dtype.itemsize, dtype.itemsize
    if own < wanted:
        ratio = wanted // own
        rowwise = x.reshape(*outer, rows // ratio, ratio, lanes)
        return lax.bitcast_convert_type(jnp.swapaxes(rowwise, -1, -2), dtype)
    parts = lax.bitcast_convert_type(x, dtype)
    if own == wanted:
        return parts
    return jnp.swapaxes(parts, -1, -2).reshape(*outer, rows * own // wanted, lanes)


def steps(view: Any, place: Any) -> list[Step]:
    """The view with its places filled in; `place` gives the integer or the value of an atom."""
    return [_index(part, place) if isinstance(part, Index) else part for part in view]


def _index(index: Index, place: Any) -> tuple[Any, ...]:
    return tuple(_entry(entry, place) for entry in index.entries)


def _entry(entry: Slice | At, place: Any) -> Any:
    match entry:
        case At(where):
            return place(where)
        case Slice(start, size, stride):
            if size < 1 or stride < 1:
                raise ProgramRefusedError(f"a slice of {size} elements with stride {stride}")
            return pl.ds(place(start), size, stride)
