"""The world of an attack: what is kept from it, the attacker's tree, and a look afterwards."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from engine.executors import procfs
from engine.executors.local import Local
from engine.executors.protocol import Box, Command, Ended, Finished, Marker
from tests.executing import MemoryLog

HOSTILE = Path(__file__).parent / "hostile"
KEY = "sk-planted-4f1d9c"
SECRET = "-----BEGIN A PLANTED KEY-----"
MIB = 1 << 20
GRACE_S = 0.2


class World:
    """A person's home with keys, a run's folder, a harness, strangers; and an attacker's tree.

    Use it as a context: it keeps a server listening and a process with a key in its environment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self.run = folder / "run"
        self.collects = folder / "collected"
        self._person = folder / "person"
        self._harness = folder / "harness"
        shutil.copytree(HOSTILE, self.tree, ignore=shutil.ignore_patterns("__pycache__"))
        self._plant("person/.ssh/id_ed25519", SECRET)
        self._plant("run/journal.sqlite", "journal")
        self._plant("run/result.json", "{}")
        self._plant("harness/score.py", "print(1)")
        self._plant("prompt.md", "what it may read")
        self._abstract = f"planted-{secrets.token_hex(8)}"
        self._counted = 0
        self._listeners: list[socket.socket] = []

    @contextlib.contextmanager
    def standing(self) -> Iterator["World"]:
        """The world with its servers and strangers; afterwards nothing may have changed."""
        with contextlib.ExitStack() as opened:
            self._listeners = [self._listen(opened, *where) for where in self._addresses()]
            stranger = subprocess.Popen(
                [sys.executable, "-c", "import time; time.sleep(600)", "planted-stranger"],
                env={"OPENAI_API_KEY": KEY},
            )
            opened.callback(lambda: (stranger.kill(), stranger.wait()))
            self._describe(self._listeners[0].getsockname()[1])
            before = self._seen()
            yield self
            assert self._seen() == before, "something outside was changed"
            assert self.leftovers() == []
            assert not self.forget_calls()
            assert stranger.poll() is None, "a stranger was killed"

    def command(self, program: str, *words: str, **more: Any) -> Command:
        """The attacker's program, in a box that shows it its tree."""
        self._counted += 1
        box = more.pop("box", {})
        shown = None if box is None else Box(read=(self.tree, Path(sys.prefix)), **box)
        run = str(self.run.resolve())
        settings: dict[str, Any] = {
            "run": (sys.executable, "-B", f"{self.tree}/{program}", *words),
            "cwd": self.tree,
            "env": {"PATH": os.environ["PATH"]},
            "marker": Marker(run, f"{run}#{self._counted}/check/1"),
            "deadline_s": 60.0,
            "box": shown,
        }
        return Command(**(settings | more))

    async def attack(self, program: str, *words: str, **more: Any) -> tuple[Ended, str]:
        """How the attack ended and what it printed; an honest command still runs afterwards."""
        local = Local(grace_s=GRACE_S)
        log = MemoryLog()
        ended = await local.run(self.command(program, *words, **more), log=log)
        assert self.leftovers() == []
        honest = msgspec.structs.replace(self.command("attempts.py"), run=("true",))
        assert await local.run(honest, log=MemoryLog()) == Finished(exit_code=0)
        return ended, log.text.decode(errors="replace")

    def leftovers(self) -> list[int]:
        """Pids of what runs out of the attacker's tree, or carries the run's marker."""
        mark = os.fsencode(str(self.tree))
        found = [each.pid for each in procfs.everything() if mark in _words(each.pid)]
        return found + [each.pid for each in procfs.carrying("CONTROLROOM_RUN", str(self.run))]

    def forget_calls(self) -> bool:
        """Whether anybody called one of the servers since this was asked last."""
        called = [_was_called(listener) for listener in self._listeners]
        return any(called)

    def _plant(self, path: str, text: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def _addresses(self) -> list[tuple[int, Any]]:
        path = os.path.relpath(self.folder / "run" / "s")  # the whole path may be too long for one
        return [
            (socket.AF_INET, ("0.0.0.0", 0)),
            (socket.AF_UNIX, path),
            (socket.AF_UNIX, f"\0{self._abstract}"),
        ]

    def _listen(self, opened: contextlib.ExitStack, family: int, address: Any) -> socket.socket:
        listener = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listener.bind(address)
        listener.listen()
        listener.setblocking(False)
        return listener

    def _describe(self, port: int) -> None:
        known = {
            "key": KEY,
            "stranger": "planted-stranger",
            "person": str(self._person),
            "ssh": str(self._person / ".ssh" / "id_ed25519"),
            "run": str(self.run),
            "harness": str(self._harness),
            "prefix": sys.base_prefix,
            "port": port,
            "address": _own_address(),
            "socket": str(self.run / "s"),
            "abstract": self._abstract,
        }
        (self.tree / "world.json").write_text(json.dumps(known))

    def _seen(self) -> dict[str, object]:
        """Everything that an attack might change."""
        paths = [path for path in self.folder.rglob("*") if self.collects not in path.parents]
        files = {str(path): _state(path) for path in paths if path != self.collects}
        return files | seen_of_the_machine()


def seen_of_the_machine() -> dict[str, object]:
    """Settings and places that an attack might reach; scratch folders are others' too."""
    settings = ("kernel/core_pattern", "kernel/hostname", "vm/overcommit_memory")
    kernel = {name: Path("/proc/sys", name).read_text() for name in settings}
    places = ("/", "/usr", "/usr/bin", "/usr/lib", "/etc")
    return {**kernel, **{place: sorted(map(str, Path(place).iterdir())) for place in places}}


def no_more_than_before(before: dict[str, object]) -> list[str]:
    """The names of what is otherwise than before."""
    now = seen_of_the_machine()
    return [name for name, was in before.items() if now[name] != was]


def _state(path: Path) -> object:
    found = path.lstat()
    content = path.read_bytes() if path.is_file() else b""
    return found.st_mode, found.st_size, found.st_mtime_ns, content


def _was_called(listener: socket.socket) -> bool:
    try:
        listener.accept()
    except BlockingIOError:
        return False
    return True


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        return probe.getsockname()[0]


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
