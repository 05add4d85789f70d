"""A stand-in for an engine: runs the script given as one step, and lives until it is killed."""

import os
import sys
from pathlib import Path

import anyio

from engine.executors.local import Local
from engine.executors.protocol import Box, Command, Marker
from tests.executing import MemoryLog


async def main(folder: str, script: str, how: str = "bare") -> None:
    """Run the script in the folder, marked with it; in a sandbox if that is how."""
    command = Command(
        run=script,
        cwd=Path(folder),
        env={"PATH": os.environ["PATH"]},
        marker=Marker(folder, f"{folder}#1/check/1"),
        box=Box(write=(Path(folder),)) if how == "boxed" else None,
    )
    await Local().run(command, log=MemoryLog())


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
