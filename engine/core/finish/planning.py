"""How the time that is left is divided: backwards from the deadline, the report first."""

from typing import Final

import msgspec

REPORT_S: Final = 60.0
"""What the report gets, where there is time: pages take a second, figures some more."""

UNKNOWN_SHARE: Final = 0.25
"""Of the time before the report, for leaders of whom nobody knows how long they take."""


class Reserves(msgspec.Struct, frozen=True, kw_only=True):
    """How long things take, by what was recorded; 0 where nothing was.

    `leaders` is how many there will be to measure at most.
    """

    leader_s: float = 0.0
    round_s: float = 0.0
    leaders: int = 0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the finish is to have, if there is time."""

    final_rounds: int
    top_k: int


class Timetable(msgspec.Struct, frozen=True, kw_only=True):
    """The moments of a finish, in seconds since 1970; see `FinishBegan`."""

    latest_start_s: float
    cut_at_s: float
    report_at_s: float
    deadline_s: float
    final_rounds: int
    leaders: int
    left_out: tuple[str, ...] = ()


def timetable(now_s: float, deadline_s: float, wanted: Wanted, reserves: Reserves) -> Timetable:
    """The finish from now on: too little time drops rounds first, then leaders, never the report.

    Args:
        now_s: seconds since 1970, as is the deadline; that may be over.
        deadline_s: when the report has to be there.
        wanted: rounds and leaders.
        reserves: how long they take.
    """
    window_s = max(0.0, deadline_s - now_s)
    report_s = min(REPORT_S, window_s / 2)
    before_s = window_s - report_s
    most = min(wanted.top_k, reserves.leaders)
    leaders = _fitting(most, reserves.leader_s, before_s)
    measure_s = _measuring_s(leaders, reserves, before_s)
    left_s = before_s - measure_s
    rounds = wanted.final_rounds if left_s > 0 and reserves.round_s <= left_s else 0
    cut_at_s = now_s + left_s
    return Timetable(
        latest_start_s=max(now_s, cut_at_s - reserves.round_s) if rounds else now_s,
        cut_at_s=cut_at_s,
        report_at_s=now_s + before_s,
        deadline_s=now_s + window_s,
        final_rounds=rounds,
        leaders=leaders,
        left_out=tuple(_left_out(wanted.final_rounds - rounds, most - leaders)),
    )


def _fitting(most: int, each_s: float, within_s: float) -> int:
    if within_s <= 0:
        return 0
    return int(min(most, within_s // each_s)) if each_s > 0 else most


def _measuring_s(leaders: int, reserves: Reserves, before_s: float) -> float:
    if leaders and not reserves.leader_s:
        return before_s * UNKNOWN_SHARE
    return leaders * reserves.leader_s


def _left_out(rounds: int, leaders: int) -> list[str]:
    missing = [(rounds, "final round"), (leaders, "leader")]
    return [
        f"no time for {count} {what}{'' if count == 1 else 's'}" for count, what in missing if count
    ]
