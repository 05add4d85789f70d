"""The worker's decision that began an iteration, as events tell it. Pure."""

import msgspec

from engine.core import events as e
from engine.core.decisions.events import DecisionAnswered, DecisionReplaced
from engine.core.decisions.parts import Category, Chosen, Decision
from engine.core.ids import DecisionId, ReviewId


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, and what its candidate keeps of it; `monitor_s` is its window in seconds.

    It is that of the `review` where one put it in the place of the worker's own.
    """

    decision: DecisionId
    label: str
    category: Category
    rationale: str
    command: str
    folder: str
    monitor_s: float
    review: ReviewId | None = None
    own: Decision | None = None


class BegunTeller:
    """Remembers what was decided until an iteration begins by it."""

    def __init__(self) -> None:
        self._decisions: dict[DecisionId, Decision] = {}
        self._replaced: dict[DecisionId, DecisionReplaced] = {}

    def take(self, event: e.AnyEvent) -> None:
        """Look at an event."""
        match event:
            case DecisionAnswered(answer=Decision() as answer):
                self._decisions[event.decision] = answer
            case DecisionReplaced():
                self._replaced[event.decision] = event
            case _:
                pass

    def of(self, chosen: Chosen | None) -> Begun | None:
        """The decision that a candidate is of; None where nobody decided."""
        if chosen is None or chosen.decision is None:
            return None
        own = self._decisions.get(chosen.decision)
        replaced = self._replaced.get(chosen.decision)
        decided = replaced.replacement if replaced else own
        return Begun(
            decision=chosen.decision,
            label=chosen.label,
            category=chosen.category,
            rationale=decided.rationale if decided else "",
            command=chosen.command,
            folder=chosen.folder,
            monitor_s=chosen.monitor_s,
            review=replaced.review if replaced else None,
            own=own if replaced else None,
        )
