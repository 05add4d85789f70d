"""What a worker decides, and what a run's state knows of it."""

from typing import Any, Final, Literal, get_args

import msgspec

from engine.core.ids import CandidateId, DecisionId, IterationNumber
from engine.core.memory.parts import Housekeeping
from engine.core.parts import Tokens

Action = Literal[
    "run",  # begin a run: of a command, of parameters, or of both
    "propose",  # begin a run of other parameters
    "stop_run",  # cut off a run that is under way
    "wait",
    "shut_down",  # bring the whole run to its end
]
SAFE: Final[frozenset[Action]] = frozenset({"stop_run", "wait", "shut_down"})
"""Actions that cost nothing and stop what does: nothing is asked of them but their name."""

Category = Literal[
    "augmentation",
    "preprocessing",
    "data_sampling",
    "loss",
    "model_arch",
    "optimization",
    "evaluation",
    "other",
]
"""What kind of idea it is, by the worker's own word; it is never guessed from other words."""

CATEGORIES: Final[tuple[str, ...]] = get_args(Category)

KEPT_DECISIONS: Final = 40
"""How many a state keeps; older ones are in the journal alone."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker wants to be done next.

    `run` names the iteration or candidate that `stop_run` is for. After `monitor_s` of a run the
    worker is asked again while it goes on; after `wait_s` when it waits; 0 is the campaign's word.
    `follows` are ids of what it was told to do: reviews, directives, open work.
    """

    action: Action
    rationale: str = ""
    category: Category = "other"
    label: str = ""
    command: str = ""
    folder: str = ""
    parameters: dict[str, Any] = {}
    run: str = ""
    wait_s: float = 0.0
    monitor_s: float = 0.0
    follows: list[str] = []
    housekeeping: Housekeeping = Housekeeping()


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision says of the candidate that it began; without one of the baseline."""

    decision: DecisionId | None = None
    label: str = ""
    category: Category = "other"
    command: str = ""
    folder: str = ""
    monitor_s: float = 0.0


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate has against a decision; `rule` is a word, `text` for people."""

    rule: str
    text: str


class GateRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision has to hold before anything is executed.

    `rationale` is how many characters that has at least; `forbid` are regular expressions that no
    command may match. With `duplicates` nothing is run twice. `commands` tells whether the
    campaign's checks run a command of the worker's.
    """

    rationale: int = 20
    forbid: tuple[str, ...] = ()
    duplicates: bool = True
    commands: bool = False


class WorkerRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a worker is asked.

    `monitor_s` and `wait_s` hold where it names none, `most_monitor_s` and `most_wait_s` whatever
    it names. After a decision that came to nothing it is left alone for `backoff_s`, doubled each
    time; after `halt_after` of them in a row the run halts.
    """

    monitor_s: float = 300.0
    most_monitor_s: float = 1800.0
    wait_s: float = 60.0
    most_wait_s: float = 1800.0
    backoff_s: float = 20.0
    halt_after: int = 5
    gate: GateRules = GateRules()


Status = Literal[
    "ready",  # it passed the gate, and waits for a slot
    "held",  # it passed the gate, and waits for a review
    "taken",
    "blocked",  # by the gate
    "vetoed",  # by a review
    "failed",  # there was no answer that could be read
    "dropped",  # it was overtaken by another, or by the end of the run
]


class Decided(msgspec.Struct, kw_only=True):
    """A question to the worker that was answered, and what came of it.

    `at_iteration` is how many had ended when it was asked. `iteration` is the one that it began or
    stopped. `own` is what the worker itself decided, where another decision took its place.
    `review` is the one that it waits for, or waited for, until `held_until` at most.
    """

    id: DecisionId
    at_iteration: IterationNumber
    since: str
    reasons: list[str]
    decision: Decision | None
    status: Status
    issues: list[Issue] = []
    detail: str = ""
    iteration: IterationNumber | None = None
    candidate: CandidateId | None = None
    own: Decision | None = None
    review: str = ""
    held_until: str = ""
    held_for: list[str] = []


class OpenDecision(msgspec.Struct, kw_only=True):
    """A worker that is being asked; `folder` lies below the run's."""

    id: DecisionId
    agent: str
    since: str
    folder: str
    reasons: list[str]
    at_iteration: IterationNumber


class Decisions(msgspec.Struct, kw_only=True):
    """All that a state knows of them. `begun` counts those that were ever asked for.

    `news` is what happened since the worker was asked last, and that it may wait for. It rests
    until `waits_until`, or for longer than news where `rests` says so; both are UTC. `in_vain`
    counts decisions in a row that came to nothing, `waits` those to wait without any news.
    """

    begun: int = 0
    open: OpenDecision | None = None
    pending: Decided | None = None
    done: list[Decided] = []
    news: list[str] = []
    asked_at: str = ""
    waits_until: str = ""
    rests: bool = False
    in_vain: int = 0
    waits: int = 0
    tokens: Tokens = Tokens()
    usd: float = 0.0

    @property
    def ready(self) -> Decided | None:
        """What the next free slot begins."""
        pending = self.pending
        return pending if pending is not None and pending.status == "ready" else None

    @property
    def held(self) -> Decided | None:
        """What a review is waited for with."""
        pending = self.pending
        return pending if pending is not None and pending.status == "held" else None

    @property
    def last(self) -> Decided | None:
        """The last one that was answered."""
        return self.pending or (self.done[-1] if self.done else None)
