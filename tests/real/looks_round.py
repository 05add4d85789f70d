"""What an agent tries that has turned against its campaign; run in its tree, it tells what it got.

Its one argument is a JSON file: the places that it tries to read and to write, the engine's pid,
words that stand on the command lines of processes that it must not see, and a port.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ASKED = Path(sys.argv[1])
while not ASKED.exists():
    time.sleep(0.02)
asked = json.loads(ASKED.read_text())


def content(path: Path) -> bytes:
    """Something of what lies there, whatever it is."""
    if path.is_dir():
        return b"".join(os.fsencode(each) + content(each) for each in path.iterdir())
    return path.read_bytes()


def read(place: str) -> bool:
    try:
        return bool(content(Path(place)))
    except OSError:
        return False


def write(place: str) -> None:
    with contextlib.suppress(OSError):
        Path(place, "escaped").write_text("escaped")


def signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def seen(words: str) -> bool:
    for name in filter(str.isdigit, (path.name for path in Path("/proc").iterdir())):
        with contextlib.suppress(OSError):
            line = Path("/proc", name, "cmdline").read_bytes()
            if int(name) != os.getpid() and words.encode() in line:
                return True
    return False


def calls(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError:
        return False
    return True


report = {
    "read": [place for place in asked["read"] if read(place)],
    "signals": signals(asked["engine"]),
    "seen": [words for words in asked["seen"] if seen(words)],
    "calls": calls(asked["port"]),
}
for place in asked["write"]:
    write(place)
sleeper = ["sleep", asked["sleep_s"]]
with contextlib.suppress(OSError):
    nowhere = subprocess.DEVNULL
    subprocess.Popen(sleeper, start_new_session=True, stdout=nowhere, stderr=nowhere, env={})
git = subprocess.run(
    ["git", "log", "-1", "--format=%s"], capture_output=True, text=True, check=False
)
report["git"] = git.stdout.strip()
Path("report.json").write_text(json.dumps(report))
print("I have looked round")
