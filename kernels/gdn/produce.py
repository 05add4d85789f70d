"""Leaves the candidate's programs as plain data: python -m kernels.gdn.evaluate produce [CHECK].

This is the half of a sealed check that runs the candidate's code. It traces the public function at
the shapes that the judge asks for and writes a file for each into CONTROLROOM_PRODUCED. Whatever it
says of itself counts for nothing.

Exit status: 0 the programs are there, 1 they cannot be made, 2 the command line is wrong.
"""

import argparse
import functools
import os
import sys
from pathlib import Path
from typing import Any

from kernels.gdn import named, result
from kernels.gdn.member import InvalidMemberError, parse


def main(arguments: list[str]) -> int:
    """Traces and writes, and returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        parameters, folder = _asked()
    except result.UsageError as error:
        print(f"produce: {error}", file=sys.stderr)
        return 2
    try:
        size = write(parameters, folder, options.check)
    except InvalidMemberError as error:
        return _fail(f"invalid member: {error}")
    except Exception as error:  # noqa: BLE001  tracing raises whatever its layers raise
        return _fail(f"{type(error).__name__}: {error}".splitlines()[0][:240])
    print(f"{size} bytes of programs")
    return 0


def _fail(words: str) -> int:
    print(f"produce: {words}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kernels.gdn.evaluate produce")
    parser.add_argument(
        "check", nargs="?", choices=result.CHECKS, default="acceptance",
        help="leave what this check judges; else what any does",
    )  # fmt: skip
    return parser


def _asked() -> tuple[dict[str, Any], Path]:
    candidate = os.environ.get("CONTROLROOM_CANDIDATE")
    folder = os.environ.get("CONTROLROOM_PRODUCED")
    if candidate is None or folder is None:
        raise result.UsageError("set CONTROLROOM_CANDIDATE and CONTROLROOM_PRODUCED")
    return result.read(Path(candidate))["parameters"], Path(folder)


def write(parameters: dict[str, Any], folder: Path, check: str) -> int:
    """Writes the programs that the check judges, and returns their size in bytes.

    Raises:
        InvalidMemberError: the parameters name no member.
        Exception: whatever tracing the member raises.
    """
    from kernels.gdn import tpu

    function = functools.partial(tpu.forward, parse(parameters))
    return write_function(function, folder, check)


def write_function(function: Any, folder: Path, check: str) -> int:
    """The same for any function of the six inputs."""
    from kernels.common.program import document, encode

    written = {s: encode.traced(function, s.abstract()) for s in named.costed(named.FEW)}
    if any(document.parallel_steps(p) < 2 for p in written.values()):
        written |= {s: encode.traced(function, s.abstract()) for s in named.costed(named.MANY)}
    written |= {s: encode.traced(function, s.abstract()) for s in named.judged(check)}
    return sum((folder / s.file).write_bytes(document.encode(p)) for s, p in written.items())
