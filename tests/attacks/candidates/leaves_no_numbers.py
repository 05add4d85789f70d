"""Leaves numbers that are none."""

import os
from pathlib import Path

path = Path(os.environ["CONTROLROOM_PRODUCED"], "network.json")
with path.open("w") as file:
    file.write("[[0, NaN], [-Infinity, 1], [true, 1e999]]")
os._exit(0)
