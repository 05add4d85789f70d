"""What the engine and its program on a host say to one another, over one channel.

The engine sends a request, one line of JSON, and after it what the command needs. The program
answers `HELLO`, on a line of its own since a login shell may have printed something before, and
then frames: a letter, a length, so many bytes. Standard library alone.
"""

import json
import struct
from typing import Any, Final

HELLO: Final = b"controlroom-far-1\n"
HEAD: Final = struct.Struct(">cI")
MOST_FRAME_BYTES: Final = 1 << 20

DONE: Final = b"X"
"""The answer, as JSON, and the last frame."""

LOG: Final = b"L"
ERRORS: Final = b"E"
PULSE: Final = b"P"
FILE: Final = b"F"
"""A file begins: its path, size and mode as JSON."""

DATA: Final = b"D"
HASH: Final = b"H"
"""The file is complete: its SHA-256."""

ALIVE_S: Final = 5.0
"""The engine sends a byte this often while it follows a job."""

DEAF_S: Final = 60.0
"""Where it has not for so long, it is gone, whatever the connection says."""


def frame(kind: bytes, data: bytes) -> bytes:
    """Data as it is sent."""
    return HEAD.pack(kind, len(data)) + data


def answer(told: dict[str, Any]) -> bytes:
    """The answer as it is sent."""
    return frame(DONE, json.dumps(told).encode())
