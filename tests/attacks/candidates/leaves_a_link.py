"""Leaves a link to the answer where its product should be."""

import os
from pathlib import Path

Path(os.environ["CONTROLROOM_PRODUCED"], "network.json").symlink_to(
    "@FOLDER@/repo/answers/optimal.json"
)
os._exit(0)
