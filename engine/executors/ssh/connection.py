"""One connection to a host, made when it is needed and again when it broke; channels over it."""

import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import anyio
import asyncssh

from engine.core.address import Address
from engine.executors.ssh.errors import HostError
from engine.executors.ssh.settings import SshSettings

Process = asyncssh.SSHClientProcess[bytes]
BROKEN: Final = (asyncssh.Error, OSError, EOFError)
"""What a broken connection is heard by."""


class Connection:
    """The way to one host. Host keys are always checked.

    Args:
        address: where it goes.
        settings: how.
    """

    def __init__(self, address: Address, settings: SshSettings) -> None:
        self.address = address
        self._settings = settings
        self._open: asyncssh.SSHClientConnection | None = None
        self._opening = anyio.Lock()
        self._channels = anyio.Semaphore(settings.channels)
        self.made = 0

    async def opened(self) -> asyncssh.SSHClientConnection:
        """The connection.

        Raises:
            HostError: there is none to be had.
        """
        async with self._opening:
            if self._open is None or self._open.is_closed():
                self._open = await self._connect()
                self.made += 1
            return self._open

    @asynccontextmanager
    async def process(self, words: tuple[str, ...]) -> AsyncGenerator[Process]:
        """A command on the host, over a channel of its own.

        Raises:
            HostError: the host cannot be reached, or not any more.
        """
        async with self._channels:
            try:
                process = await self._start(shlex.join(words))
            except BROKEN as error:
                self.drop()
                raise self._unreachable(f"the connection broke: {error}") from error
            try:
                yield process
            except BROKEN as error:
                raise self._unreachable(f"the connection broke: {error}") from error
            finally:
                process.close()

    async def _start(self, line: str) -> Process:
        connection = await self.opened()
        made = await connection.create_process(line, encoding=None)
        return cast("Process", made)

    async def _connect(self) -> asyncssh.SSHClientConnection:
        settings = self._settings
        options: dict[str, Any] = {
            "keepalive_interval": settings.keepalive_s,
            "keepalive_count_max": settings.keepalives,
            "connect_timeout": settings.connect_s,
            "login_timeout": settings.connect_s,
            "agent_forwarding": False,
        }
        if settings.config is not None:
            options["config"] = [str(settings.config)]
        if self.address.user is not None:
            options["username"] = self.address.user
        if self.address.port is not None:
            options["port"] = self.address.port
        try:
            return await asyncssh.connect(self.address.host, **options)
        except asyncssh.HostKeyNotVerifiable as error:
            raise HostError(str(self.address), "host key", self._untrusted(options)) from error
        except asyncssh.PermissionDenied as error:
            reason = (
                f"it lets nobody in with the keys that were offered ({error.reason}); see that "
                f"`{self.address.ssh}` works without a question: ssh-add your key, or name it "
                "as IdentityFile in the ssh configuration"
            )
            raise HostError(str(self.address), "login", reason) from error
        except (asyncssh.ConfigParseError, asyncssh.KeyImportError) as error:
            reason = f"the ssh configuration cannot be used: {error}"
            raise HostError(str(self.address), "login", reason) from error
        except (asyncssh.Error, OSError) as error:
            raise self._unreachable(f"no connection: {_words(error)}") from error

    def _untrusted(self, options: dict[str, Any]) -> str:
        """What to do about a host key: other words where another one is known."""
        host, port = _resolved(self.address, options)
        name = host if port == 22 else f"[{host}]:{port}"
        scan = f"ssh-keyscan {f'-p {port} ' if port != 22 else ''}{host}"
        if _is_known(name, options):
            return (
                f"its host key is another one than known_hosts has for {name}: it was set up anew, "
                "or somebody is in between. Find out which; then remove the old key: "
                f"ssh-keygen -R '{name}', and fetch the new one: {scan} >> ~/.ssh/known_hosts"
            )
        return (
            f"its host key is not known here. Fetch it: {scan} >> ~/.ssh/known_hosts, and compare "
            f"it with what the host itself shows; or answer `{self.address.ssh}` once"
        )

    def _unreachable(self, reason: str) -> HostError:
        return HostError(str(self.address), "unreachable", reason)

    def drop(self) -> None:
        """Let go of the connection; the next command makes a new one."""
        if self._open is not None:
            self._open.abort()
            self._open = None

    async def close(self) -> None:
        """End it."""
        if self._open is not None:
            self._open.close()
            with anyio.move_on_after(2):
                await self._open.wait_closed()
            self._open = None


def _resolved(address: Address, options: dict[str, Any]) -> tuple[str, int]:
    """The host and port that a name of the ssh configuration stands for."""
    known = {key: options[key] for key in ("config", "username", "port") if key in options}
    try:
        made = asyncssh.SSHClientConnectionOptions(host=address.host, **known)
    except (asyncssh.Error, OSError, ValueError):
        return address.host, address.port or 22
    host: str = getattr(made, "host", "") or address.host
    port: int = getattr(made, "port", 0) or address.port or 22
    return host, port


def _is_known(name: str, options: dict[str, Any]) -> bool:
    """Whether any file of known hosts has a key for it."""
    files = [Path("~/.ssh/known_hosts").expanduser(), Path("/etc/ssh/ssh_known_hosts")]
    for path in options.get("config", []):
        for line in Path(path).read_text(errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0].lower() == "userknownhostsfile":
                files += [Path(word).expanduser() for word in words[1:]]
    host, _, port = name.rpartition("]:") if name.startswith("[") else (name, "", "22")
    for path in files:
        try:
            known = asyncssh.read_known_hosts(str(path))
            found = known.match(host.lstrip("["), "", int(port))
        except (OSError, ValueError, asyncssh.Error):
            continue
        if any(found):
            return True
    return False


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
