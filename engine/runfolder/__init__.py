"""The files of a run beside its journal: paths, lock, heartbeat, inbox, the PAUSE file."""

from engine.runfolder.heartbeat import Heartbeat, HeartbeatFile, SlotBeat
from engine.runfolder.identity import Identity
from engine.runfolder.liveness import Liveness, look
from engine.runfolder.lock import LockHeld, RunLock
from engine.runfolder.paths import WORK_FOLDER, RunPaths, create_run_folder

__all__ = [
    "WORK_FOLDER",
    "Heartbeat",
    "HeartbeatFile",
    "Identity",
    "Liveness",
    "LockHeld",
    "RunLock",
    "RunPaths",
    "SlotBeat",
    "create_run_folder",
    "look",
]
