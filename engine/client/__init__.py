"""All that a screen or a script may use: open a run, follow it, send it a command.

`engine.client.waiting` holds the form of `wait_answer` for event loops.
"""

from engine.client.errors import ClientError, NoSuchRun
from engine.client.finding import RunSummary, find_run, list_runs
from engine.client.handle import RunHandle
from engine.core.commands import Pause, Resume, Stop
from engine.core.events import flat
from engine.reports.leaderboard import (
    CurvePoint,
    Leaderboard,
    aligned,
    as_csv,
    as_text,
    best_so_far,
    gain_percent,
)
from engine.reports.leaderboard import as_json_data as leaderboard_json
from engine.reports.standing import ChampionStatus
from engine.reports.status import Checking, SlotStatus, Spend, Status
from engine.reports.status import as_json_data as status_json
from engine.runfolder import Heartbeat, Liveness

__all__ = [
    "ChampionStatus",
    "Checking",
    "ClientError",
    "CurvePoint",
    "Heartbeat",
    "Leaderboard",
    "Liveness",
    "NoSuchRun",
    "Pause",
    "Resume",
    "RunHandle",
    "RunSummary",
    "SlotStatus",
    "Spend",
    "Status",
    "Stop",
    "aligned",
    "as_csv",
    "as_text",
    "best_so_far",
    "find_run",
    "flat",
    "gain_percent",
    "leaderboard_json",
    "list_runs",
    "status_json",
]
