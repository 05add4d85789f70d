"""What a sandbox costs: `true` without one and in one, the median of 50 each, taken in turns.

Run it on a quiet machine: python scripts/measure_sandbox.py [--count 50]
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

import anyio

from engine.executors.local import Local
from engine.executors.protocol import Box, Command, Finished, Marker
from engine.executors.trial import available


class Nowhere:
    """A log that keeps nothing."""

    async def write(self, data: bytes) -> None:
        """Take it."""

    async def flush(self) -> None:
        """Nothing waits."""


async def took_ms(local: Local, box: Box | None) -> float:
    """Milliseconds from the call to the answer."""
    here = str(Path.cwd())
    command = Command(
        run=("true",),
        cwd=Path.cwd(),
        env={"PATH": os.environ["PATH"]},
        marker=Marker(here, f"{here}#measured"),
        box=box,
    )
    begun_s = time.perf_counter()
    ended = await local.run(command, log=Nowhere())
    took_s = time.perf_counter() - begun_s
    if ended != Finished(exit_code=0):
        sys.exit(f"it did not run: {ended}")
    return took_s * 1e3


async def measure(count: int) -> None:
    """Print the medians and the difference."""
    sandbox = available()
    if not sandbox.works:
        sys.exit(f"there is no sandbox here: {sandbox.why}")
    local = Local()
    bare_ms, boxed_ms = [], []
    for _ in range(count):
        bare_ms.append(await took_ms(local, None))
        boxed_ms.append(await took_ms(local, Box(read=(Path.cwd(),))))
    bare, boxed = statistics.median(bare_ms), statistics.median(boxed_ms)
    print(f"bare {bare:.1f} ms, in a sandbox {boxed:.1f} ms: {boxed - bare:.1f} ms more")
    print(f"quickest: {min(bare_ms):.1f} ms and {min(boxed_ms):.1f} ms; {count} of each")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    anyio.run(measure, parser.parse_args().count)
