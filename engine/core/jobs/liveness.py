"""How a job is doing, from what its supervisor saw last. Pure."""

from typing import Final, Literal

QUIET_S: Final = 30.0
STUCK_S: Final = 120.0
UNHEARD_S: Final = 30.0

JobState = Literal[
    "starting",
    "running",
    "quiet",  # it prints nothing, and works
    "stuck",  # neither output nor work: it waits for something, or hangs
    "unheard",  # its supervisor has not looked for a while
    "over",  # it ended, and no engine has read how
    "lost",  # its supervisor is gone, and has not written down how it ended
]


def job_state(
    now: float, *, looked: float | None, last_output: float = 0.0, last_busy: float = 0.0
) -> JobState:
    """What a job does whose supervisor lives. All times are in seconds since 1970.

    A training that computes for an hour without a word is quiet, not stuck.

    Args:
        now: the time.
        looked: when its supervisor looked last; None where it has not.
        last_output: when something was printed.
        last_busy: when its processes used a processor.
    """
    if looked is None:
        return "starting"
    if now - looked > UNHEARD_S:
        return "unheard"
    if looked - last_output <= QUIET_S:
        return "running"
    return "quiet" if looked - last_busy <= STUCK_S else "stuck"
