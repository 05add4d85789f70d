"""The real sshd: a screen behind ssh whose connection is cut, and a run that goes on."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.driving import CONTROLROOM, QUICK, Driver, wait_for
from tests.terminal import Terminal

LASTING = QUICK.replace('run: "true"', 'run: "sleep 0.5"').replace(
    "iterations: 12", "iterations: 120"
)


@dataclass(frozen=True)
class Server:
    """An sshd of our own on the loopback."""

    pid: int
    config: Path

    def command(self, folder: Path, *words: str) -> list[str]:
        """The ssh command that runs words in a folder of the other side, with a terminal."""
        remote = f"cd {folder} && TERM=xterm-256color exec {' '.join(words)}"
        return ["ssh", "-tt", "-F", str(self.config), "room", f"'{remote}'"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running sshd that lets this user in by key."""
    sshd = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert sshd is not None, "openssh-server is not installed; make test installs it"
    folder = tmp_path / "ssh"
    folder.mkdir()
    for name in ("host", "id"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(key, check=True)
    (folder / "allowed").write_text((folder / "id.pub").read_text())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/allowed\nPidFile none\nPermitRootLogin prohibit-password\n"
        "PasswordAuthentication no\nUsePAM no\nStrictModes no\nUseDNS no\n"
    )
    host_key = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    (folder / "config").write_text(
        f"Host room\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
        f"  IdentityFile {folder}/id\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder}/known_hosts\n  StrictHostKeyChecking yes\n"
    )
    command = [sshd, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")]
    daemon = subprocess.Popen(command)
    yield Server(daemon.pid, folder / "config")
    daemon.terminate()
    daemon.wait(10)


def sessions(server: Server) -> list[int]:
    """The processes in which sshd serves its connections."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(pid) for pid in children]


def test_a_cut_connection_does_not_reach_the_engine(tmp_path: Path, server: Server) -> None:
    driver = Driver(tmp_path, LASTING)
    terminal = Terminal(tmp_path)
    try:
        remote = server.command(tmp_path, *CONTROLROOM, "run", str(driver.config))
        terminal.type_line(" ".join(remote))
        terminal.wait_text("running", "iteration")
        before = driver.status()
        for pid in wait_for(lambda: sessions(server)):
            os.kill(pid, signal.SIGKILL)
        terminal.wait_text("ready>")
        now = driver.status()
        assert now["state"] == "running"
        assert now["engine"] == before["engine"]
        wait_for(lambda: driver.status()["iteration"] > now["iteration"])
        terminal.type_line(" ".join(server.command(tmp_path, *CONTROLROOM, "attach")))
        terminal.wait_text("running", "Leaderboard")
    finally:
        terminal.close()
        driver("stop", "--now", "--wait", status=None)
    assert driver.marked() == []
