"""A plain check, as most people write one: it runs the candidate's code, and scores it."""

import json
import os
from pathlib import Path

import network

score = len(network.build(8))
Path(os.environ["CONTROLROOM_RESULT"]).write_text(json.dumps({"metrics": {"comparators": score}}))
