"""What earlier runs of a campaign have found out, for those who think about the next one."""

from pathlib import Path

from engine.client import ClientError, RunHandle, list_runs
from engine.core.campaign.foresight import Seen


def seen(campaign: str, folder: Path) -> Seen | None:
    """What the newest run of the campaign measured of its baseline; None where none has.

    Args:
        campaign: its name.
        folder: the working folder.
    """
    for run in list_runs(folder):
        try:
            state = RunHandle.open(run.path).state
        except ClientError:
            continue
        first = state.first() if state is not None and state.campaign == campaign else None
        if state is not None and first is not None and first.value is not None:
            drift = state.rechecks.drift
            value = drift.first if drift is not None else first.value
            noise = state.noise.noise if state.noise is not None else None
            return Seen(run=state.run, value=value, noise=noise)
    return None
