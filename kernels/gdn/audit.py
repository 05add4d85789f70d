"""What a program may not do, read from its jaxpr: the rules that no error bound can stand for."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

FP32_DOT = "fp32-product-without-HIGHEST"
STATE = "state-narrower-than-fp32"
LOOP = "dynamic-trip-count"
CALLBACK = "callback"
CLAMP = "clamp-that-can-hide-NaN"
KERNEL = "missing-kernel"

RULES = (KERNEL, FP32_DOT, STATE, LOOP, CALLBACK, CLAMP)

_CALLBACKS = {"pure_callback", "io_callback", "debug_callback", "debug_print", "host_callback_call"}
_CLAMPS = {"clamp", "max", "min", "is_finite"}
_ELEMENTWISE = {
    "add", "sub", "mul", "neg", "select_n", "convert_element_type", "reshape", "squeeze",
    "broadcast_in_dim", "slice", "concatenate", "transpose", "stochastic_round",
    "reduce_precision", "copy", "integer_pow", "div",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Finding:
    """A broken rule and what breaks it."""

    rule: str
    detail: str


def audit(function: Callable[..., Any], shapes: tuple[Any, ...]) -> list[Finding]:
    """Every broken rule of the function traced at these shapes, each rule at most once.

    Raises:
        Exception: whatever tracing the function raises.
    """
    return audit_jaxpr(jax.make_jaxpr(function)(*shapes).jaxpr)


def audit_jaxpr(jaxpr: Any) -> list[Finding]:
    """Every broken rule of a traced program, each rule at most once."""
    kernels = [e for e in _equations(jaxpr) if e.primitive.name == "pallas_call"]
    found = [] if kernels else [Finding(KERNEL, "the function calls no Pallas kernel")]
    for equation in _equations(jaxpr):
        found += [f for rule in _EQUATION_RULES for f in rule(equation)]
    for call in kernels:
        found += _check_grid(call) + _check_state(call)
    return list({f.rule: f for f in reversed(found)}.values())[::-1]


def _equations(jaxpr: Any) -> Iterator[Any]:
    """All equations, those of inner programs included."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            for inner in _programs(value):
                yield from _equations(inner)


def _programs(value: Any) -> Iterator[Any]:
    if hasattr(value, "eqns"):
        yield value
    elif hasattr(value, "jaxpr"):
        yield from _programs(value.jaxpr)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _programs(item)


def _check_dot(equation: Any) -> list[Finding]:
    if equation.primitive.name != "dot_general":
        return []
    wide = [v for v in equation.invars if v.aval.dtype == jnp.float32]
    precision = equation.params["precision"]
    both = precision if isinstance(precision, tuple) else (precision, precision)
    if not wide or all(p == jax.lax.Precision.HIGHEST for p in both):
        return []
    return [
        Finding(FP32_DOT, "a product of fp32 operands is one bf16 pass on a TPU unless HIGHEST")
    ]


def _check_loop(equation: Any) -> list[Finding]:
    if equation.primitive.name != "while":
        return []
    return [Finding(LOOP, "a while loop: its trip count is not in the program, nor in its cost")]


def _check_callback(equation: Any) -> list[Finding]:
    name = equation.primitive.name
    return [Finding(CALLBACK, f"calls the host: {name}")] if name in _CALLBACKS else []


def _check_clamp(equation: Any) -> list[Finding]:
    name = equation.primitive.name
    floating = [v for v in equation.invars if jnp.issubdtype(v.aval.dtype, jnp.floating)]
    same = name in {"eq", "ne"} and equation.invars[0] is equation.invars[1]
    if floating and (name in _CLAMPS or same):
        return [Finding(CLAMP, f"{name} of floating-point values")]
    return []


_EQUATION_RULES = (_check_dot, _check_loop, _check_callback, _check_clamp)


def _check_grid(call: Any) -> list[Finding]:
    grid = call.params["grid_mapping"].grid
    if all(isinstance(size, int | np.integer) for size in grid):
        return []
    return [Finding(LOOP, f"the grid {grid} is not known before the run")]


def _check_state(call: Any) -> list[Finding]:
    """The scratch, and what is written to it and to fp32 outputs without a product in between."""
    kernel, mapping = call.params["jaxpr"], call.params["grid_mapping"]
    scratch = kernel.invars[len(kernel.invars) - mapping.num_scratch_operands :]
    for ref in scratch:
        if _narrow(ref.aval):
            return [Finding(STATE, f"scratch of {ref.aval.dtype} is carried from chunk to chunk")]
    outputs = kernel.invars[len(kernel.invars) - len(scratch) - mapping.num_outputs :]
    kept = [ref for ref in outputs if ref.aval.dtype == jnp.float32]
    return _check_writes(kernel, {id(ref) for ref in (*scratch, *kept)})


def _check_writes(jaxpr: Any, refs: set[int]) -> list[Finding]:
    makers = {id(v): e for e in jaxpr.eqns for v in e.outvars}
    for equation in jaxpr.eqns:
        if equation.primitive.name == "swap" and id(equation.invars[0]) in refs:
            narrow = _narrow_source(equation.invars[1], makers)
            if narrow is not None:
                return [Finding(STATE, f"the carried state passes through {narrow}")]
        for inner, names in _inner_refs(equation, refs):
            found = _check_writes(inner, names)
            if found:
                return found
    return []


def _inner_refs(equation: Any, refs: set[int]) -> Iterator[tuple[Any, set[int]]]:
    """Inner programs that end in the equation's own operands, and which of theirs are refs."""
    for value in equation.params.values():
        for inner in _programs(value):
            count = len(inner.invars)
            pairs = zip(inner.invars, equation.invars[-count:] if count else [], strict=False)
            yield inner, {id(own) for own, given in pairs if id(given) in refs}


def _narrow_source(variable: Any, makers: dict[int, Any]) -> str | None:
    """The narrow type that a value was rounded to on its way from the last product or read."""
    pending, seen = [variable], set()
    while pending:
        v = pending.pop()
        if id(v) in seen or not hasattr(v, "aval"):
            continue
        seen.add(id(v))
        if _narrow(v.aval):
            return str(v.aval.dtype)
        equation = makers.get(id(v))
        if equation is not None and equation.primitive.name in _ELEMENTWISE:
            if equation.primitive.name == "reduce_precision":
                return "reduce_precision"
            pending += [x for x in equation.invars if len(getattr(x.aval, "shape", ())) > 1]
    return None


def _narrow(aval: Any) -> bool:
    dtype = getattr(aval, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4
