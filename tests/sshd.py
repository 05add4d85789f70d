"""A real sshd on a loopback port, with keys, configuration and known hosts of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.executors import procfs
from engine.executors.ssh.settings import SshSettings
from tests.executing import until

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "/usr/sbin/sshd"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sshd:
    """Starts one that lets in the owner of this process, by a key, under the name `alias`.

    Its logins find `home` as their home, so that what is put there is out of everybody's way.
    """

    def __init__(self, folder: Path, alias: str = "far") -> None:
        self.folder = folder
        self.alias = alias
        self.port = free_port()
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.config = folder / "config"
        self.known_hosts = folder / "known_hosts"
        for name in ("host_key", "id"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(words, check=True)
        shutil.copy(folder / "id.pub", folder / "authorized_keys")
        self.known_hosts.write_text(self.known_line(self.port))
        self.write_config(self.port)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def known_line(self, port: int, key: str = "host_key.pub") -> str:
        kind, value, *_ = (self.folder / key).read_text().split()
        return f"[127.0.0.1]:{port} {kind} {value}\n"

    def write_config(self, port: int) -> None:
        self.config.write_text(
            f"Host {self.alias}\n  HostName 127.0.0.1\n  Port {port}\n"
            f"  User {pwd.getpwuid(os.getuid()).pw_name}\n  IdentityFile {self.folder / 'id'}\n"
            f"  IdentitiesOnly yes\n  UserKnownHostsFile {self.known_hosts}\n"
        )

    def start(self) -> None:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        options = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self.folder / "host_key",
            "AuthorizedKeysFile": self.folder / "authorized_keys",
            "PidFile": self.folder / "sshd.pid",
            "PermitRootLogin": "prohibit-password",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "UsePAM": "no",
            "StrictModes": "no",
            "UseDNS": "no",
            "MaxStartups": "100:30:200",
            # Before the login's shell reads its files.
            "SetEnv": f"HOME={self.home}",
            "ForceCommand": f'cd {self.home} && exec sh -c "$SSH_ORIGINAL_COMMAND"',
        }
        path = self.folder / "sshd_config"
        path.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(path)], stdin=subprocess.DEVNULL, stderr=log
            )
        until(self._answers)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def sessions(self) -> list[int]:
        """The processes of sshd that serve connections."""
        if self._process is None:
            return []
        alive = {each.pid: each for each in procfs.everything() if not each.dead}
        below = procfs.descendants({self._process.pid: alive[self._process.pid]}, alive)
        return [pid for pid in below if pid != self._process.pid and _is_sshd(pid)]

    def cut(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal what serves the connections."""
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """End it, and all connections."""
        if self._process is not None:
            self.cut()
            self._process.kill()
            self._process.wait()
            self._process = None

    def settings(self, **more: Any) -> SshSettings:
        """Those of an executor with this host."""
        given: dict[str, Any] = {
            "name": "far",
            "hosts": (self.alias,),
            "config": self.config,
            "grace_s": 0.2,
            "patience_s": 20.0,
        }
        return SshSettings(**(given | more))


def _is_sshd(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().startswith("sshd")
    return False


class Cable:
    """A way to a port that can be cut, and that can swallow what is sent over it."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._passes = threading.Event()
        self._passes.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        """Forward nothing any more, without a word."""
        self._passes.clear()

    def pass_on(self) -> None:
        """Forward again; what was swallowed comes late."""
        self._passes.set()

    def cut(self) -> None:
        """Break what is open."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the one who accepts
        self._listener.close()
        self.pass_on()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                if self._listener.fileno() < 0:
                    return
                time.sleep(0.01)
                continue
            self._open += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._passes.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
