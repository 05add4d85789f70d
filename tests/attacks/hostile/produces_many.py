"""Leaves more files than there may be."""

import os
from pathlib import Path

for number in range(3000):
    Path(os.environ["CONTROLROOM_PRODUCED"], f"{number:05}").write_text("x")
