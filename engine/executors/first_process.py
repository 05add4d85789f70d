"""The first process of a sandbox, as the engine hands it over: interpreter, program and orders."""

import functools
import marshal
import sys
from pathlib import Path
from typing import Final

from engine.executors import inside
from engine.executors.inside import wire

_MODULES: Final = ("wire", "watching", "leaving", "supervisor")
"""Each after those that it needs."""

_LOAD: Final = """
import marshal, sys
ordered, telling, heard = map(int, sys.argv[1:])
with open(ordered, "rb") as file:
    program, orders = marshal.load(file)
for name, code in program:
    module = sys.modules[name] = type(sys)(name)
    module.__package__ = "inside"
    module.__path__ = []
    exec(code, vars(module))
module.main(module.Orders(**orders), telling, heard)
"""


def argv(ordered: int, telling: int, heard: int) -> list[str]:
    """How it is started.

    Args:
        ordered: the descriptor of what `handed_over` makes.
        telling: the one on which it tells the engine.
        heard: the one on which the command may report, or -1.
    """
    numbers = (str(number) for number in (ordered, telling, heard))
    return [_python(), "-I", "-S", "-B", "-c", _LOAD, *numbers]


def handed_over(orders: wire.Orders) -> bytes:
    """Its program and its orders. It reads no file of the engine's, and compiles nothing."""
    return marshal.dumps((_program(), orders.packed()))


@functools.cache
def _program() -> list[tuple[str, object]]:
    folder = Path(inside.__file__ or "").parent
    found: list[tuple[str, object]] = []
    for name in ("__init__", *_MODULES):
        path = folder / f"{name}.py"
        full = "inside" if name == "__init__" else f"inside.{name}"
        found.append((full, compile(path.read_bytes(), path.name, "exec", dont_inherit=True)))
    return found


@functools.cache
def _python() -> str:
    """The interpreter that this one was made from: a virtual environment's is only a link to it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    plain = Path(sys.base_prefix, "bin", version)
    return str(plain if plain.exists() else Path(sys.executable).resolve())
