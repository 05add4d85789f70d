"""The mentor: looks at the run while work goes on, and never holds it up.

A review is a step like any other: its intent is recorded, its program runs as a process tree of
its own, its outcome is recorded. Whatever goes wrong with it costs its own tokens and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import anyio
import msgspec

from engine.agents.attempt import SessionResult
from engine.core import failpoints
from engine.core.events import AnyEvent, ReviewFinished, ReviewInterrupted, ReviewStarted
from engine.core.holding import review_due
from engine.core.holding_candidates import waiting_candidate, waiting_turn
from engine.core.housekeeping import Author, housekeeping
from engine.core.ids import IterationNumber
from engine.core.memory.parts import MemoryRules
from engine.core.replacing import fitted
from engine.core.reviewing import review_id, signals
from engine.core.reviews.parts import MentorRules, OpenReview, Opinion
from engine.core.space import Space
from engine.core.state import RunState
from engine.knowledge.templates import Template
from engine.loop.calls import DETAIL, Call, Calls, Outcome, recovered
from engine.loop.control import Control, CutOff
from engine.loop.writer import Writer
from engine.mentor.prompt import Asked, assemble
from engine.mentor.reading import Reading, read_review, schema
from engine.runfolder.paths import RunPaths

_PAUSE_S: Final = 1.0
_ENDED: Final = "the run ended before it"
_NO_ITERATION: Final = -1


@dataclass(frozen=True, kw_only=True)
class MentorSetup:
    """What a campaign says of its mentor; chosen by the command line.

    `by` is the name under which it writes things down; `space` holds the values that it may name.
    """

    rules: MentorRules
    memory: MemoryRules
    template: Template
    mission: str
    require_search: bool
    by: str
    space: Space


class Mentor(Protocol):
    """A second mind, as the engine knows it."""

    async def run(self) -> None:
        """Review whenever that is due, for ever; cancelled, it records what was cut off."""
        ...


class NoMentor:
    """A campaign without one."""

    async def run(self) -> None:
        """Nothing is reviewed."""


class Mentoring:
    """Reviews a run, one review at a time."""

    def __init__(
        self,
        setup: MentorSetup,
        writer: Writer,
        control: Control,
        paths: RunPaths,
        *,
        calls: Calls,
    ) -> None:
        self._setup = setup
        self._writer = writer
        self._control = control
        self._paths = paths
        self._calls = calls

    async def run(self) -> None:
        """Review whenever that is due, for ever; cancelled, it records what was cut off."""
        while await self._control.may_start():
            reasons = review_due(self._writer.state, self._setup.rules)
            if not reasons:
                await self._writer.wait_change()
            elif not await self._review(reasons):
                await anyio.sleep(_PAUSE_S)

    async def _review(self, reasons: list[str]) -> bool:
        """Whether one was begun."""
        started = await self._start(self._writer.state, reasons)

        def decide(state: RunState) -> Sequence[AnyEvent]:
            again = not self._control.held and review_due(state, self._setup.rules)
            return [started] if again else []

        if not await self._writer.decide(decide):
            return False
        failpoints.reach("review.recorded")
        call = Call(
            name=started.review,
            role="mentor",
            whose="a review",
            folder=started.folder,
            log=self._paths.mentor_log,
        )
        ended: Outcome | CutOff = CutOff(_ENDED)
        try:
            ended = await self._control.attempt(
                lambda: self._calls.ask(call, lambda said: self._problems(started, said)),
                _NO_ITERATION,
            )
        finally:
            if isinstance(ended, CutOff):
                with anyio.CancelScope(shield=True):
                    await self._writer.decide(lambda state: self._cut_off(state, ended.reason))
        if isinstance(ended, Outcome):
            failpoints.reach("review.ended")
            await self._writer.decide(lambda state: self._outcome(state, started, ended))
        return True

    def _cut_off(self, state: RunState, reason: str) -> list[AnyEvent]:
        begun = state.reviews.open
        return [] if begun is None else [lost_review(self._paths, begun, reason)]

    async def _start(self, state: RunState, reasons: list[str]) -> ReviewStarted:
        """The intent; the prompt lies in the review's folder already."""
        spec, rules = self._calls.spec, self._setup.rules
        name, found = review_id(state.reviews.begun + 1), signals(state)
        folder = self._paths.review(name)
        prompt = assemble(
            self._setup.template,
            state,
            Asked(
                review=name,
                reasons=reasons,
                signals=found,
                mission=self._setup.mission,
                replacing=self._replacing(state),
            ),
        )
        await self._calls.prepare(folder, prompt.text, schema(replacing=self._replacing(state)))
        return ReviewStarted(
            review=name,
            at_iteration=IterationNumber(state.ended_iterations),
            reasons=reasons,
            mode=rules.mode,
            signals=found,
            agent=spec.agent,
            model=spec.model,
            effort=spec.effort,
            folder=str(folder.relative_to(self._paths.root)),
            prompt_sha256=prompt.sha256,
            parts=prompt.parts,
            log=self._paths.mentor_span(),
            decision=state.decisions.held.id if state.decisions.held else None,
            candidate=waiting_candidate(state),
        )

    def _replacing(self, state: RunState) -> bool:
        waits = state.decisions.held is not None or waiting_turn(state) is not None
        return self._setup.rules.policy == "replace" and waits

    def _read(self, started: ReviewStarted, result: SessionResult) -> Reading:
        waited = started.decision or started.candidate
        replaces = self._setup.rules.policy == "replace" and waited is not None
        space = self._setup.space if replaces else None
        return read_review(result.answer, result.structured, space)

    def _problems(self, started: ReviewStarted, result: SessionResult) -> list[str]:
        """What is worth asking again for: not a replacement, for which somebody waits."""
        reading = self._read(started, result)
        return [] if reading.opinion is not None else reading.problems

    def _outcome(self, state: RunState, started: ReviewStarted, ended: Outcome) -> list[AnyEvent]:
        result = ended.result
        opinion, detail, problems = None, result.detail, list[str]()
        if result.outcome == "answered":
            reading = self._read(started, result)
            opinion, problems = self._fitted(state, started, reading)
            if opinion is not None and self._setup.require_search and not ended.searched:
                opinion, detail = None, "it looked nothing up, which require_web_search asks for"
            elif problems:
                detail = "; ".join(problems)[:DETAIL]
        if opinion is not None and self._setup.rules.mode == "builder_health_helper":
            opinion = _looked_only(opinion)
        finished = ReviewFinished(
            review=started.review,
            outcome=result.outcome,
            detail=detail,
            duration_s=round(result.duration_s, 3),
            log=started.log,
            opinion=opinion,
            problems=problems,
            searched=ended.searched,
            tokens=result.tokens,
            cost_usd=result.cost_usd,
            model=result.model,
        )
        return [finished, *self._remembered(state, opinion)]

    def _fitted(
        self, state: RunState, started: ReviewStarted, reading: Reading
    ) -> tuple[Opinion | None, list[str]]:
        """The opinion, with a replacement only where that can take the candidate's place."""
        said, waited = reading.opinion, started.candidate
        if said is None or said.replacement is None or waited is None:
            return said, reading.problems
        found, problems = fitted(state, waited, said.replacement, self._setup.space)
        return msgspec.structs.replace(said, replacement=found), [*reading.problems, *problems]

    def _remembered(self, state: RunState, opinion: Opinion | None) -> list[AnyEvent]:
        if opinion is None:
            return []
        author = Author("mentor", self._setup.by)
        return housekeeping(state, opinion.housekeeping, author, self._setup.memory)


def _looked_only(opinion: Opinion) -> Opinion:
    """What a health check leaves: its verdict and its critique; no work for others."""
    kept = msgspec.structs.replace(opinion.housekeeping, todo_new=[], resolve_shared_todo_ids=[])
    return msgspec.structs.replace(
        opinion, question="", advice="", housekeeping=kept, replacement=None
    )


def lost_review(paths: RunPaths, review: OpenReview, reason: str) -> ReviewInterrupted:
    """What to record of a review that was cut off, with what it had used by then."""
    used = recovered(paths, review.folder)
    return ReviewInterrupted(
        review=review.id, reason=reason, tokens=used.tokens, cost_usd=used.cost_usd
    )
