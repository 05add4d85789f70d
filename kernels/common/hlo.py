"""The compiler's final program as text: what surrounds the kernel, what the kernel takes."""

import re

DTYPE_BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s16": 2, "u16": 2}
"""Bytes of an element; every type not named has four, but for the 64-bit ones, not used here."""

FREE = frozenset({
    "parameter", "constant", "bitcast", "tuple", "get-tuple-element", "custom-call", "iota",
    "copy-start", "copy-done", "after-all", "broadcast",
})  # fmt: skip
"""What moves nothing, the kernel itself, and prefetches, which the full shape has none of."""

_INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%([\w.-]+) = (.*?) ([\w-]+)\((.*)")
_ARRAY = re.compile(r"(\w+)\[([\d,]*)\]")
_OPERAND = re.compile(r"%([\w.-]+)")
_SCOPED = re.compile(r'"used_scoped_memory_configs":\[\{[^}]*"size":"(\d+)"')


def entry(text: str) -> list[str]:
    """The lines of the entry computation."""
    body = text[text.index("\nENTRY ") :]
    return body[: body.index("\n}")].splitlines()[2:]


def moved_bytes(text: str) -> int:
    """Bytes that the operations around the kernel read and write, each operand and result once."""
    sizes: dict[str, int] = {}
    total = 0
    for line in entry(text):
        match = _INSTRUCTION.match(line)
        if not match:
            continue
        name, shape, operation, rest = match.groups()
        sizes[name] = array_bytes(shape)
        if operation not in FREE:
            operands = _OPERAND.findall(rest.split("),")[0])
            total += sizes[name] + sum(sizes.get(o, 0) for o in operands)
    return total


def array_bytes(shape: str) -> int:
    """Bytes of an array, or of all arrays of a tuple."""
    return sum(_size(dtype, dims) for dtype, dims in _ARRAY.findall(shape))


def _size(dtype: str, dims: str) -> int:
    count = 1
    for d in filter(None, dims.split(",")):
        count *= int(d)
    return count * DTYPE_BYTES.get(dtype, 4)


def kernel_vmem_bytes(text: str, operation: str) -> int:
    """Bytes of on-chip memory that the kernel's custom call uses: blocks, scratch and spills."""
    for line in entry(text):
        if line.strip().removeprefix("ROOT ").startswith(f"%{operation} = "):
            match = _SCOPED.search(line)
            return int(match.group(1)) if match else 0
    raise ValueError(f"the compiled program has no operation {operation}")
