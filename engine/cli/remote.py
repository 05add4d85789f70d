"""The hosts of a campaign's executors, as the engine uses them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from engine.core.campaign.executors import SshExecutor
from engine.core.campaign.load import LoadedCampaign
from engine.executors.ssh.settings import SshSettings

if TYPE_CHECKING:
    from engine.executors.ssh.pool import Pool


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
async def pools_of(loaded: LoadedCampaign) -> "AsyncGenerator[dict[str, Pool]]":
    """The hosts that checks of the campaign run on, by executor; their connections end after."""
    campaign = loaded.campaign
    used = {check.executor for check in campaign.every_check}
    specs = {
        name: spec
        for name, spec in campaign.executors.items()
        if isinstance(spec, SshExecutor) and name in used
    }
    if not specs:
        yield {}
        return
    from engine.executors.ssh.pool import Pool

    pools = {
        name: Pool(settings_of(name, spec, loaded.path.parent))
        for name, spec in specs.items()
    }
    try:
        yield pools
    finally:
        with anyio.CancelScope(shield=True):
            for pool in pools.values():
                await pool.close()
