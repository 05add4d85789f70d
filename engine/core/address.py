"""Hosts as people write them. Pure."""

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

_PLACE: Final = re.compile(
    r"(?:(?P<user>[^@\s:/-][^@\s:/]*)@)?(?P<host>\[[^\]\s]+\]|[^@\s:/-][^@\s:/]*)(?::(?P<port>\d{1,5}))?"
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
                raise ValueError(f"{text!r} is no address of a host")
            place = parts.netloc
        found = _PLACE.fullmatch(place)
        if found is None:
            raise ValueError(f"{text!r} is no address of a host")
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
