"""The first process of a sandbox, as the engine hands it over: interpreter and program."""

import functools
import marshal
import sys
from pathlib import Path
from typing import Final

from engine.executors import inside

_MODULES: Final = ("wire", "looking", "watching", "leaving", "supervisor")
"""Each after those that it needs."""

_LOAD: Final = """
import marshal, sys
program, *others = map(int, sys.argv[1:])
with open(program, "rb") as file:
    program = marshal.load(file)
for name, code in program:
    module = sys.modules[name] = type(sys)(name)
    module.__package__ = "inside"
    module.__path__ = []
    exec(code, vars(module))
module.main(*others)
"""


def argv(program_at: int, ordered: int, awaited: int, telling: int, heard: int) -> list[str]:
    """How it is started.

    Args:
        program_at: the descriptor from which it can read `program`.
        ordered: the one from which it can read its orders, once it may.
        awaited: the one on which it is told that it may, or that nothing is wanted of it any more.
        telling: the one on which it tells the engine.
        heard: the one on which the command may report, or -1.
    """
    numbers = (str(number) for number in (program_at, ordered, awaited, telling, heard))
    return [_python(), "-I", "-S", "-B", "-c", _LOAD, *numbers]


@functools.cache
def program() -> bytes:
    """Its program. It reads no file of the engine's, and compiles nothing."""
    folder = Path(inside.__file__ or "").parent
    found: list[tuple[str, object]] = []
    for name in ("__init__", *_MODULES):
        path = folder / f"{name}.py"
        full = "inside" if name == "__init__" else f"inside.{name}"
        found.append((full, compile(path.read_bytes(), path.name, "exec", dont_inherit=True)))
    return marshal.dumps(found)


@functools.cache
def _python() -> str:
    """The interpreter that this one was made from: a virtual environment's is only a link to it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    plain = Path(sys.base_prefix, "bin", version)
    return str(plain if plain.exists() else Path(sys.executable).resolve())
