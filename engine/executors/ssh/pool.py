"""The hosts of an executor: which one a command goes to, and which are left alone for a while."""

import logging
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio

from engine.executors.jobs import record
from engine.executors.ssh.errors import HostError
from engine.executors.ssh.host import Host
from engine.executors.ssh.jobs import RemoteJobs
from engine.executors.ssh.place import Place
from engine.executors.ssh.settings import SshSettings

_log = logging.getLogger(__name__)
_FIRST_ASIDE_S: Final = 15.0
_LONGEST_ASIDE_S: Final = 600.0
_LEFT: Final = record.Stop(how="interrupted", reason="nobody follows it any more")


class _Member:
    """A host of a pool: how much it does, and until when it is left alone."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.running = 0
        self.aside_until_s = 0.0
        self.aside_s = 0.0
        self.trouble = ""
        self.hopeless = False
        self.owed: list[tuple[Path, Place]] = []


class Pool:
    """Hosts that are as good as one another.

    Args:
        settings: of the executor.
    """

    def __init__(self, settings: SshSettings) -> None:
        self.settings = settings
        self._members = {name: _Member(Host(name, settings)) for name in settings.hosts}
        self._changed = anyio.Event()
        self._device = ""

    def named(self, name: str) -> Host | None:
        """The host that is called so; None where it is no more one of these."""
        member = self._members.get(name)
        return None if member is None else member.host

    @asynccontextmanager
    async def turn(self, rather: str = "") -> AsyncGenerator[Host]:
        """A host that has time, `rather` that one where it can be used; taken while this lasts.

        Raises:
            HostError: there has been none for as long as the executor's patience.
        """
        member = await self._found(rather)
        try:
            yield member.host
        finally:
            member.running -= 1
            self._wake()

    @asynccontextmanager
    async def kept(self, name: str) -> AsyncGenerator[Host | None]:
        """The host on which something runs already; taken while this lasts."""
        member = self._members.get(name)
        if member is None:
            yield None
            return
        member.running += 1
        try:
            yield member.host
        finally:
            member.running -= 1
            self._wake()

    def set_aside(self, host: Host, reason: str, *, hopeless: bool = False) -> None:
        """Leave a host alone for a while, each time for longer.

        One that is `hopeless` will not be otherwise before a person has done something about it.
        """
        member = self._members[host.name]
        member.aside_s = min(max(_FIRST_ASIDE_S, 2 * member.aside_s), _LONGEST_ASIDE_S)
        pause_s = member.aside_s * random.uniform(0.8, 1.2)  # noqa: S311
        member.aside_until_s = anyio.current_time() + pause_s
        member.trouble, member.hopeless = reason, hopeless
        _log.warning("host left alone for %.0f s: %s", pause_s, reason)
        self._wake()

    def owe(self, host: str, folder: Path, place: Place) -> None:
        """Have what may run there yet ended as soon as the host can be reached."""
        if (member := self._members.get(host)) is not None:
            member.owed.append((folder, place))

    async def settle(self) -> None:
        """End what may run there yet, wherever that can be done now."""
        async with anyio.create_task_group() as tasks:
            for member in self._members.values():
                tasks.start_soon(self._settle, member)

    async def close(self) -> None:
        """End all connections."""
        for member in self._members.values():
            await member.host.close()

    async def _found(self, rather: str) -> _Member:
        given_up_s: float | None = None
        while True:
            member = self._free(rather)
            if member is not None:
                member.running += 1
                if await self._usable(member):
                    return member
                member.running -= 1
                continue
            now_s = anyio.current_time()
            if all(each.aside_until_s > now_s for each in self._members.values()):
                given_up_s = given_up_s or now_s + self.settings.patience_s
                if all(each.hopeless for each in self._members.values()):
                    given_up_s = now_s
                if now_s >= given_up_s:
                    raise HostError(self.settings.name, "unreachable", self._troubles())
            else:
                given_up_s = None
            changed = self._changed
            with anyio.move_on_after(min(1.0, self.settings.patience_s)):
                await changed.wait()

    def _free(self, rather: str) -> _Member | None:
        now_s = anyio.current_time()
        good = [each for each in self._members.values() if each.aside_until_s <= now_s]
        wanted = [each for each in good if each.host.name == rather]
        free = [each for each in wanted or good if each.running < self.settings.slots]
        return min(free, key=lambda each: each.running, default=None)

    async def _usable(self, member: _Member) -> bool:
        """Whether it answers, is what the others are, and does nothing that is owed."""
        try:
            facts = await member.host.facts()
            await self._settle(member)
        except HostError as error:
            self.set_aside(member.host, str(error), hopeless=not error.passing)
            return False
        if self._device and facts.device != self._device:
            reason = f"{member.host.name}: it is {facts.device}; the others are {self._device}"
            self.set_aside(member.host, reason, hopeless=True)
            return False
        self._device = facts.device
        member.aside_s, member.trouble, member.hopeless = 0.0, "", False
        return True

    async def _settle(self, member: _Member) -> None:
        owed, member.owed = member.owed, []
        for folder, place in owed:
            if not await RemoteJobs(member.host).end(folder, place, _LEFT):
                member.owed.append((folder, place))

    def _troubles(self) -> str:
        reasons = dict.fromkeys(each.trouble for each in self._members.values() if each.trouble)
        return f"no host can be used: {'; '.join(reasons)}"

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
