"""What is measured again, what that comes to, and how far a score can be relied on by it."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from engine.core import events as e
from engine.core.confidence import confidence, doubt, is_demoted
from engine.core.demoting import recorded
from engine.core.fold import fold
from engine.core.gates import Gate
from engine.core.ids import CandidateId, IterationNumber
from engine.core.pairs.looks import Design
from engine.core.plan import Plan, PlannedCheck, PlannedReferee
from engine.core.recheck_lines import drift_text, recheck_text
from engine.core.rechecking import RecheckStep, due, due_at_end, next_recheck_step
from engine.core.referee import next_step
from engine.core.state import RunState
from engine.core.steps import RunCheck, TakeTurns, Wait
from engine.core.verdict import Verdict
from engine.reports.recheck_check import RecheckCheck
from tests.recorded import LOG, NOON, began, checked, checking, created, judged, proposed, started

NOW_S = 4e9
HERE = {"device": "here"}
LONG = {"name": "long", "env": {"SHAPE": "long"}}
WIDE = {"name": "wide", "env": {"SHAPE": "wide"}}
EXACT = PlannedReferee(check="cost", leaders=1)
NOISY = PlannedReferee(
    check="cost",
    noisy=True,
    design=Design(first=6, most=6),
    confirming=Design(first=6, most=6),
    leaders=1,
    baseline_every=3,
)


def plan(referee: PlannedReferee = EXACT, gates: tuple[Gate, ...] = ()) -> Plan:
    return Plan(checks=(PlannedCheck(name="cost"),), referee=referee, gates=gates)


def c(number: int) -> CandidateId:
    return CandidateId(f"c-{number:04d}")


class Story:
    """A run put together event by event; its baseline has the value 100, c-0002 has 90."""

    def __init__(self, *variants: dict[str, Any], slots: int = 1, **promoted: Any) -> None:
        document: dict[str, Any] = {"campaign": "made"}
        if variants:
            document["confirm"] = {"on": "local", "variants": list(variants)}
        self.state: RunState | None = None
        begun = msgspec.structs.replace(created(), slots=slots, document=document)
        self.add(begun, msgspec.structs.replace(started(), fingerprint=HERE))
        self.iteration(1, 100.0, "promoted")
        self.iteration(2, 90.0, "promoted", **promoted)

    @property
    def now(self) -> RunState:
        assert self.state is not None
        return self.state

    def add(self, *events: e.AnyEvent) -> None:
        for event in events:
            seq = self.state.seq + 1 if self.state else 1
            self.state = fold(self.state, e.Record(seq=seq, time=NOON, event=event, hash=b""))

    def iteration(self, number: int, value: float, verdict: Verdict, **changed: Any) -> None:
        told = msgspec.structs.replace(judged(number, value, verdict), **changed)
        self.add(began(number), proposed(number), checked(number, value), told)

    def begin(self, wish: e.RecheckBegun | None) -> None:
        assert wish is not None
        self.add(wish)

    def step(self, plan: Plan) -> RecheckStep:
        again = self.now.rechecks.open
        assert again is not None
        return next_recheck_step(self.now, again, plan, NOW_S)

    def report(self, step: RecheckStep, value: float, **changed: Any) -> None:
        """The check that is the next step ended so."""
        assert isinstance(step, RunCheck)
        again = self.now.rechecks.open
        assert again is not None
        report = msgspec.structs.replace(
            checked(again.turn.iteration, value), check=step.name, half=step.half, **changed
        )
        self.add(
            e.RecheckChecked(
                recheck=again.number,
                iteration=again.turn.iteration,
                candidate=again.candidate,
                report=report,
            )
        )

    def measure(
        self, plan: Plan, value: float | Sequence[float], base: float = 100.0
    ) -> e.RecheckEnded:
        """Measure to the end: the candidate has these values in turn; the baseline has `base`."""
        values, count = [value] if isinstance(value, float) else list(value), 0
        while not isinstance(step := self.step(plan), e.RecheckEnded):
            assert isinstance(step, RunCheck)
            if step.half is not None and step.half.role == "champion":
                self.report(step, base + count % 3 / 10)
            else:
                self.report(step, values[count % len(values)])
                count += 1
        self.add(*recorded(self.now, step))
        return step

    def label(self, number: int) -> str | None:
        return confidence(self.now, self.now.candidates[c(number)])


def failing(verdict: Verdict = "incorrect") -> dict[str, Any]:
    return {"outcome": "failed", "verdict": verdict, "detail": "no", "metrics": {}}


def test_a_champion_is_stable_once_every_variant_held() -> None:
    story, planned = Story(LONG, WIDE), plan()
    assert story.label(2) == "exploratory"
    wish = due(story.now, planned, 0)
    assert wish is not None
    assert (wish.candidate, wish.against, wish.variant, wish.env) == (
        c(2),
        c(1),
        "long",
        LONG["env"],
    )
    story.begin(wish)
    assert due(story.now, planned, 0) is None  # one at a time
    found = story.measure(planned, 90.0)
    assert (found.outcome, found.value, found.reference) == ("held", 90.0, 100.1)
    assert story.label(2) == "replicated"
    story.begin(due(story.now, planned, 0))
    assert story.measure(planned, 91.0).variant == "wide"
    assert story.label(2) == "stable"
    assert due(story.now, planned, 0) is None
    # The next champion finds the baseline's values there.
    story.iteration(3, 80.0, "promoted")
    story.begin(due(story.now, planned, 0))
    story.report(story.step(planned), 80.0)
    assert isinstance(story.step(planned), e.RecheckEnded)


def test_without_variants_nothing_is_confirmed() -> None:
    assert due(Story().now, plan(), 0) is None


def test_one_that_fails_is_demoted_and_who_was_judged_is_told() -> None:
    story = Story(LONG)
    story.begin(due(story.now, plan(), 0))
    story.measure(plan(), 95.0)
    story.iteration(3, 50.0, "promoted")
    story.iteration(4, 70.0, "rejected")
    story.iteration(5, 200.0, "rejected")
    story.begin(due(story.now, plan(), 0))
    story.report(story.step(plan()), 0.0, **failing())
    step = story.step(plan())
    assert isinstance(step, e.RecheckEnded)
    events = recorded(story.now, step)
    story.add(*events)
    demoted = events[-1]
    assert isinstance(demoted, e.ChampionDemoted)
    assert (demoted.candidate, demoted.champion) == (c(3), c(2))
    assert (demoted.judged, demoted.better) == ([c(4), c(5)], c(4))
    assert "controlroom champion accept c-0004" in recheck_text(demoted, None)
    assert story.now.champion == c(2)
    assert is_demoted(story.now.candidates[c(3)])
    assert (story.label(3), story.label(2)) == ("exploratory", "stable")
    assert due(story.now, plan(), 0) is None
    assert story.now.since_promotion == 0


def test_one_that_is_champion_no_more_is_demoted_too_and_never_reigns_again() -> None:
    story = Story(LONG)
    story.begin(due(story.now, plan(), 0))
    story.iteration(3, 50.0, "promoted")
    story.measure(plan(), 120.0)
    assert story.now.champion == c(3)
    story.begin(due(story.now, plan(), 0))
    story.measure(plan(), 120.0)
    assert story.now.champion == c(1)


def test_a_person_has_the_last_word() -> None:
    story = Story(LONG)
    accepted = e.ChampionAccepted(
        iteration=IterationNumber(2), candidate=c(2), before=c(2), reason="mine", by="ada"
    )
    story.add(accepted)
    story.begin(due(story.now, plan(), 0))
    assert story.measure(plan(), 120.0).outcome == "failed"
    assert story.now.champion == c(2)
    assert story.label(2) == "exploratory"
    assert doubt(story.now, story.now.candidates[c(2)]).startswith("long: not better than c-0001")
    assert due(story.now, plan(), 0) is None


def test_one_that_a_person_rejects_meanwhile_is_not_measured_to_the_end() -> None:
    story = Story(LONG)
    story.begin(due(story.now, plan(), 0))
    story.add(
        e.ChampionRejected(
            iteration=IterationNumber(2), candidate=c(2), champion=c(1), reason="a hack", by="ada"
        )
    )
    assert story.measure(plan(), 90.0).outcome == "moot"
    assert due(story.now, plan(), 0) is None


def test_what_the_machine_fails_is_tried_again_and_demotes_nobody() -> None:
    story = Story(LONG)
    for iteration in (3, 4, 5):
        story.begin(due(story.now, plan(), 0))
        for _ in range(3):
            again = story.now.rechecks.open
            assert again is not None
            assert not isinstance(next_recheck_step(story.now, again, plan(), 0.0), e.RecheckEnded)
            story.report(story.step(plan()), 0.0, **failing("infra"))
        assert isinstance(
            next_recheck_step(story.now, story.now.rechecks.open, plan(), 0.0), e.RecheckEnded
        )
        assert story.measure(plan(), 0.0).outcome == "infra"
        assert story.now.champion == c(2)
        assert due(story.now, plan(), 0) is None  # not before something has changed
        story.iteration(iteration, 200.0, "rejected")
    assert due(story.now, plan(), 0) is None  # and not for ever
    assert story.label(2) == "exploratory"


def test_the_machine_is_given_time_before_it_is_tried_again() -> None:
    story = Story(LONG)
    story.begin(due(story.now, plan(), 0))
    story.report(story.step(plan()), 0.0, **failing("infra"))
    again = story.now.rechecks.open
    assert again is not None
    assert isinstance(next_recheck_step(story.now, again, plan(), 0.0), Wait)


def test_a_baseline_that_fails_under_a_variant_says_nothing() -> None:
    story = Story(LONG)
    story.begin(due(story.now, plan(), 0))
    story.report(story.step(plan()), 90.0)
    story.report(story.step(plan()), 0.0, **failing())
    found = story.measure(plan(), 0.0)
    assert found.outcome == "inconclusive"
    assert found.reason == "the baseline, c-0001, fails: cost: no"
    assert (story.now.champion, story.label(2)) == (c(2), "exploratory")


def test_hard_limits_hold_under_every_variant() -> None:
    planned = plan(gates=(Gate(metric="est_ms", least=92.0, most_rise=0.01),))
    story = Story(LONG)
    story.begin(due(story.now, planned, 0))
    found = story.measure(planned, 91.0)
    assert (found.outcome, found.reason) == ("failed", "est_ms is 91, less than 92")


def test_a_merge_is_confirmed_by_its_checks_alone() -> None:
    story = Story(LONG)
    merge = msgspec.structs.replace(proposed(3), tags=["sync"])
    story.add(began(3), merge, checked(3, 95.0), judged(3, 95.0, "promoted"))
    story.begin(due(story.now, plan(), 0))
    assert story.measure(plan(), 120.0).outcome == "held"


@pytest.mark.parametrize(
    ("value", "outcome", "champion"),
    [(90.0, "held", c(2)), (110.0, "failed", c(1)), (100.0, "inconclusive", c(2))],
)
def test_with_noise_pairs_confirm(value: float, outcome: str, champion: CandidateId) -> None:
    story, planned = Story(LONG), plan(NOISY)
    story.begin(due(story.now, planned, 0))
    values = [value + each for each in (0.3, -0.2, 0.1, 0.4, -0.1, -0.3, 0.2)]
    found = story.measure(planned, values)
    assert found.outcome == outcome
    assert found.decision is not None
    assert found.decision.pairs == 6
    assert story.now.champion == champion


def measured_again(story: Story, now: float, *, changed: bool, error: float = 0.0) -> None:
    story.add(
        e.ChampionMeasured(
            iteration=IterationNumber(9),
            candidate=c(2),
            before=90.0,
            now=now,
            error=error,
            why="measured beside a candidate",
            changed=changed,
        )
    )


def test_a_champion_is_replicated_by_later_pairs() -> None:
    story = Story(value_error=0.5)
    measured_again(story, 90.2, changed=False, error=0.4)
    assert story.label(2) == "replicated"
    measured_again(story, 95.0, changed=True, error=0.4)
    assert story.label(2) == "exploratory"
    assert doubt(story.now, story.now.candidates[c(2)]) == "90 before, 95 in #9"
    measured_again(story, 95.1, changed=False, error=0.4)
    assert story.label(2) == "replicated"


def test_a_value_whose_error_is_not_known_replicates_nothing() -> None:
    story = Story()
    measured_again(story, 90.2, changed=False, error=0.4)
    assert story.label(2) == "exploratory"


def at_end(story: Story, planned: Plan) -> e.RecheckBegun | None:
    return due_at_end(story.now, planned, 0)


def test_the_leaders_are_measured_once_at_every_end() -> None:
    planned = plan(msgspec.structs.replace(EXACT, leaders=2))
    story = Story()
    story.iteration(3, 89.0, "inconclusive")
    story.iteration(4, 80.0, "infeasible")
    for number in (2, 3):
        wish = at_end(story, planned)
        assert wish is not None
        assert (wish.candidate, wish.purpose) == (c(number), "end")
        story.begin(wish)
        assert story.measure(planned, 90.0).outcome == ("held" if number == 2 else "failed")
    assert at_end(story, planned) is None
    assert (story.label(2), story.label(3)) == ("replicated", "exploratory")
    story.iteration(5, 200.0, "rejected")
    assert at_end(story, planned) is not None
    assert at_end(story, plan(msgspec.structs.replace(EXACT, leaders=0))) is None


def test_leaders_are_measured_unasked_where_that_is_cheap() -> None:
    unasked = plan(msgspec.structs.replace(EXACT, leaders=None))
    story = Story()
    assert at_end(story, unasked) is not None
    story.add(began(3), proposed(3), msgspec.structs.replace(checked(3, 95.0), duration_s=1e4))
    story.add(judged(3, 95.0, "rejected"))
    assert at_end(story, unasked) is None
    assert at_end(story, plan()) is not None


def test_a_baseline_that_is_champion_is_not_measured_at_the_end() -> None:
    story = Story(LONG)
    story.begin(due(story.now, plan(), 0))
    story.measure(plan(), 120.0)
    assert story.now.champion == c(1)
    assert at_end(story, plan()) is None


def test_the_baseline_is_measured_every_so_often() -> None:
    story, planned = Story(), plan(msgspec.structs.replace(EXACT, baseline_every=3))
    assert due(story.now, planned, 0) is None
    story.iteration(3, 200.0, "rejected")
    story.iteration(4, 200.0, "rejected")
    story.begin(due(story.now, planned, 0))
    found = story.measure(planned, 105.0)
    assert (found.candidate, found.purpose, found.changed) == (c(1), "baseline", True)
    drift = story.now.rechecks.drift
    assert drift is not None
    assert drift_text(drift, story.now.metric) == "100 ms -> 105 ms, +5 %, more than noise"
    assert due(story.now, planned, 0) is None
    story.iteration(5, 200.0, "rejected")
    story.iteration(6, 200.0, "rejected")
    story.iteration(7, 200.0, "rejected")
    assert due(story.now, plan(), 0) is None
    assert due(story.now, planned, 0) is not None


def test_with_noise_the_baseline_is_measured_beside_the_champion() -> None:
    story, planned = Story(value_error=0.5), plan(NOISY)
    story.iteration(3, 200.0, "rejected")
    story.iteration(4, 200.0, "rejected")
    wish = due(story.now, planned, 0)
    story.begin(wish)
    found = story.measure(planned, [90.1, 89.9, 90.3], base=104.0)
    assert (found.candidate, found.outcome, found.changed) == (c(2), "held", False)
    drift = story.now.rechecks.drift
    assert drift is not None
    assert drift.now == pytest.approx(104.1, abs=0.1)
    assert not drift.changed  # the first value is a single one: its error is not known
    assert story.label(2) == "replicated"


def test_pairs_have_the_place_for_themselves() -> None:
    story, planned = Story(LONG, slots=2), plan(NOISY)
    story.begin(due(story.now, planned, 0))
    story.report(story.step(planned), 90.0)
    story.add(began(3, slot=1), proposed(3), checking(3))
    assert story.step(planned) == TakeTurns(after=IterationNumber(3))
    story.add(checked(3, 80.0))
    half = story.step(planned)
    assert isinstance(half, RunCheck)
    story.add(
        e.RecheckStarted(
            recheck=1,
            iteration=IterationNumber(2),
            candidate=c(2),
            check="cost",
            attempt=1,
            log=LOG,
            half=half.half,
        )
    )
    waits = next_step(story.now, story.now.open[3], planned, NOW_S)
    assert waits == TakeTurns(after=IterationNumber(2))


CAMPAIGN = {
    "campaign": "made",
    "metric": {"name": "est_ms", "direction": "min", "noise": "measured"},
    "referee": {"first_pairs": 6, "most_pairs": 6},
    "space": {"x": {"choices": [1, 2]}},
    "baseline": {"x": 1},
    "checks": [{"name": "cost", "run": "true", "reports": ["est_ms"]}],
    "confirm": {"variants": [LONG]},
}


@pytest.mark.parametrize(
    "changed", [{"outcome": "failed"}, {"value": 1.0}, {"reference": 1.0}, {"decision": None}]
)
def test_what_does_not_follow_from_its_numbers_is_found(changed: dict[str, Any]) -> None:
    story, planned = Story(LONG), plan(NOISY)
    story.now.document = CAMPAIGN
    story.begin(due(story.now, planned, 0))
    while isinstance(step := story.step(planned), RunCheck):
        first = step.half is not None and step.half.role == "champion"
        story.report(step, 100.0 + len(story.now.keys) / 10 if first else 90.0)
    assert isinstance(step, e.RecheckEnded)
    assert step.outcome == "held"
    check = RecheckCheck()
    assert not check.unfounded(story.now, e.Record(seq=9, time=NOON, event=step, hash=b""))
    false = msgspec.structs.replace(step, **changed)
    assert check.unfounded(story.now, e.Record(seq=9, time=NOON, event=false, hash=b""))


def elsewhere(story: Story) -> None:
    story.add(msgspec.structs.replace(started(), fingerprint={"device": "there"}))


def restarted(story: Story) -> None:
    story.add(msgspec.structs.replace(started(), fingerprint=HERE))


@pytest.mark.parametrize(("restart", "left"), [(restarted, 1), (elsewhere, 0)])
def test_what_was_measured_elsewhere_is_thrown_away(
    restart: Callable[[Story], None], left: int
) -> None:
    story = Story(LONG)
    story.begin(due(story.now, plan(), 0))
    story.report(story.step(plan()), 90.0)
    restart(story)
    again = story.now.rechecks.open
    assert again is not None
    assert len(again.turn.finished) == left


def test_a_reference_of_elsewhere_is_measured_again() -> None:
    story = Story(LONG)
    story.begin(due(story.now, plan(), 0))
    story.measure(plan(), 90.0)
    elsewhere(story)
    story.iteration(3, 80.0, "promoted")
    story.begin(due(story.now, plan(), 0))
    story.report(story.step(plan()), 80.0)
    step = story.step(plan())
    assert isinstance(step, RunCheck)
    assert step.half is not None
    assert step.half.role == "champion"
