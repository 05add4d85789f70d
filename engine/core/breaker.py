"""When failures halt a run: one that repeats, or too many of one class. Pure."""

from typing import Final

import msgspec

from engine.core.state import RunState

OFF: Final = 0


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """How many failures halt a run until a person looks; 0 never does.

    `same_failure` counts failures in a row that are alike; `caps` those of a class, by its name,
    without a candidate in between that could be judged by what it is worth.
    """

    same_failure: int = OFF
    caps: dict[str, int] = {}


def why_open(state: RunState, breaker: Breaker) -> str | None:
    """Why the run has to halt, in words; None where it may go on."""
    alike = state.alike
    if alike is not None and OFF < breaker.same_failure <= alike.times:
        return f"the same failure {alike.times} times in a row: {alike.signature}"
    for name, times in state.failing.items():
        most = breaker.caps.get(name, OFF)
        if OFF < most <= times:
            cap = f"policy.caps.{name} is {most}"
            return f"{name} {times} times and nothing that could be judged in between; {cap}"
    return None
