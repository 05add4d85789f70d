"""One iteration as its events tell it: candidate, agent, change, checks, verdict."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from engine.core import events as e
from engine.core.ids import CandidateId, JobId, StashId
from engine.core.jobs.events import JobEnded
from engine.core.metric import Metric
from engine.core.pairs.decided import Decision
from engine.core.parts import (
    AgentAnswer,
    AgentOutcome,
    Half,
    Hotspot,
    PromptPart,
    Tokens,
)
from engine.core.repair.events import RepairEvent
from engine.core.review_events import HeldEvent
from engine.reports.begun import Begun, BegunTeller
from engine.reports.halves import HalfMeasured, half_of
from engine.reports.mending import Mending, mend
from engine.reports.questions import Question, ask


class Attempt(msgspec.Struct, kw_only=True):
    """An attempt of an agent; `folder` holds its files, below the run's.

    `kept` is the private ref of the tree that it left where nothing else came of it.
    """

    number: int
    agent: str
    model: str | None
    effort: str | None
    began: str
    folder: str
    prompt_sha256: str
    parts: list[PromptPart]
    directives: list[str]
    escalated: bool
    outcome: AgentOutcome | Literal["running", "interrupted"] = "running"
    detail: str = ""
    duration_s: float | None = None
    tokens: Tokens = Tokens()
    cost_usd: float | None = None
    retry_at: str | None = None
    answer: AgentAnswer | None = None
    problems: list[str] = []
    kept: str = ""


class Check(msgspec.Struct, kw_only=True):
    """A run of a check; `log` is where its output lies, `job` what ran it where it was detached."""

    name: str
    attempt: int
    began: str
    log: e.LogSpan
    outcome: e.CheckOutcome | Literal["running", "interrupted"] = "running"
    verdict: str | None = None
    exit_code: int | None = None
    duration_s: float | None = None
    detail: str = ""
    metrics: dict[str, float] = {}
    tests: e.Tests | None = None
    hotspots: list[Hotspot] = []
    artifacts: list[str] = []
    job: JobId | None = None
    job_ended: JobEnded | None = None


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """The champion that an iteration had to beat."""

    candidate: CandidateId
    value: float | None


class Iteration(msgspec.Struct, kw_only=True):
    """All that is recorded of an iteration; `verdict` is None while it is open.

    `against` is the champion of the moment before the verdict, `gain_percent` how much better the
    value is than that one's. `changes` has the commit that was collected, then what it was carried
    over to. `halves` are the measurements in pairs, which are not among `checks`; `decision` is
    what they came to, `again` what they said of the champion, `noise` what the baseline's told.
    `held` is what a review had to do with it before its checks, `replaces` the candidate in whose
    place one put it.
    """

    run: str
    iteration: int
    slot: int
    trace_id: str
    began: str
    ended: str | None = None
    candidate: CandidateId | None = None
    proposer: str = ""
    parents: list[CandidateId] = []
    tags: list[str] = []
    parameters: e.Parameters = {}
    parent_parameters: e.Parameters = {}
    seed: int | None = None
    base: str | None = None
    commit: str | None = None
    agent: str | None = None
    restores: StashId | None = None
    attempts: list[Attempt] = []
    questions: list[Question] = []
    change: e.ChangeCollected | None = None
    carried: list[e.ChangeCarriedOver] = []
    checks: list[Check] = []
    halves: list[HalfMeasured] = []
    decision: Decision | None = None
    again: e.ChampionMeasured | None = None
    noise: e.NoiseMeasured | None = None
    stash: e.AttemptStashed | None = None
    verdict: str | None = None
    reason: str = ""
    value: float | None = None
    metrics: dict[str, float] = {}
    consequence: e.Consequence = "none"
    against: Against | None = None
    gain_percent: float | None = None
    begun: Begun | None = None
    repairs: list[Mending] = []
    held: list[HeldEvent] = []
    replaces: CandidateId | None = None

    @property
    def answer(self) -> AgentAnswer | None:
        """What the agent said last of its change."""
        said = [each.answer for each in self.attempts if each.answer is not None]
        return said[-1] if said else None

    @property
    def whole_s(self) -> float | None:
        """Seconds from its beginning to its verdict."""
        if self.ended is None:
            return None
        ended, began = datetime.fromisoformat(self.ended), datetime.fromisoformat(self.began)
        return (ended - began).total_seconds()

    @property
    def agent_s(self) -> float:
        """Seconds in which its agent worked, as far as attempts came to an end."""
        return sum(each.duration_s or 0.0 for each in self.attempts)

    @property
    def checks_s(self) -> float:
        """Seconds in which its checks ran, as far as they came to an end."""
        return sum(each.duration_s or 0.0 for each in self.checks)

    @property
    def pairs_s(self) -> float:
        """Seconds in which pairs were measured, as far as halves came to an end."""
        return sum(each.duration_s for each in self.halves)

    @property
    def tokens(self) -> Tokens:
        """What its attempts have used."""
        total = Tokens()
        for each in self.attempts:
            total = total.plus(each.tokens)
        return total

    @property
    def cost_usd(self) -> float | None:
        """What those that ended cost; None where that is unknown of one."""
        spent = [each for each in self.attempts if each.outcome != "running"]
        if any(each.cost_usd is None for each in spent):
            return None
        return sum(each.cost_usd or 0.0 for each in spent)


def iteration_of(
    records: Iterable[e.Record], number: int, *, run: str, metric: Metric
) -> Iteration | None:
    """What records tell of an iteration; None when it never began.

    Args:
        records: the run's, from the first one on.
        number: the iteration.
        run: its name.
        metric: what is climbed.
    """
    teller = _Teller(number, run, metric)
    for record in records:
        teller.take(record)
    return teller.found


class _Teller:
    """Puts an iteration together while records go by."""

    def __init__(self, number: int, run: str, metric: Metric) -> None:
        self._number = number
        self._run = run
        self._metric = metric
        self._champion: Against | None = None
        self._parameters: dict[CandidateId, e.Parameters] = {}
        self._begun = BegunTeller()
        self.found: Iteration | None = None

    def take(self, record: e.Record) -> None:
        """Look at a record: it may belong to the iteration, or change what it is compared with."""
        event = record.event
        if isinstance(event, e.IterationStarted) and event.iteration == self._number:
            self.found = Iteration(
                run=self._run,
                iteration=event.iteration,
                slot=event.slot,
                trace_id=event.trace_id,
                began=record.time,
            )
        elif self.found is not None and getattr(event, "iteration", None) == self._number:
            self._tell(self.found, event, record.time)
        elif self.found is not None and isinstance(event, JobEnded):
            _job_ended(self.found, event)
        self._begun.take(event)
        self._compare(event)

    def _compare(self, event: e.AnyEvent) -> None:
        """Remember what this and later iterations are compared with."""
        if isinstance(event, e.CandidateProposed) and event.iteration < self._number:
            self._parameters[event.candidate] = event.parameters
        if isinstance(event, e.VerdictReached) and event.verdict == "promoted":
            self._champion = Against(candidate=event.candidate, value=event.value)
        if isinstance(event, e.ChampionMeasured):
            self._champion = Against(candidate=event.candidate, value=event.now)

    def _tell(self, found: Iteration, event: e.AnyEvent, time: str) -> None:
        match event:
            case e.CandidateProposed():
                self._proposed(found, event)
            case e.AgentStarted() | e.AgentFinished() | e.AgentInterrupted():
                _attempt(found, event, time)
            case e.ApprovalAsked() | e.ApprovalAnswered():
                ask(found.questions, event)
            case e.CheckStarted() | e.CheckFinished() | e.CheckInterrupted() if event.half is None:
                _check(found, event, time)
            case e.CheckFinished() | e.ChampionMeasured() | e.NoiseMeasured():
                self._paired(found, event)
            case e.ChangeCollected():
                found.change, found.commit, found.base = event, event.commit, event.base
            case e.ChangeCarriedOver():
                found.carried.append(event)
                found.commit, found.base = event.commit, event.base
            case e.AttemptStashed():
                found.stash = event
            case event if isinstance(event, HeldEvent):
                found.held.append(event)
            case e.VerdictReached():
                self._judged(found, event, time)
            case event if isinstance(event, RepairEvent):
                mend(found.repairs, event)
            case _:
                pass

    def _paired(
        self, found: Iteration, event: e.CheckFinished | e.ChampionMeasured | e.NoiseMeasured
    ) -> None:
        match event:
            case e.CheckFinished(half=Half() as half):
                found.halves.append(half_of(event, half, self._metric))
            case e.ChampionMeasured():
                found.again = event
            case e.NoiseMeasured():
                found.noise = event
            case _:
                pass

    def _proposed(self, found: Iteration, event: e.CandidateProposed) -> None:
        found.candidate, found.proposer = event.candidate, event.proposer
        found.parents, found.tags, found.seed = event.parents, event.tags, event.seed
        found.parameters = event.parameters
        if event.parents:
            found.parent_parameters = self._parameters.get(event.parents[0], {})
        found.base, found.commit = event.base, event.commit
        found.agent, found.restores = event.agent, event.restores
        found.replaces = event.replaces
        found.begun = self._begun.of(event.chosen)

    def _judged(self, found: Iteration, event: e.VerdictReached, time: str) -> None:
        found.ended, found.verdict, found.reason = time, event.verdict, event.reason
        found.value, found.metrics = event.value, event.metrics
        found.consequence, found.against = event.consequence, self._champion
        found.decision = event.decision
        reference = self._champion.value if self._champion else None
        if reference and event.value is not None:
            found.gain_percent = 100 * self._metric.gain(event.value, reference) / abs(reference)


def _attempt(
    found: Iteration, event: e.AgentStarted | e.AgentFinished | e.AgentInterrupted, time: str
) -> None:
    if isinstance(event, e.AgentStarted):
        found.attempts.append(_begun(event, time))
        return
    for attempt in found.attempts:
        if attempt.number != event.attempt:
            continue
        attempt.tokens, attempt.cost_usd, attempt.kept = event.tokens, event.cost_usd, event.kept
        if isinstance(event, e.AgentInterrupted):
            attempt.outcome, attempt.detail = "interrupted", event.reason
        else:
            _ended(attempt, event)


def _begun(event: e.AgentStarted, time: str) -> Attempt:
    return Attempt(
        number=event.attempt,
        agent=event.agent,
        model=event.model,
        effort=event.effort,
        began=time,
        folder=event.folder,
        prompt_sha256=event.prompt_sha256,
        parts=event.parts,
        directives=event.directives,
        escalated=event.escalated,
    )


def _ended(attempt: Attempt, event: e.AgentFinished) -> None:
    attempt.outcome, attempt.detail = event.outcome, event.detail
    attempt.duration_s, attempt.retry_at = event.duration_s, event.retry_at
    attempt.model = event.model or attempt.model
    attempt.answer, attempt.problems = event.answer, event.problems


def _check(
    found: Iteration, event: e.CheckStarted | e.CheckFinished | e.CheckInterrupted, time: str
) -> None:
    match event:
        case e.CheckStarted():
            begun = Check(name=event.check, attempt=event.attempt, began=time, log=event.log)
            begun.job = event.job
            found.checks.append(begun)
        case e.CheckInterrupted():
            for check in _open(found, event.check):
                check.outcome, check.detail = "interrupted", event.reason
        case e.CheckFinished():
            running = _open(found, event.check)
            if not running:
                running = [
                    Check(name=event.check, attempt=event.attempt, began=time, log=event.log)
                ]
                found.checks += running
            for check in running:
                _reported(check, event)


def _open(found: Iteration, name: str) -> list[Check]:
    return [each for each in found.checks if each.name == name and each.outcome == "running"]


def _reported(check: Check, event: e.CheckFinished) -> None:
    check.outcome, check.verdict, check.detail = event.outcome, event.verdict, event.detail
    check.exit_code, check.duration_s = event.exit_code, event.duration_s
    check.metrics, check.tests, check.log = event.metrics, event.tests, event.log
    check.hotspots, check.artifacts = event.hotspots, event.artifacts


def _job_ended(found: Iteration, event: JobEnded) -> None:
    for check in found.checks:
        if check.job == event.job:
            check.job_ended = event
