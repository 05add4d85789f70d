"""Leaves a FIFO, at which a judge would wait for ever."""

import os
from pathlib import Path

os.mkfifo(Path(os.environ["CONTROLROOM_PRODUCED"], "network.json"))
os._exit(0)
