"""Whether a run is alive: a fact that is looked up, never an event."""

import msgspec

from engine.runfolder import heartbeat, lock, pause
from engine.runfolder.heartbeat import Heartbeat
from engine.runfolder.paths import RunPaths


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """What lock, heartbeat and PAUSE file say.

    `holder` is the pid of the engine that holds the run (0 when the system does not name it), or
    None; `pause` is the text of the PAUSE file, or None.
    """

    holder: int | None
    heartbeat: Heartbeat | None
    pause: str | None = None

    @property
    def held(self) -> bool:
        """Whether an engine holds the run."""
        return self.holder is not None


def look(paths: RunPaths) -> Liveness:
    """The liveness of a run now. Cost: 50 µs."""
    return Liveness(
        holder=lock.holder(paths.lock),
        heartbeat=heartbeat.read(paths.heartbeat),
        pause=pause.read(paths.pause),
    )
