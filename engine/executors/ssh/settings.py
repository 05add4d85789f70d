"""What is known of an ssh executor before any host has been reached."""

from pathlib import Path

import msgspec


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
