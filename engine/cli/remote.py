"""The hosts of a campaign's executors, as the engine uses them."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from engine.checks.runner import Remote
from engine.cli.request import Request
from engine.core.campaign.executors import SshExecutor
from engine.executors.ssh.settings import SshSettings
from engine.loop.opening import Opened
from engine.runfolder.room import Room


def settings_of(name: str, spec: SshExecutor, folder: Path) -> SshSettings:
    """What is known of an executor.

    Args:
        name: what it is called.
        spec: what the campaign says of it.
        folder: that of the campaign file.
    """
    config = None if spec.ssh_config is None else folder / Path(spec.ssh_config).expanduser()
    return SshSettings(
        name=name,
        hosts=spec.hosts,
        python=spec.python,
        slots=spec.slots,
        config=config,
        folder=spec.folder,
        patience_s=spec.patience_s,
        leash_s=spec.leash_s,
        send=spec.send,
    )


@asynccontextmanager
async def remote_of(request: Request, opened: Opened, room: Room) -> AsyncGenerator[Remote | None]:
    """What runs checks on hosts, where the campaign has any; nothing is left there unasked."""
    loaded = request.loaded
    used = {check.executor for check in loaded.campaign.every_check}
    specs = {
        name: spec
        for name, spec in loaded.campaign.executors.items()
        if isinstance(spec, SshExecutor) and name in used
    }
    if not specs:
        yield None
        return
    from engine.checks.remote import RemoteChecks
    from engine.executors.ssh.pool import Pool

    folder = loaded.path.parent
    pools = {name: Pool(settings_of(name, spec, folder)) for name, spec in specs.items()}
    remote = RemoteChecks(
        loaded.campaign,
        request.paths,
        pools=pools,
        followed=list(opened.state.jobs.open),
        environ=os.environ,
        room=room,
    )
    try:
        yield remote
    finally:
        with anyio.CancelScope(shield=True):
            await remote.end_left()
            for pool in pools.values():
                await pool.close()
