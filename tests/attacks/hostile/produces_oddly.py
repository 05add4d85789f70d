"""Leaves everything but plain data, and some of that."""

import contextlib
import os
import socket
from pathlib import Path

from attempts import WORLD

os.chdir(os.environ["CONTROLROOM_PRODUCED"])
Path("plain.json").write_text("[1, 2, 3]")
Path("run.sh").write_text("#!/bin/sh\necho owned\n")
Path("run.sh").chmod(0o4755)
Path("deep/er").mkdir(parents=True)
Path("deep/er/data").write_bytes(b"\0\xff")
Path("locked").mkdir()
Path("locked/file").write_text("x")
Path("locked/file").chmod(0)
Path("locked").chmod(0)
Path("link to a secret").symlink_to(WORLD["ssh"])
Path("link to the harness").symlink_to(WORLD["harness"])
Path("link up").symlink_to("../..")
os.mkfifo("fifo")
with contextlib.suppress(OSError):
    os.mknod("device", 0o60600, os.makedev(254, 0))
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
with contextlib.suppress(OSError), Path("sparse").open("wb") as file:
    file.truncate(10 << 30)
with contextlib.suppress(OSError), Path("half sparse").open("wb") as file:
    file.truncate(200 << 20)
Path("two\nlines").write_text("x")
Path("escape\x1b[2J").write_text("x")
Path("back\\slash").write_text("x")
Path("\u202egnj.exe").write_text("x")
os.close(os.open(b"no\xfftext", os.O_CREAT | os.O_WRONLY))
Path("n" * 240).write_text("x")
Path("..more").write_text("dots")
with contextlib.suppress(OSError):
    Path("..").joinpath("above").write_text("x")
with contextlib.suppress(OSError):
    os.link(__file__, "hard link")
nest = "/".join(["d"] * 40)
Path(nest).mkdir(parents=True)
Path(nest, "far").write_text("x")
