"""Locks everything that it may write to, once something lies there."""

import os
from pathlib import Path

folder = Path(os.environ["CONTROLROOM_PRODUCED"])
(folder / "below").mkdir()
(folder / "data").write_text("data")
(folder / "below" / "more").write_text("more")
for path in (*folder.rglob("*"), folder, Path("/tmp"), Path("/dev/shm"), Path(os.environ["HOME"])):
    try:
        path.chmod(0)
    except OSError as error:
        print(error)
