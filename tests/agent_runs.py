"""States of runs in which agents change code, made from events without an engine."""

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.core import events as e
from engine.core.events import AnyEvent, Record
from engine.core.fold import fold
from engine.core.ids import CandidateId, DirectiveId, IterationNumber, RunId, candidate_id
from engine.core.metric import Gain, Metric
from engine.core.parts import AgentAnswer, Hotspot, Idea, Tokens
from engine.core.state import RunState
from engine.core.verdict import Verdict
from tests.recorded import LOG, NOON, began

METRIC = Metric(
    name="est_ms", unit="ms", direction="min", target=0.35, min_gain=Gain(0.001, relative=True)
)
DOCUMENT: dict[str, Any] = {
    "campaign": "gdn-agent",
    "about": "Gated DeltaNet forward",
    "checks": [{"name": "correctness", "run": "{python} -m judge"}, {"name": "cost", "run": ["c"]}],
}


class Turn(msgspec.Struct, kw_only=True):
    """One iteration of an agent: what it answered and what became of it.

    `verdict` None leaves the iteration open. `base` is the iteration whose commit it stands on;
    None means the champion's. `carried` is the one onto which its change was carried over. With
    `by_agent` False its commit was there before.
    """

    verdict: Verdict | None = "rejected"
    value: float | None = None
    hotspots: list[Hotspot] = []
    answer: AgentAnswer | None = None
    reason: str = "because"
    base: int | None = None
    carried: int | None = None
    by_agent: bool = True


def commit_of(iteration: int) -> str:
    """The commit that an iteration made."""
    return f"{iteration:040x}"


def spots(**shares: float) -> list[Hotspot]:
    """Hotspots by name."""
    return [Hotspot(name=name, share=share) for name, share in shares.items()]


def answer(hypothesis: str = "", ideas: Sequence[str] = (), choice: int = 1) -> AgentAnswer:
    """An answer with these ideas on its shortlist, all of them structural."""
    shortlist = [Idea(idea=idea, upside="20 %", structural=True) for idea in ideas]
    return AgentAnswer(shortlist=shortlist, choice=choice, hypothesis=hypothesis)


def state_of(events: Sequence[AnyEvent]) -> RunState:
    """The state that events add up to."""
    state: RunState | None = None
    for seq, event in enumerate(events, start=1):
        state = fold(state, Record(seq=seq, time=NOON, event=event, hash=b""))
    assert state is not None
    return state


def run_of(
    turns: Sequence[Turn],
    *,
    baseline: Turn | None = None,
    directives: Sequence[tuple[str, str]] = (),
    limits: e.Limits | None = None,
    metric: Metric = METRIC,
) -> RunState:
    """A run whose baseline is measured as 2 ms, and then these turns."""
    first = baseline or Turn(verdict="promoted", value=2.0, reason="the baseline")
    story: list[AnyEvent] = [_created(limits or e.Limits(iterations=300), metric)]
    story += [_directive(number, *one) for number, one in enumerate(directives, start=1)]
    champion = 1
    for number, turn in enumerate([first, *turns], start=1):
        story += _iteration(number, turn, turn.base or champion)
        champion = number if turn.verdict == "promoted" else champion
    return state_of(story)


def _created(limits: e.Limits, metric: Metric) -> e.RunCreated:
    return e.RunCreated(
        run=RunId("gdn-agent-s0"),
        campaign="gdn-agent",
        campaign_sha256="00",
        campaign_path="gdn-agent.yaml",
        document=DOCUMENT,
        seed=0,
        slots=1,
        metric=metric,
        limits=limits,
    )


def _directive(number: int, title: str, text: str) -> e.DirectiveAdded:
    name = DirectiveId(f"d{number}")
    return e.DirectiveAdded(directive=name, title=title, text=text, source="inline", by="me")


def _iteration(number: int, turn: Turn, base: int) -> list[AnyEvent]:
    iteration, candidate = IterationNumber(number), candidate_id(IterationNumber(number))
    made = number > 1 and turn.by_agent
    story: list[AnyEvent] = [began(number)]
    story.append(
        e.CandidateProposed(
            iteration=iteration,
            candidate=candidate,
            parameters={},
            key=f"key-{number}",
            seed=number,
            parents=[] if number == 1 else [CandidateId(f"c-{base:04d}")],
            tags=[],
            proposer="agent",
            commit=None if made else commit_of(number),
            base=commit_of(base) if made else None,
            agent="scripted" if made else None,
        )
    )
    if made:
        story += _work(iteration, candidate, turn, base)
    return [*story, *_judged(iteration, candidate, turn)]


def _work(
    iteration: IterationNumber, candidate: CandidateId, turn: Turn, base: int
) -> list[AnyEvent]:
    started = e.AgentStarted(
        iteration=iteration,
        candidate=candidate,
        attempt=1,
        agent="scripted",
        model=None,
        effort=None,
        base=commit_of(base),
        folder=f"agents/{iteration:05d}-1",
        prompt_sha256="",
        parts=[],
        directives=[],
        escalated=False,
        log=LOG,
    )
    finished = e.AgentFinished(
        iteration=iteration,
        candidate=candidate,
        attempt=1,
        outcome="answered",
        detail="",
        duration_s=1.0,
        log=LOG,
        tokens=Tokens(input=900, output=100),
        cost_usd=0.25,
        answer=turn.answer,
    )
    changed = e.ChangeCollected(
        iteration=iteration,
        candidate=candidate,
        commit=commit_of(iteration),
        tree="",
        base=commit_of(base),
        commits=1,
        changed=1,
        files=[],
    )
    if turn.carried is None:
        return [started, finished, changed]
    carried = e.ChangeCarriedOver(
        iteration=iteration,
        candidate=candidate,
        commit=commit_of(iteration + 1_000),
        tree="",
        base=commit_of(turn.carried),
    )
    return [started, finished, changed, carried]


def _judged(iteration: IterationNumber, candidate: CandidateId, turn: Turn) -> list[AnyEvent]:
    if turn.verdict is None:
        return []
    metrics = {} if turn.value is None else {"est_ms": turn.value}
    check = e.CheckFinished(
        iteration=iteration,
        candidate=candidate,
        check="cost",
        attempt=1,
        outcome="passed",
        exit_code=0,
        duration_s=1.0,
        log=LOG,
        metrics=metrics,
        hotspots=turn.hotspots,
    )
    verdict = e.VerdictReached(
        iteration=iteration,
        candidate=candidate,
        verdict=turn.verdict,
        reason=turn.reason,
        value=turn.value,
        metrics=metrics,
    )
    return [check, verdict]
