"""Fills whatever folder it may write to."""

import contextlib
import sys
import time
from pathlib import Path

folder = Path(sys.argv[1])
number = 0
while True:
    number += 1
    with contextlib.suppress(OSError), (folder / f"{number % 50}").open("ab") as file:
        file.write(b"x" * (4 << 20))
    if number > 100_000:
        time.sleep(1)
