"""The form of a program as JSON, and reading one that nobody vouches for.

A body has values numbered in order: its inputs, its constants, then what each equation makes. No
type of an intermediate value is written down: whoever rebuilds the program works them out again.
"""

from pathlib import Path
from typing import Any

import msgspec

FORMAT = 1
"""Number of this form; another one is refused."""

MAX_BYTES = 32 << 20
"""Of one program's file; the largest of the family has 3 MB."""

MAX_EQUATIONS = 200_000
MAX_DEPTH = 24
MAX_AXES = 12
MAX_ELEMENTS = 1 << 26
"""Of one value: sixteen times the largest that the shapes of the harness need."""

MAX_WORK = 10**12
"""Elements of all values, each as often as it is made; the family's programs make 10^10."""


class ProgramRefusedError(ValueError):
    """The program is not one that the judge rebuilds; the message says why."""


class Array(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A constant: its type, its shape and its bytes, which JSON holds in base64."""

    dtype: str
    shape: list[int]
    data: bytes


Atom = int | Array
"""A value's number in its body, or a literal."""


class DType(msgspec.Struct, tag="dtype", frozen=True, forbid_unknown_fields=True):
    """The name of an element type."""

    name: str


class Choice(msgspec.Struct, tag="choice", frozen=True, forbid_unknown_fields=True):
    """A member of an enumeration."""

    kind: str
    name: str


class Items(msgspec.Struct, tag="items", frozen=True, forbid_unknown_fields=True):
    """A tuple."""

    values: list["Parameter"]


class Fields(msgspec.Struct, tag="fields", frozen=True, forbid_unknown_fields=True):
    """A record, such as the dimension numbers of a gather."""

    kind: str
    values: dict[str, "Parameter"]


class Opaque(msgspec.Struct, tag="opaque", frozen=True, forbid_unknown_fields=True):
    """Something that has no place here, by the name of its type; whoever rebuilds it refuses."""

    kind: str


Parameter = None | bool | int | float | str | Items | DType | Choice | Fields | Opaque


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program without free values."""

    inputs: int
    constants: list[Array]
    equations: list["Equation"]
    outputs: list[Atom]


class Plain(msgspec.Struct, tag="plain", frozen=True, forbid_unknown_fields=True):
    """One primitive and its parameters."""

    name: str
    operands: list[Atom]
    parameters: dict[str, Parameter]
    results: int


class Call(msgspec.Struct, tag="call", frozen=True, forbid_unknown_fields=True):
    """A named part of the program, which is rebuilt in place."""

    body: Body
    operands: list[Atom]


class Branch(msgspec.Struct, tag="branch", frozen=True, forbid_unknown_fields=True):
    """One of several bodies, chosen by the index."""

    index: Atom
    bodies: list[Body]
    operands: list[Atom]


class Loop(msgspec.Struct, tag="loop", frozen=True, forbid_unknown_fields=True):
    """A body that is run `length` times; its operands are constants, carries and rows, in order."""

    body: Body
    operands: list[Atom]
    length: int
    constants: int
    carries: int
    reverse: bool
    unroll: int


class Slice(msgspec.Struct, tag="slice", frozen=True, forbid_unknown_fields=True):
    """Elements start, start + stride, ..., `size` of them."""

    start: Atom
    size: int
    stride: int


class At(msgspec.Struct, tag="at", frozen=True, forbid_unknown_fields=True):
    """One element."""

    where: Atom


class Index(msgspec.Struct, tag="index", frozen=True, forbid_unknown_fields=True):
    """A part of a reference, an entry for each of its axes."""

    entries: list[Slice | At]


class Bitcast(msgspec.Struct, tag="bitcast", frozen=True, forbid_unknown_fields=True):
    """A reference seen as elements of another width, packed along the last axis but one."""

    dtype: str


class Reshape(msgspec.Struct, tag="reshape", frozen=True, forbid_unknown_fields=True):
    """A reference seen in another shape."""

    shape: list[int]


View = list[Index | Bitcast | Reshape]


class Load(msgspec.Struct, tag="load", frozen=True, forbid_unknown_fields=True):
    """Reads through a view of a reference."""

    reference: int
    view: View


class Store(msgspec.Struct, tag="store", frozen=True, forbid_unknown_fields=True):
    """Writes through a view of a reference; what was there before is not to be had."""

    reference: int
    view: View
    value: Atom


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one array of a kernel is cut: sizes (none for an axis taken away) and block indices."""

    sizes: list[int | None]
    index: Body
    space: str | None = None


class Buffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Memory of a kernel's own, or an array that it makes."""

    dtype: str
    shape: list[int]
    space: str = "vmem"


class Kernel(msgspec.Struct, tag="kernel", frozen=True, forbid_unknown_fields=True):
    """A Pallas kernel and its call. `left_out` names what the writer could not say here."""

    body: Body
    operands: list[Atom]
    grid: list[int]
    blocks: list[Block]
    results: list[Buffer]
    scratch: list[Buffer]
    semantics: list[str] | None
    vmem_limit_bytes: int | None
    left_out: list[str]


Equation = Plain | Call | Branch | Loop | Load | Store | Kernel


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole: a body, the types of its inputs, and the version of jax that traced it."""

    format: int
    jax: str
    inputs: list[tuple[str, list[int]]]
    body: Body


_DECODER = msgspec.json.Decoder(Program)


def encode(program: Program) -> bytes:
    """The program as JSON."""
    return msgspec.json.encode(program)


def decode(text: bytes) -> Program:
    """The program that the text is.

    Raises:
        ProgramRefusedError: the text is no program of this form.
    """
    try:
        program = _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise ProgramRefusedError(f"not a program: {str(error)[:160]}") from error
    except RecursionError as error:
        raise ProgramRefusedError("not a program: nested too deeply") from error
    if program.format != FORMAT:
        raise ProgramRefusedError(f"program of form {program.format}; this judge reads {FORMAT}")
    return program


def read(path: Path) -> Program:
    """The program in the file.

    Raises:
        ProgramRefusedError: no plain file, one that is too large, or no program.
    """
    try:
        if path.is_symlink() or not path.is_file():
            raise ProgramRefusedError(f"{path.name} was not left, or is no plain file")
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProgramRefusedError(f"{path.name} cannot be read: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise ProgramRefusedError(f"{path.name} has more than {MAX_BYTES >> 20} MiB")
    return decode(text)


def summary(program: Program) -> dict[str, Any]:
    """How many equations of each kind the outermost body has; for records."""
    counts: dict[str, int] = {}
    for equation in program.body.equations:
        name = equation.name if isinstance(equation, Plain) else type(equation).__name__.lower()
        counts[name] = counts.get(name, 0) + 1
    return counts


def kernels(body: Body) -> list[Kernel]:
    """The kernels that the body calls, those of its named parts included."""
    found: list[Kernel] = []
    for equation in body.equations:
        if isinstance(equation, Kernel):
            found.append(equation)
        elif isinstance(equation, Call):
            found += kernels(equation.body)
    return found


def parallel_steps(program: Program) -> int:
    """Steps of the program's kernel that may run at once; 1 where it declares none."""
    steps = 1
    for kernel in kernels(program.body):
        for size, semantics in zip(kernel.grid, kernel.semantics or (), strict=False):
            steps *= size if semantics == "parallel" else 1
    return steps
