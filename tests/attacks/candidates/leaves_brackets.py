"""Leaves brackets, one within the other, until a reader gives up."""

import os
from pathlib import Path

path = Path(os.environ["CONTROLROOM_PRODUCED"], "network.json")
with path.open("w") as file:
    file.write("[" * 50_000 + "]" * 50_000)
os._exit(0)
