"""The receipt of a verdict: what it was made from, as the journal has it, and a hash of that."""

import hashlib
from typing import Any, Final, Literal

import msgspec

from engine.core.campaign.load import campaign_from_document
from engine.core.campaign.problems import CampaignError
from engine.core.confidence import Confidence, confidence
from engine.core.events import CheckFinished, HarnessRecorded, Record, VerdictReached
from engine.core.ids import CandidateId, IterationNumber, TraceId
from engine.core.measuring import SYNC, pair_seed, pairs_of
from engine.core.metric import Metric
from engine.core.pairs.looks import Design
from engine.core.parts import Role
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.verdict import FAILURES, SCORED

FORMAT: Final = 1
HASH: Final = "sha256"

Way = Literal[
    "baseline",  # the first one: there is nothing to compare with
    "value",  # one value against the champion's
    "pairs",  # by measured pairs
    "failed",  # a check says so
    "stated",  # for a reason that no number stands for
]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the verdict stands in the journal; `hash` is that of the chain there."""

    seq: int
    time: str
    hash: str


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What measured: the engine's version, and the fingerprint of workload and environment."""

    version: str
    fingerprint: dict[str, str]


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged. Commit, tree and base are those of its code, where it has some.

    `claims` are figures that its agent says it measured; they decide nothing.
    """

    parameters: dict[str, Any]
    seed: int
    parents: list[CandidateId]
    tags: list[str]
    proposer: str
    commit: str | None = None
    tree: str | None = None
    base: str | None = None
    claims: dict[str, float] = {}


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """The champion that the candidate was compared with, and when its value was measured.

    `confidence` is how far that one's score was shown again by then.
    """

    candidate: CandidateId
    value: float | None
    error: float
    measured_in: IterationNumber | None
    fingerprint: dict[str, str]
    confidence: Confidence | None = None


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. `design` is that of the pairs, where candidates are compared so."""

    metric: Metric
    design: Design | None = None


class MeasuredPair(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of the champion and one of the candidate, and the seed of both."""

    pair: int
    seed: int
    champion: float
    candidate: float
    first: Role


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict was made from. The checks are the events that recorded them.

    `confidence` is the candidate's at that moment; what was measured again later are events.
    """

    format: int
    run: str
    campaign: str
    campaign_sha256: str
    iteration: IterationNumber
    candidate: CandidateId
    trace_id: TraceId
    began: str
    journal: Place
    tool: Tool
    harness: HarnessRecorded | None
    inputs: Inputs
    reference: Reference | None
    thresholds: Thresholds
    checks: list[CheckFinished]
    pairs: list[MeasuredPair]
    way: Way
    verdict: VerdictReached
    confidence: Confidence | None = None


class Receipts:
    """Makes the receipts of a run, one verdict after the other."""

    def __init__(self) -> None:
        self._design: tuple[str, Design | None] = ("", None)

    def of(self, state: RunState, record: Record) -> Receipt | None:
        """The receipt of a verdict; None for any other event.

        Args:
            state: the run right before the event.
            record: the event.
        """
        verdict = record.event
        if not isinstance(verdict, VerdictReached):
            return None
        turn, candidate = state.open[verdict.iteration], state.candidates[verdict.candidate]
        design = self._design_of(state)
        return Receipt(
            format=FORMAT,
            run=state.run,
            campaign=state.campaign,
            campaign_sha256=state.campaign_sha256,
            iteration=verdict.iteration,
            candidate=verdict.candidate,
            trace_id=turn.trace_id,
            began=turn.since,
            journal=Place(seq=record.seq, time=record.time, hash=record.hash.hex()),
            tool=Tool(
                version=state.engine.version if state.engine else "", fingerprint=state.fingerprint
            ),
            harness=state.harness,
            inputs=_inputs(candidate),
            reference=_reference(state, candidate),
            thresholds=Thresholds(metric=state.metric, design=design),
            checks=[*turn.finished, *turn.halves],
            pairs=_pairs(state, turn, noisy=design is not None),
            way=way_of(state, turn, verdict),
            verdict=verdict,
            confidence="exploratory" if verdict.verdict in SCORED else None,
        )

    def _design_of(self, state: RunState) -> Design | None:
        if self._design[0] != state.campaign_sha256:
            self._design = (state.campaign_sha256, design_of(state.document))
        return self._design[1]


def design_of(document: dict[str, Any]) -> Design | None:
    """How a campaign's pairs are measured; None where it has none, or this version cannot tell."""
    try:
        campaign = campaign_from_document(document)
    except CampaignError:
        return None
    return campaign.referee.design() if campaign.metric.noise == "measured" else None


def _inputs(candidate: Candidate) -> Inputs:
    code = candidate.code
    return Inputs(
        parameters=candidate.parameters,
        seed=candidate.seed,
        parents=candidate.parents,
        tags=candidate.tags,
        proposer=candidate.proposer,
        commit=code.commit if code else None,
        tree=code.tree if code else None,
        base=code.base if code else None,
        claims=code.answer.claims if code and code.answer else {},
    )


def _reference(state: RunState, candidate: Candidate) -> Reference | None:
    champion = state.best()
    if champion is None or champion.id == candidate.id:
        return None
    measured = champion.measured
    return Reference(
        candidate=champion.id,
        value=champion.value,
        error=measured.error if measured else 0.0,
        measured_in=measured.iteration if measured else None,
        fingerprint=measured.fingerprint if measured else {},
        confidence=confidence(state, champion),
    )


def _pairs(state: RunState, turn: OpenIteration, *, noisy: bool) -> list[MeasuredPair]:
    candidate = turn.candidate
    against = state.champion or candidate
    if candidate is None or against is None:
        return []
    seed = state.candidates[candidate].seed
    return [
        MeasuredPair(
            pair=number,
            seed=pair_seed(state.seed, turn, against, number) if noisy else seed,
            champion=pair.champion,
            candidate=pair.candidate,
            first=pair.first,
        )
        for number, pair in enumerate(pairs_of(turn, against, state.metric.name), 1)
    ]


def way_of(state: RunState, turn: OpenIteration, verdict: VerdictReached) -> Way:
    """How the verdict came about, by what the iteration found out."""
    if verdict.verdict in FAILURES or verdict.verdict == "invalid":
        return "failed" if failed_last([*turn.finished], [*turn.halves]) else "stated"
    if verdict.candidate == state.baseline:
        return "baseline"
    if verdict.decision is not None:
        return "pairs"
    merged = SYNC in state.candidates[verdict.candidate].tags
    known = verdict.verdict in {"promoted", "rejected"} and not merged
    return "value" if known else "stated"


def failed_last(finished: list[CheckFinished], halves: list[CheckFinished]) -> CheckFinished | None:
    """The check that ended an iteration by failing, if one did."""
    for reports in (finished, halves):
        if reports and reports[-1].outcome == "failed":
            return reports[-1]
    return None


def canonical(data: object) -> bytes:
    """The data as JSON in the one form that is hashed: keys in order, no spaces."""
    return msgspec.json.encode(data, order="sorted")


def self_hash(data: dict[str, Any]) -> str:
    """SHA-256 of a receipt without its own hash."""
    rest = {key: value for key, value in data.items() if key != HASH}
    return hashlib.sha256(canonical(rest)).hexdigest()


def as_data(receipt: Receipt) -> dict[str, Any]:
    """The receipt as plain data, with its hash."""
    data: dict[str, Any] = msgspec.json.decode(canonical(receipt))
    return data | {HASH: self_hash(data)}


def as_file(receipt: Receipt) -> bytes:
    """The content of the receipt's file."""
    return canonical(as_data(receipt)) + b"\n"
