"""Reviews by a mentor: when they are due, what they say, and what became of them."""

from typing import Final, Literal

import msgspec

from engine.core.decisions.parts import Decision
from engine.core.ids import CandidateId, DecisionId, IterationNumber, ReviewId, TodoId
from engine.core.memory.parts import Housekeeping
from engine.core.parts import Tokens

Mode = Literal["standard", "builder_health_helper"]
"""`builder_health_helper`: it looks rarely, at whether the work is healthy, and adds nothing."""

Course = Literal["on_track", "off_track"]

Policy = Literal[
    "advise",  # a review is shown in the next prompts, and nothing waits for it
    "veto",  # it may let a worker's decision come to nothing
    "replace",  # it may put another decision in its place
]

KEPT_REVIEWS: Final = 40
"""How many a state keeps; older ones are in the journal alone."""


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What a mentor thinks of the trajectory.

    `question` and `advice` are one each at most; empty where there is none. Advice is a change of
    course that the next iterations may follow. `replacement` is what it would do in the place of
    the worker whose decision waits for it.
    """

    course: Course
    critique: str
    question: str = ""
    advice: str = ""
    housekeeping: Housekeeping = Housekeeping()
    replacement: Decision | None = None


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """How much speaks for a review, each from 0 to 1, and the facts that they are made of.

    `research`: looking elsewhere. `breakout`: leaving the beaten track. `todo_pressure`: open work.
    `non_training`: finding something out by other means than one more measurement.
    """

    research: float
    breakout: float
    todo_pressure: float
    since_champion: int
    since_search: int
    failures_in_a_row: int
    open_todos: int
    drifts: bool
    non_training: float = 0.0
    since_exploration: int = 0


class MentorRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a review is due.

    `every` counts iterations that ended. With `when_stuck` a review is also due when nothing was
    gained for `stuck_after` of them, when `failures` in a row failed, or when a signal is high.
    Unless it only advises, a worker's decision waits for a review that is due, `wait_s` at most;
    where there is no worker that decides, with `candidates`, a candidate waits before its checks.
    """

    every: int
    when_stuck: bool
    stuck_after: int
    failures: int
    mode: Mode = "standard"
    policy: Policy = "advise"
    wait_s: float = 60.0
    candidates: bool = False

    @property
    def holds(self) -> bool:
        """Whether decisions or candidates wait for reviews."""
        return self.policy != "advise" and self.mode == "standard"


class Held(msgspec.Struct, kw_only=True):
    """A candidate that waits for a review before its checks, until `until` at most (UTC).

    `review` is the one that looks at it, `settled` what became of it, `why` in words.
    """

    until: str
    reasons: list[str]
    review: str = ""
    settled: Literal["", "released", "vetoed", "replaced"] = ""
    why: str = ""


class Instead(msgspec.Struct, frozen=True, kw_only=True):
    """What a review put in the place of a candidate that waited for it."""

    review: ReviewId
    candidate: CandidateId
    decision: Decision


class OpenReview(msgspec.Struct, kw_only=True):
    """A review that is under way; `folder` lies below the run's."""

    id: ReviewId
    agent: str
    since: str
    folder: str
    reasons: list[str]
    decision: DecisionId | None = None
    candidate: CandidateId | None = None


class Review(msgspec.Struct, kw_only=True):
    """A review that ended; without an opinion it failed, for the reason in `detail`.

    `at_iteration` is how many iterations had ended when it began. `followed_by` are the candidates
    whose agents say that they follow its advice, `answered_by` those that answer its question,
    `todos` the open work that it wrote down, each with the candidates that work on it.
    `decision` is the one that waited for it, or `candidate`.
    """

    id: ReviewId
    at_iteration: IterationNumber
    since: str
    reasons: list[str]
    opinion: Opinion | None
    detail: str = ""
    searched: bool = False
    followed_by: list[CandidateId] = []
    decision: DecisionId | None = None
    candidate: CandidateId | None = None
    answered_by: list[CandidateId] = []
    todos: dict[TodoId, list[CandidateId]] = {}

    @property
    def question_id(self) -> str:
        """Under which its question is answered."""
        return f"{self.id}/q"


class Reviews(msgspec.Struct, kw_only=True):
    """All that a state knows of them. `begun` counts those that ever began.

    `instead` is what the next iteration tries in the place of another. `put_aside` tells that the
    last candidate which ended came to nothing by a review.
    """

    begun: int = 0
    open: OpenReview | None = None
    asked_by: str = ""
    last_at: IterationNumber = IterationNumber(0)
    searched_at: IterationNumber = IterationNumber(0)
    done: list[Review] = []
    tokens: Tokens = Tokens()
    usd: float = 0.0
    instead: Instead | None = None
    put_aside: bool = False

    @property
    def newest(self) -> Review | None:
        """The last one that has an opinion."""
        return next((each for each in reversed(self.done) if each.opinion is not None), None)
