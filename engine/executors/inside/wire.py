"""How the first process of a sandbox is told what to do, and how it tells what came of it.

Its orders come in a file; a byte on a pipe says that they are there. What it tells is frames on a
pipe: a letter, the length of what follows in four bytes, and that.
"""

from __future__ import annotations

TYPE_CHECKING = False  # the module that says so takes as long to load as all others together
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

STARTED: Final = b"S"
"""The sandbox stands; the command is started once it is ordered."""

REFUSED_START: Final = b"N"
"""The command cannot be started; why."""

OUTDATED: Final = b"O"
"""What is seen here is not any more what was to be seen; the command is not started. What it is."""

FILE: Final = b"F"
"""An ordinary file was left behind; its path. Its content follows."""

DATA: Final = b"D"
"""Some of the content of the last file."""

REFUSED: Final = b"R"
"""Something that was left behind is not handed out; what, and why."""

ENDED: Final = b"E"
"""The command ended, and nothing of it is left; see `Ending`."""

MOST_PAYLOAD_BYTES: Final = 1 << 16
_HEAD_BYTES: Final = 5


class Ending:
    """How the command ended.

    Args:
        status: its exit status, negative for a signal.
        background: how many processes it left behind.
        over: what it took too much of, if it did, and its limit.
    """

    def __init__(self, status: int, background: int, over: tuple[str, int] | None = None) -> None:
        self.status = status
        self.background = background
        self.over = over

    def packed(self) -> bytes:
        """The payload of ENDED."""
        what, limit = self.over or ("-", 0)
        return f"{self.status} {self.background} {what} {limit}".encode()


def unpacked(payload: bytes) -> Ending:
    """The ending that was packed.

    Raises:
        ValueError: nothing of the kind was.
    """
    status, background, what, limit = payload.decode("ascii").split()
    over = None if what == "-" else (what, int(limit))
    return Ending(int(status), int(background), over)


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """What is written for one thing that is told."""
    return kind + len(payload).to_bytes(4, "big") + payload


class Frames:
    """What is told, out of the pieces in which it arrives."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Kind and payload of what is there whole by now.

        Raises:
            ValueError: these are no frames.
        """
        self._rest += data
        while len(self._rest) >= _HEAD_BYTES:
            length = int.from_bytes(self._rest[1:_HEAD_BYTES], "big")
            if length > MOST_PAYLOAD_BYTES:
                raise ValueError(f"a frame of {length} bytes")
            end = _HEAD_BYTES + length
            if len(self._rest) < end:
                return
            kind, payload = self._rest[:1], self._rest[_HEAD_BYTES:end]
            self._rest = self._rest[end:]
            yield kind, payload


class Orders:
    """What the first process is to do.

    Args:
        argv: the command; its first word is the path of its program.
        env: its whole environment, each NAME=VALUE.
        memory_bytes: for all its processes together.
        processes: how many there may be at once.
        file_bytes: how large a file may become.
        scratch: folders that may not become full, and their sizes in bytes.
        produced: the folder whose files are handed out, if any, and how many bytes in all.
        most_files: how many files are handed out.
        policy: by which the command is scheduled.
        look_ms: how often it is looked at how much they take.
        shown: what has to be seen here, and the numbers of the device and the file that each is.
        hidden: what must not be seen, if it is there at all.
    """

    def __init__(
        self,
        *,
        argv: Sequence[bytes],
        env: Sequence[bytes],
        memory_bytes: int,
        processes: int,
        file_bytes: int,
        scratch: Sequence[tuple[str, int]],
        produced: tuple[str, int] | None,
        most_files: int,
        policy: int,
        look_ms: int,
        shown: Sequence[tuple[str, int, int]] = (),
        hidden: Sequence[str] = (),
    ) -> None:
        self.argv = tuple(argv)
        self.env = tuple(env)
        self.memory_bytes = memory_bytes
        self.processes = processes
        self.file_bytes = file_bytes
        self.scratch = tuple(scratch)
        self.produced = produced
        self.most_files = most_files
        self.policy = policy
        self.look_ms = look_ms
        self.shown = tuple(shown)
        self.hidden = tuple(hidden)

    def packed(self) -> dict[str, object]:
        """The orders as a file may hold them."""
        return dict(vars(self))
