"""What is known of an ssh executor before any host has been reached."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

_PLACE: Final = re.compile(
    r"(?:(?P<user>[^@\s:/]+)@)?(?P<host>\[[^\]\s]+\]|[^@\s:/]+)(?::(?P<port>\d+))?"
)


class Address(msgspec.Struct, frozen=True):
    """A host as it is written: a name of the ssh configuration or of the network.

    Without `user` and `port` the ssh configuration says them.
    """

    host: str
    user: str | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """From `NAME`, `user@host:port` or `ssh://user@host:port`.

        Raises:
            ValueError: it is none of these.
        """
        place = text
        if "://" in text:
            parts = urlsplit(text)
            if parts.scheme != "ssh" or parts.path not in ("", "/") or parts.query:
                raise ValueError(f"{text} is no address: write ssh://user@host:port")
            place = parts.netloc
        found = _PLACE.fullmatch(place)
        if found is None or found["host"].startswith("-"):
            raise ValueError(f"{text!r} is no address: write NAME or user@host:port")
        port = None if found["port"] is None else int(found["port"])
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"{port} is no port")
        return cls(found["host"].strip("[]"), found["user"], port)

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{user}{host}" + (f":{self.port}" if self.port else "")

    @property
    def ssh(self) -> str:
        """The command of a person who would go there."""
        user = f"{self.user}@" if self.user else ""
        port = f"-p {self.port} " if self.port else ""
        return f"ssh {port}{user}{self.host}"


class SshSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An executor whose commands run on hosts.

    `python` is what runs our program there, and what `{python}` stands for. `slots` checks run at
    a time on a host, over one connection with `channels` at most. `folder` is ours there, below
    the home unless it is absolute. A host that cannot be reached is waited for for `patience_s`;
    a job that nobody follows for `leash_s` ends.
    """

    name: str
    hosts: tuple[str, ...]
    python: str = "python3"
    slots: int = 1
    channels: int = 8
    config: Path | None = None
    folder: str = ".controlroom"
    patience_s: float = 600.0
    leash_s: float = 900.0
    connect_s: float = 20.0
    keepalive_s: float = 10.0
    keepalives: int = 3
    grace_s: float = 2.0
    send: tuple[str, ...] = ("*",)
