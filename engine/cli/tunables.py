"""Numeric options of a training program that are worth a search, found in its source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TUNABLE: Final = (
    "lr",
    "learning-rate",
    "weight-decay",
    "momentum",
    "dropout",
    "batch-size",
    "batch",
)
FACTOR: Final = 30
"""How far a search on a log scale goes from the default, to either side."""


@dataclass(frozen=True)
class Tunable:
    """An option, its default, and what a candidate may choose, as YAML."""

    name: str
    default: str
    domain: str

    @property
    def key(self) -> str:
        """Its name as a parameter."""
        return self.name.replace("-", "_")


LEARNING_RATE: Final = Tunable("lr", "0.001", "{float: [0.0001, 0.03], scale: log, digits: 3}")
"""For programs whose options cannot be found."""


def tunables_of(source: str) -> tuple[Tunable, ...]:
    """The options that the program declares by argparse, in its order; none if it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: dict[str, Tunable] = {}
    for call in _declarations(tree):
        tunable = _tunable(call)
        if tunable is not None:
            found.setdefault(tunable.key, tunable)
    return tuple(found.values())


def _declarations(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "add_argument"
        ):
            yield node


def _tunable(call: ast.Call) -> Tunable | None:
    names = [word[2:] for node in call.args if isinstance(word := _constant(node), str)]
    default = next((_constant(k.value) for k in call.keywords if k.arg == "default"), None)
    if isinstance(default, bool) or not isinstance(default, int | float):
        return None
    for name in names:
        plain = name.replace("_", "-")
        domain = _domain(plain, default) if plain in TUNABLE else None
        if domain is not None:
            return Tunable(name, _number(default), domain)
    return None


def _constant(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None


def _domain(name: str, default: float) -> str | None:
    """What may be chosen around the default; None where the default says something else."""
    if name.startswith("batch"):
        return _sizes(default)
    if name in ("momentum", "dropout"):
        return _shares(default)
    if default == 0:
        return "{float: [0.0, 0.5], digits: 3}"
    low, high = float(f"{default / FACTOR:.2g}"), float(f"{default * FACTOR:.2g}")
    if not 1e-300 < low < high < 1e300:
        return None
    return f"{{float: [{_number(low)}, {_number(high)}], scale: log, digits: 3}}"


def _shares(default: float) -> str | None:
    if not 0 <= default < 1:
        return None
    return f"{{float: [0.0, {max(0.99, default)}], digits: 3}}"


def _sizes(default: float) -> str | None:
    if not 1 <= default <= 1 << 40 or default != int(default):
        return None
    size = int(default)
    sizes = sorted({max(1, size // 4), max(1, size // 2), size, size * 2, size * 4})
    return f"{{choices: [{', '.join(map(str, sizes))}]}}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) >= 1 else repr(value)
