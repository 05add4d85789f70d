"""Leaves a file that seems larger than the disk."""

import os
from pathlib import Path

path = Path(os.environ["CONTROLROOM_PRODUCED"], "network.json")
with path.open("wb") as file:
    file.truncate(20 << 20)
os._exit(0)
