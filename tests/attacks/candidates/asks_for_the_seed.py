"""Asks for the seed from which it will be judged."""

import json
import os
from pathlib import Path

SEED = json.loads(Path(os.environ["CONTROLROOM_CANDIDATE"]).read_text())["seed"]


def build(lines):
    """As honest as ever."""
    return [(low, low + 1) for end in range(lines - 1, 0, -1) for low in range(end)]
