"""The primitives that the judge binds again, by name. Everything else is refused."""

from collections.abc import Callable
from typing import Any

from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu
from jax.extend.core import primitives

NAMES = frozenset({
    "abs", "add", "and", "argmax", "argmin", "atan2", "bitcast_convert_type", "broadcast_in_dim",
    "cbrt", "ceil", "clamp", "clz", "concatenate", "convert_element_type", "copy", "cos", "cummax",
    "cummin", "cumprod", "cumsum", "cumlogsumexp", "div", "dot_general", "dynamic_slice",
    "dynamic_update_slice", "eq", "erf", "exp", "exp2", "expm1", "floor", "gather", "ge", "gt",
    "integer_pow", "iota", "is_finite", "le", "log", "log1p", "logistic", "lt", "max", "min", "mul",
    "ne", "neg", "nextafter", "not", "or", "pad", "population_count", "pow", "reduce_and",
    "reduce_max", "reduce_min", "reduce_or", "reduce_precision", "reduce_prod", "reduce_sum",
    "reduce_xor", "rem", "reshape", "rev", "round", "rsqrt", "select_n", "shift_left",
    "shift_right_arithmetic", "shift_right_logical", "sign", "sin", "slice", "sort", "split",
    "sqrt", "square", "squeeze", "stop_gradient", "sub", "tan", "tanh", "transpose", "xor",
})  # fmt: skip
"""Primitives of jax without inner programs, without effects and without a device of their own."""

CALLBACKS = frozenset({
    "pure_callback", "io_callback", "debug_callback", "debug_print", "host_callback_call",
})  # fmt: skip

_BY_THE_JUDGE = frozenset({"program_id", "with_memory_space_constraint"})
"""Primitives that the judge has its own ways of."""

_WORDS = {
    "while": "dynamic-trip-count: a while loop: its trip count is not in the program",
    **{name: f"callback: calls the host: {name}" for name in CALLBACKS},
}


def refusal(name: str) -> str:
    """Why a primitive that is not bound again is refused."""
    return _WORDS.get(name, f"primitive {name[:60]} is not one that the judge rebuilds")


def is_bound(name: str) -> bool:
    """Whether the judge binds a primitive of that name anywhere."""
    return name in NAMES or name in IN_KERNELS or name in _BY_THE_JUDGE


def plain(name: str) -> Any:
    """The primitive, or nothing where the judge does not bind it."""
    if name not in NAMES:
        return None
    found = getattr(primitives, f"{name}_p", None)
    return getattr(lax, f"{name}_p", None) if found is None else found


def _multiple_of(x: Any, *, values: Any) -> Any:
    return pl.multiple_of(x, list(values))


def _roll(x: Any, shift: Any, *, axis: int, stride: Any = None, stride_axis: Any = None) -> Any:
    return pltpu.roll(x, shift, axis, stride=stride, stride_axis=stride_axis)


IN_KERNELS: dict[str, Callable[..., Any]] = {"multiple_of": _multiple_of, "roll": _roll}
"""Primitives of Pallas, which are made by their public functions."""
