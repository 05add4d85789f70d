"""The records of a run, in the order in which a report asks for them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar, cast

import msgspec

from engine.core import events as e
from engine.core.decisions.events import DecisionAnswered, DecisionReplaced
from engine.core.event import Event
from engine.core.ids import CandidateId, DecisionId
from engine.core.verdict import FAILURES, SCORED
from engine.reports.final.facts import At, dig

E = TypeVar("E", bound=Event)

_LEFT_OUT: Final = (e.CheckStarted, e.RecheckStarted, e.RecheckBegun, e.NoteTaken)
"""Intents and notes, of which nothing is told; they are a third of a journal."""


class Figure(NamedTuple):
    """A measured value: the field of an event. `error` is the field of its standard error."""

    at: At[Event]
    path: str
    error: str = ""

    @property
    def value(self) -> float:
        """What was measured."""
        return cast("float", dig(self.at, self.path))

    @property
    def error_value(self) -> float:
        """The standard error, 0 where it was measured once or exactly."""
        return cast("float", dig(self.at, self.error) or 0.0) if self.error else 0.0


class Trial(msgspec.Struct, kw_only=True):
    """What is recorded of a candidate in its iteration."""

    started: At[e.IterationStarted]
    proposed: At[e.CandidateProposed]
    verdict: At[e.VerdictReached] | None = None
    agents: list[At[e.AgentFinished]] = []
    change: At[e.ChangeCollected] | None = None
    checks: list[At[e.CheckFinished]] = []
    against: Figure | None = None
    values: list[Figure] = []
    decided: At[DecisionAnswered] | None = None

    @property
    def follows(self) -> frozenset[str]:
        """What its agent, or the worker that decided for it, says that it follows."""
        said = self.answered.event.answer if self.answered else None
        choice = self.decided.event.answer if self.decided else None
        return frozenset([*(said.follows if said else ()), *(choice.follows if choice else ())])

    @property
    def answered(self) -> At[e.AgentFinished] | None:
        """The attempt of its agent that answered last."""
        said = [at for at in self.agents if at.event.answer is not None]
        return said[-1] if said else None

    @property
    def claims(self) -> dict[str, float]:
        """What its agent says that it measured."""
        answer = self.answered.event.answer if self.answered else None
        return answer.claims if answer else {}

    @property
    def failed_check(self) -> At[e.CheckFinished] | None:
        """The check that failed last."""
        failed = [at for at in self.checks if at.event.outcome == "failed"]
        return failed[-1] if failed else None

    @property
    def scored(self) -> bool:
        """Whether its metric was measured in a valid way."""
        event = self.verdict.event if self.verdict else None
        return event is not None and event.value is not None and event.verdict in SCORED

    @property
    def failed(self) -> bool:
        """Whether nothing could be learned about how good it is, or it broke a rule."""
        verdict = self.verdict.event.verdict if self.verdict else ""
        return verdict in FAILURES or verdict == "invalid"


class Reign(NamedTuple):
    """A candidate became champion, or there was none any more, by this event."""

    at: (
        At[e.VerdictReached]
        | At[e.ChampionAccepted]
        | At[e.ChampionRejected]
        | At[e.ChampionDemoted]
    )
    champion: CandidateId | None


class Book:
    """What happened, by candidate and by kind of event."""

    def __init__(self, records: Iterable[e.Record]) -> None:
        self.trials: dict[CandidateId, Trial] = {}
        self.reigns: list[Reign] = []
        self.hash = ""
        self._kinds: dict[type[Event], list[At[Any]]] = {}
        self._started: dict[int, At[e.IterationStarted]] = {}
        self._decided: dict[DecisionId, At[DecisionAnswered]] = {}
        self._champion: CandidateId | None = None
        edge: list[At[Event]] = []
        for record in records:
            at = At(record.seq, record.time, cast("Event", record.event))
            edge = [edge[0] if edge else at, at]
            self.hash = record.hash.hex()
            if not isinstance(record.event, _LEFT_OUT):
                self._kinds.setdefault(type(record.event), []).append(at)
                self._take(at)
        self.first, self.last = edge

    def all(self, kind: type[E]) -> list[At[E]]:
        """The events of a kind, in their order."""
        return self._kinds.get(kind, [])

    @property
    def created(self) -> At[e.RunCreated]:
        """The first event of the run."""
        return self.all(e.RunCreated)[0]

    @property
    def campaign(self) -> At[e.RunCreated] | At[e.CampaignChangeAccepted]:
        """Which event has the campaign, as it is now."""
        changed = self.all(e.CampaignChangeAccepted)
        return changed[-1] if changed else self.created

    @property
    def judged(self) -> list[Trial]:
        """The candidates that have a verdict, in the order of their iterations."""
        return [trial for trial in self.trials.values() if trial.verdict is not None]

    def verdicts(self, trials: Iterable[Trial], *names: str) -> list[At[e.VerdictReached]]:
        """The verdicts of some candidates; those of some names, where any is given."""
        found = [trial.verdict for trial in trials if trial.verdict is not None]
        return [at for at in found if not names or at.event.verdict in names]

    def rechecks_of(self, candidate: CandidateId) -> list[At[e.RecheckEnded]]:
        """What measuring a candidate again has come to."""
        return [at for at in self.all(e.RecheckEnded) if at.event.candidate == candidate]

    def _take(self, at: At[Any]) -> None:
        match at.event:
            case e.IterationStarted(iteration=number):
                self._started[number] = at
            case e.CandidateProposed(iteration=number, candidate=candidate):
                trial = Trial(started=self._started[number], proposed=at)
                chosen = at.event.chosen
                if chosen is not None and chosen.decision is not None:
                    trial.decided = self._decided.pop(chosen.decision, None)
                self.trials[candidate] = trial
            case DecisionAnswered(decision=decision):
                self._decided[decision] = at
            case DecisionReplaced(decision=decision):
                # What it followed is not what the other one follows.
                self._decided.pop(decision, None)
            case e.AgentFinished() | e.ChangeCollected() | e.CheckFinished():
                self._work(at, self.trials[at.event.candidate])
            case e.VerdictReached():
                self._verdict(at, self.trials[at.event.candidate])
            case e.ChampionMeasured() | e.RecheckEnded():
                self._again(at, self.trials[at.event.candidate])
            case e.ChampionAccepted():
                self._reign(at, at.event.candidate)
            case e.ChampionRejected() | e.ChampionDemoted():
                self._reign(at, at.event.champion)
            case _:
                pass

    def _work(self, at: At[Any], trial: Trial) -> None:
        match at.event:
            case e.AgentFinished():
                trial.agents.append(at)
            case e.ChangeCollected():
                trial.change = at
            case e.CheckFinished():
                trial.checks.append(at)
            case _:
                pass

    def _verdict(self, at: At[e.VerdictReached], trial: Trial) -> None:
        trial.verdict = at
        trial.against = self._reference()
        if at.event.value is not None:
            trial.values.append(Figure(at, "value", "value_error"))
        if at.event.verdict == "promoted":
            self._reign(at, at.event.candidate)

    def _again(self, at: At[Any], trial: Trial) -> None:
        """A value beside others: pairs, or the end; under a variant it is of something else."""
        match at.event:
            case e.ChampionMeasured():
                trial.values.append(Figure(at, "now", "error"))
            case e.RecheckEnded(purpose="end", value=float()):
                trial.values.append(Figure(at, "value", "error"))
            case _:
                pass

    def _reign(self, at: At[Any], champion: CandidateId | None) -> None:
        if champion != self._champion:
            self.reigns.append(Reign(at, champion))
        self._champion = champion

    def _reference(self) -> Figure | None:
        """The champion's value of this moment, as pairs brought it up to date."""
        if self._champion is None:
            return None
        values = reversed(self.trials[self._champion].values)
        return next((v for v in values if not isinstance(v.at.event, e.RecheckEnded)), None)


def between_s(first: At[Event], last: At[Event]) -> float:
    """Seconds from one event to another."""
    then, now = datetime.fromisoformat(first.time), datetime.fromisoformat(last.time)
    return (now - then).total_seconds()


def seqs(events: Sequence[At[Event]]) -> tuple[int, ...]:
    """The numbers of events."""
    return tuple(at.seq for at in events)
