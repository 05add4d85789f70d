"""How a damaged journal is spoken of: what is wrong, and what can still be relied on."""

import msgspec

from engine.core.state import RunState


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """Every event continues the chain. `state` is what they add up to; it is the caller's now."""

    last_seq: int
    last_hash: bytes
    state: RunState


class Damaged(msgspec.Struct, frozen=True, kw_only=True):
    """Something is wrong. `state` holds the events up to `last_good_seq`, where there are any."""

    path: str
    what: str
    last_good_seq: int = 0
    state: RunState | None = None

    @property
    def message(self) -> str:
        """What is wrong with which file, the last good state, and what to do now."""
        return (
            f"the journal {self.path} is unusable: {self.what}. {last_good(self.state)} "
            "Nothing was changed. Put a good copy of the file in its place, or start afresh "
            "with --new."
        )


def last_good(state: RunState | None) -> str:
    """A sentence that names the last state that can be relied on."""
    if state is None:
        return "No event of it can be relied on."
    text = f"The last good state is event {state.seq}, iteration {state.last_iteration}"
    best = state.best()
    if best is None or best.value is None:
        return f"{text}, without a champion."
    unit = f" {state.metric.unit}" if state.metric.unit else ""
    return f"{text}, champion {best.id} at {best.value:g}{unit}."
