"""What the referee does next where pairs are measured: pure decisions on recorded events."""

from collections.abc import Sequence

import msgspec
import pytest

from engine.core import events as e
from engine.core.confidence import doubt
from engine.core.fold import fold
from engine.core.ids import CandidateId, IterationNumber
from engine.core.judging import found_out
from engine.core.measuring import pair_seed, pairs_of
from engine.core.measuring_lines import champion_text
from engine.core.pairs.looks import Design
from engine.core.parts import Half, Role
from engine.core.plan import Plan, PlannedCheck, PlannedReferee
from engine.core.referee import Step, next_step
from engine.core.state import RunState
from engine.core.steps import DrawPair, RunCheck, TakeTurns, Wait
from engine.core.verdict import Verdict
from engine.loop.planning import plan_of
from tests.checking import campaign_of
from tests.recorded import NOON, began, checked, created, iteration, judged, proposed, started

NOW_S = 4e9
FINGERPRINT = {"device": "here"}
REFEREE = PlannedReferee(
    check="cost", noisy=True, design=Design(first=6, most=16), remeasure=5, calibrate=0
)


def plan(retries: int = 0, **changed: object) -> Plan:
    referee = msgspec.structs.replace(REFEREE, **changed)
    checks = (
        PlannedCheck(name="cost", retries=retries),
        PlannedCheck(name="last", when="would_promote"),
    )
    return Plan(checks=checks, referee=referee)


class Story:
    """A run put together event by event; its baseline, c-0001, has the value 100."""

    def __init__(self, slots: int = 1, baseline: float = 100.0) -> None:
        self.state: RunState | None = None
        self.add(
            msgspec.structs.replace(created(), slots=slots),
            msgspec.structs.replace(started(), fingerprint=FINGERPRINT),
            began(1),
            proposed(1),
            checked(1, baseline),
            judged(1, baseline, "promoted"),
        )

    @property
    def now(self) -> RunState:
        assert self.state is not None
        return self.state

    def add(self, *events: e.AnyEvent) -> None:
        for event in events:
            seq = self.state.seq + 1 if self.state else 1
            self.state = fold(self.state, e.Record(seq=seq, time=NOON, event=event, hash=b""))

    def begin(self, number: int, value: float = 90.0, slot: int = 0) -> None:
        """An iteration whose check has passed."""
        self.add(began(number, slot), proposed(number), checked(number, value))

    def step(self, number: int, plan: Plan) -> Step:
        return next_step(self.now, self.now.open[number], plan, NOW_S)

    def half(self, number: int, step: Step, value: float, **changed: object) -> None:
        """The half that is the next step ended so."""
        assert isinstance(step, RunCheck)
        assert step.half is not None
        report = msgspec.structs.replace(checked(number, value), check=step.name, half=step.half)
        self.add(msgspec.structs.replace(report, **changed))

    def measure(self, number: int, plan: Plan, values: dict[str, Sequence[float]]) -> Step:
        """Measure until something else comes: each part's values in turn, over and over."""
        counts = {"champion": 0, "candidate": 0}
        while isinstance(step := self.step(number, plan), RunCheck) and step.half is not None:
            role = step.half.role
            self.half(number, step, values[role][counts[role] % len(values[role])])
            counts[role] += 1
        return step


NEAR_100 = (100.0, 101.0, 99.5, 100.2, 99.0)
NEAR_90 = (90.3, 89.5, 90.0, 91.0, 89.0, 90.4)


def test_halves_turn_with_every_pair() -> None:
    story, order = Story(), []
    story.begin(2)
    for _ in range(6):
        step = story.step(2, plan())
        assert isinstance(step, RunCheck)
        assert step.half is not None
        order.append((step.half.pair, step.half.role, step.half.of))
        story.half(2, step, 100.0)
    assert order == [
        (1, "champion", "c-0001"), (1, "candidate", "c-0002"), (2, "candidate", "c-0002"),
        (2, "champion", "c-0001"), (3, "champion", "c-0001"), (3, "candidate", "c-0002"),
    ]  # fmt: skip


def test_a_candidate_that_is_better_goes_on_to_what_is_asked_before_a_promotion() -> None:
    story = Story()
    story.begin(2)
    step = story.measure(2, plan(), {"champion": NEAR_100, "candidate": NEAR_90})
    assert step == RunCheck(name="last")
    story.add(msgspec.structs.replace(checked(2, 0.0), check="last", metrics={}))
    verdict = story.step(2, plan())
    assert isinstance(verdict, e.VerdictReached)
    assert verdict.verdict == "promoted"
    assert verdict.decision is not None
    assert verdict.decision.pairs == 6
    assert verdict.value == pytest.approx(sum(NEAR_90) / 6)
    assert verdict.value_error == pytest.approx(0.29, abs=0.01)


def test_what_the_ordinary_pass_measured_decides_nothing() -> None:
    story = Story()
    story.begin(2, value=1.0)
    verdict = story.measure(2, plan(), {"champion": NEAR_100, "candidate": (110.0, 111.0, 109.0)})
    assert isinstance(verdict, e.VerdictReached)
    assert verdict.verdict == "rejected"
    assert verdict.value == pytest.approx(110, abs=0.5)


def test_the_verdict_comes_with_what_the_champion_is_worth_now() -> None:
    story = Story()
    story.begin(2)
    verdict = story.measure(2, plan(), {"champion": (50.0, 50.5), "candidate": (60.0, 60.5)})
    assert isinstance(verdict, e.VerdictReached)
    (again,) = found_out(story.now, story.now.open[2], plan(), verdict)
    assert isinstance(again, e.ChampionMeasured)
    assert (again.candidate, again.before) == ("c-0001", 100.0)
    assert again.now == pytest.approx(50.25)
    assert not again.changed  # a single value, as the baseline's, has no error to compare by
    story.add(again, verdict)
    best = story.now.best()
    assert best is not None
    assert best.value == again.now
    story.begin(3)
    verdict = story.measure(3, plan(), {"champion": (70.0, 70.5), "candidate": (90.0, 90.5)})
    assert isinstance(verdict, e.VerdictReached)
    (again,) = found_out(story.now, story.now.open[3], plan(), verdict)
    assert isinstance(again, e.ChampionMeasured)
    assert again.changed


def test_another_champion_makes_all_halves_worthless() -> None:
    story = Story(slots=2)
    story.begin(2)
    for _ in range(3):
        story.half(2, story.step(2, plan()), 100.0)
    story.begin(3, slot=1)
    story.add(judged(3, 80.0, "promoted"))
    step = story.step(2, plan())
    third = CandidateId("c-0003")
    assert step == RunCheck(
        name="cost", half=Half(pair=1, role="champion", of=third, against=third)
    )
    story.half(2, step, 80.0)
    step = story.step(2, plan())
    assert isinstance(step, RunCheck)
    assert step.half == Half(pair=1, role="candidate", of=CandidateId("c-0002"), against=third)


def test_while_pairs_are_measured_others_wait() -> None:
    story = Story(slots=3)
    story.begin(2)
    story.begin(3, slot=1)
    story.add(began(4, 2), proposed(4))
    # Two want to measure: the first in number does, and no check begins meanwhile.
    assert isinstance(story.step(2, plan()), RunCheck)
    assert story.step(3, plan()) == TakeTurns(after=IterationNumber(2))
    assert story.step(4, plan()) == TakeTurns(after=IterationNumber(2))
    # A check that runs is waited for.
    story.add(e.CheckStarted(
        iteration=IterationNumber(4), candidate=CandidateId("c-0004"), check="cost", attempt=1,
        log=e.LogSpan(path="logs/00004.log"),
    ))  # fmt: skip
    assert story.step(2, plan()) == TakeTurns(after=IterationNumber(4))
    story.add(checked(4, 95.0))
    verdict = story.measure(2, plan(), {"champion": NEAR_100, "candidate": (120.0, 121.0)})
    assert isinstance(verdict, e.VerdictReached)
    assert isinstance(story.step(3, plan()), TakeTurns)
    story.add(verdict)
    assert isinstance(story.step(3, plan()), RunCheck)
    assert story.step(4, plan()) == TakeTurns(after=IterationNumber(3))


def test_nobody_waits_for_an_iteration_of_a_slot_that_is_no_more() -> None:
    story = Story(slots=2)
    story.begin(2, slot=1)
    story.half(2, story.step(2, plan()), 100.0)
    story.add(e.LimitsChanged(limits=e.Limits(), slots=1, by="ada"))
    story.begin(3)
    assert isinstance(story.step(3, plan()), RunCheck)


def test_without_noise_nobody_waits() -> None:
    story = Story(slots=2)
    story.begin(2)
    story.add(began(3, 1), proposed(3))
    exact = plan(noisy=False)
    assert story.step(3, exact) == RunCheck(name="cost")


def test_a_half_that_the_machine_failed_is_run_again_as_often_as_the_check_says() -> None:
    story = Story()
    story.begin(2)
    again = plan(retries=1)
    first = story.step(2, again)
    story.half(2, first, 0.0, outcome="failed", verdict="infra", detail="gone", metrics={})
    assert story.step(2, again) == first
    assert isinstance(next_step(story.now, story.now.open[2], again, 0.0), Wait)
    story.half(2, first, 0.0, outcome="failed", verdict="infra", detail="gone", metrics={})
    verdict = story.step(2, again)
    assert isinstance(verdict, e.VerdictReached)
    assert verdict.verdict == "infra"
    assert verdict.reason == "cost of the champion, c-0001, failed: gone"
    assert verdict.signature


def steps_of(story: Story, number: int, plan: Plan, most: int = 20) -> list[str]:
    """The steps up to a verdict, each of which passes with the value 100."""
    taken: list[str] = []
    while len(taken) < most and isinstance(step := story.step(number, plan), RunCheck):
        taken.append(step.name if step.half is None else f"{step.name} {_short(step.half)}")
        if step.half is None:
            story.add(msgspec.structs.replace(checked(number, 100.0), check=step.name))
        else:
            story.half(number, step, 100.0 if step.half.role == "champion" else 90.0)
    return taken


def _short(half: Half) -> str:
    return f"{'for ' if half.prepares else ''}{half.role} {half.pair}"


def with_build(**changed: object) -> Plan:
    exact = plan(noisy=False, remeasure=1, prepare=("build",), **changed)
    return msgspec.structs.replace(exact, checks=(PlannedCheck(name="build"), *exact.checks))


def test_a_champion_is_made_ready_once_where_it_has_a_tree_of_its_own() -> None:
    story = Story()
    story.add(began(2), proposed(2))
    assert steps_of(story, 2, with_build()) == [
        "build", "cost", "build for champion 0", "cost champion 1", "cost candidate 1", "last",
    ]  # fmt: skip


def test_in_one_tree_each_half_is_made_ready_and_so_is_what_comes_after() -> None:
    story = Story()
    story.add(began(2), proposed(2))
    assert steps_of(story, 2, with_build(one_tree=True)) == [
        "build", "cost", "build for champion 1", "cost champion 1", "build for candidate 1",
        "cost candidate 1", "build for candidate 0", "last",
    ]  # fmt: skip


@pytest.mark.parametrize("trees", ["one", "more"])
def test_what_was_made_ready_in_the_one_tree_is_gone_with_its_engine(trees: str) -> None:
    story, built = Story(), with_build(one_tree=trees == "one")
    story.add(began(2), proposed(2))
    for name in ("build", "cost"):
        story.add(msgspec.structs.replace(checked(2, 90.0), check=name))
    first = story.step(2, built)
    story.half(2, first, 0.0, metrics={})
    story.add(msgspec.structs.replace(started(), fingerprint=FINGERPRINT))
    assert (story.step(2, built) == first) is (trees == "one")


def test_only_the_failures_of_one_check_count_against_its_retries() -> None:
    story, built = Story(), with_build()
    built = msgspec.structs.replace(
        built,
        checks=tuple(msgspec.structs.replace(check, retries=1) for check in built.checks),
        referee=msgspec.structs.replace(built.referee, prepare=("build", "last")),
    )
    story.add(began(2), proposed(2))
    for name in ("build", "cost"):
        story.add(msgspec.structs.replace(checked(2, 90.0), check=name))
    story.half(2, story.step(2, built), 0.0)
    second = story.step(2, built)
    story.half(2, second, 0.0, outcome="failed", verdict="infra", detail="gone", metrics={})
    assert story.step(2, built) == second


def test_a_champion_of_the_same_age_as_is_allowed_is_measured_again() -> None:
    exact = plan(noisy=False)
    for number in (5, 6):
        story = Story()
        for before in range(2, number):
            story.begin(before)
            story.add(judged(before, 200.0, "rejected"))
        story.begin(number)
        step = story.step(number, exact)
        assert isinstance(step, RunCheck)
        assert (step.half is not None) == (number == 6)


def test_a_value_without_noise_that_changed_is_not_compared_with() -> None:
    story, exact = Story(), plan(noisy=False, remeasure=1)
    story.begin(2, value=99.0)  # better than 100, which the champion was worth once
    verdict = story.measure(2, exact, {"champion": (95.0,), "candidate": (99.0,)})
    assert isinstance(verdict, e.VerdictReached)
    assert (verdict.verdict, verdict.value) == ("rejected", 99.0)
    assert verdict.reason == "not better than c-0001 (95)"
    (again,) = found_out(story.now, story.now.open[2], exact, verdict)
    assert isinstance(again, e.ChampionMeasured)
    assert again.changed
    assert again.why == "its value was 1 iterations old"


def test_another_fingerprint_makes_the_value_stale_and_what_was_measured_worthless() -> None:
    story, exact = Story(), plan(noisy=False, remeasure=0)
    story.begin(2)
    assert story.step(2, exact) == RunCheck(name="last")  # promoted, but for the last check
    story.add(msgspec.structs.replace(started(), fingerprint={"device": "there"}))
    assert story.step(2, exact) == RunCheck(name="cost")
    story.add(checked(2, 90.0))
    verdict = story.measure(2, exact, {"champion": (80.0,), "candidate": (90.0,)})
    assert isinstance(verdict, e.VerdictReached)
    assert verdict.verdict == "rejected"
    (again,) = found_out(story.now, story.now.open[2], exact, verdict)
    assert isinstance(again, e.ChampionMeasured)
    assert again.why == "the fingerprint changed: device here -> there"


def test_a_twin_of_the_champion_is_not_measured() -> None:
    story = Story()
    same = msgspec.structs.replace(proposed(2), parameters=proposed(1).parameters)
    story.add(began(2), same)
    for each in (plan(), plan(noisy=False)):
        verdict = story.step(2, each)
        assert isinstance(verdict, e.VerdictReached)
        assert verdict.verdict == "inconclusive"
        assert verdict.reason == "it is the same as c-0001: nothing was measured"


def again(story: Story, number: int, of: int) -> None:
    """An iteration proposes what an earlier one did."""
    what = msgspec.structs.replace(proposed(number), parameters=proposed(of).parameters)
    story.add(began(number), what)


@pytest.mark.parametrize("verdict", ["rejected", "inconclusive", "infeasible"])
def test_whoever_was_judged_by_this_champion_has_no_second_try(verdict: Verdict) -> None:
    """S6: each would be another ticket in the lottery of noise."""
    story = Story()
    story.add(began(2), proposed(2), checked(2, 101.0), judged(2, 101.0, verdict))
    again(story, 3, of=2)
    step = story.step(3, plan())
    assert isinstance(step, e.VerdictReached)
    assert step.verdict == "inconclusive"
    what = f"it is the same as c-0002, which was {verdict} against c-0001: nothing was measured"
    assert step.reason == what


def test_another_champion_or_a_failure_of_the_machine_lets_it_be_tried_again() -> None:
    story = Story()
    story.add(began(2), proposed(2), checked(2, 101.0), judged(2, 101.0, "rejected"))
    story.add(began(3), proposed(3), judged(3, None, "infra"))
    again(story, 4, of=3)
    assert story.step(4, plan()) == RunCheck(name="cost")
    story.add(judged(4, 90.0, "promoted"))
    again(story, 5, of=2)
    assert story.step(5, plan()) == RunCheck(name="cost")


def test_a_champion_that_was_taken_back_has_no_second_try() -> None:
    story = Story()
    story.add(began(2), proposed(2), checked(2, 90.0), judged(2, 90.0, "promoted"))
    champion, two = CandidateId("c-0001"), CandidateId("c-0002")
    story.add(
        e.ChampionDemoted(
            iteration=IterationNumber(2), candidate=two, champion=champion, reason="long: slower"
        )
    )
    again(story, 3, of=2)
    step = story.step(3, plan())
    assert isinstance(step, e.VerdictReached)
    assert "c-0002, which was demoted: long: slower: nothing was measured" in step.reason


def test_the_baseline_is_measured_against_itself_first() -> None:
    story = Story.__new__(Story)
    story.state = None
    story.add(created(), started(), began(1), proposed(1), checked(1, 100.0))
    calibrated = plan(calibrate=4, noisy=True)
    step = story.measure(1, calibrated, {"champion": NEAR_100, "candidate": (99.0, 101.0)})
    assert step == RunCheck(name="last")
    story.add(msgspec.structs.replace(checked(1, 0.0), check="last", metrics={}))
    verdict = story.step(1, calibrated)
    assert isinstance(verdict, e.VerdictReached)
    assert verdict.verdict == "promoted"
    (noise,) = found_out(story.now, story.now.open[1], calibrated, verdict)
    assert isinstance(noise, e.NoiseMeasured)
    assert noise.pairs == 4
    assert noise.noise == pytest.approx(0.0033, abs=0.0001)
    assert noise.gain == 0.005
    assert noise.pair_s == 1.0
    assert verdict.value == pytest.approx(100, abs=0.5)
    assert e.decode(e.encode(noise)) == noise


def test_a_metric_around_zero_has_no_noise_to_speak_of() -> None:
    story = Story.__new__(Story)
    story.state = None
    story.add(created(), started(), began(1), proposed(1), checked(1, 0.0))
    calibrated = plan(calibrate=4)
    story.measure(1, calibrated, {"champion": (1.0, -1.0), "candidate": (-1.0, 1.0)})
    verdict = judged(1, 0.0, "promoted")
    (noise,) = found_out(story.now, story.now.open[1], calibrated, verdict)
    assert isinstance(noise, e.NoiseMeasured)
    assert noise.noise is None
    assert e.decode(e.encode(noise)) == noise


DRAWN = plan(drawn=True)


def drawn(number: int, step: Step, first: Role, seed: int) -> e.PairDrawn:
    """Chance says this of the pair that the step asks for."""
    assert isinstance(step, DrawPair)
    return e.PairDrawn(
        iteration=IterationNumber(number),
        candidate=CandidateId(f"c-{number:04}"),
        against=step.against,
        pair=step.pair,
        first=step.first or first,
        seed=seed,
    )


def test_chance_says_who_is_first_and_every_second_pair_is_turned() -> None:
    story = Story()
    story.begin(2)
    order: list[str] = []
    for pair in range(1, 5):
        ask = story.step(2, DRAWN)
        assert isinstance(ask, DrawPair)
        assert (ask.pair, ask.first) == (pair, None if pair % 2 else order[-1])
        story.add(drawn(2, ask, "candidate" if pair == 1 else "champion", seed=pair))
        for _ in range(2):
            step = story.step(2, DRAWN)
            assert isinstance(step, RunCheck)
            assert step.half is not None
            order.append(step.half.role)
            story.half(2, step, 100.0)
    one, other = ["candidate", "champion"], ["champion", "candidate"]
    assert order == [*one, *other, *other, *one]
    pairs = pairs_of(story.now.open[2], CandidateId("c-0001"), "est_ms")
    assert [pair.first for pair in pairs] == ["candidate", "champion", "champion", "candidate"]


def test_the_seed_of_a_pair_is_the_one_that_was_drawn_for_this_champion() -> None:
    story, champion = Story(), CandidateId("c-0001")
    story.begin(2)
    turn = story.now.open[2]
    foreseeable = pair_seed(story.now.seed, turn, champion, 1)
    story.add(drawn(2, story.step(2, DRAWN), "champion", seed=77))
    assert pair_seed(story.now.seed, turn, champion, 1) == 77
    assert pair_seed(story.now.seed, turn, CandidateId("c-0009"), 1) == foreseeable != 77


def test_a_pair_that_an_older_engine_began_is_not_drawn_again() -> None:
    story = Story()
    story.begin(2)
    story.half(2, story.step(2, plan()), 100.0)
    step = story.step(2, DRAWN)
    assert isinstance(step, RunCheck)
    assert step.half is not None
    assert (step.half.pair, step.half.role) == (1, "candidate")
    story.half(2, step, 100.0)
    assert story.step(2, DRAWN) == DrawPair(
        pair=2, against=CandidateId("c-0001"), first="candidate"
    )


def test_without_noise_nothing_is_drawn() -> None:
    checks = campaign_of({"run": "true", "reports": ["x"]})
    referee = plan_of(checks).referee
    assert referee is not None
    assert not referee.drawn


def test_a_silent_change_puts_what_was_judged_meanwhile_in_doubt() -> None:
    """Without noise: the surroundings became slower, and nobody knows when."""
    story, exact = Story(), plan(noisy=False, remeasure=5)
    for number, value in ((2, 104.0), (3, 102.0), (4, 120.0), (5, 110.0)):
        story.add(*iteration(number, value))
    story.begin(6, 103.0)
    verdict = story.measure(6, exact, {"champion": [105.0], "candidate": [107.0]})
    assert isinstance(verdict, e.VerdictReached)
    (told,) = found_out(story.now, story.now.open[6], exact, verdict)
    assert isinstance(told, e.ChampionMeasured)
    assert told.doubtful == ["c-0002", "c-0003", "c-0004", "c-0005"]
    assert told.better == "c-0003"
    assert "champion accept c-0003" in champion_text(told, None)

    story.add(told, verdict)
    assert "in doubt" in doubt(story.now, story.now.candidates[CandidateId("c-0004")])
    again(story, 7, of=4)
    assert story.step(7, exact) == RunCheck(name="cost"), "it may be tried again"


def test_a_champion_that_is_what_it_was_puts_nothing_in_doubt() -> None:
    story, exact = Story(), plan(noisy=False, remeasure=5)
    for number in (2, 3, 4, 5):
        story.add(*iteration(number, 104.0))
    story.begin(6, 103.0)
    verdict = story.measure(6, exact, {"champion": [100.0], "candidate": [103.0]})
    assert isinstance(verdict, e.VerdictReached)
    (told,) = found_out(story.now, story.now.open[6], exact, verdict)
    assert isinstance(told, e.ChampionMeasured)
    assert (told.doubtful, told.better) == ([], None)


def test_what_was_judged_before_a_change_that_is_known_is_not_in_doubt() -> None:
    story, exact = Story(), plan(noisy=False, remeasure=5)
    story.add(*iteration(2, 104.0), msgspec.structs.replace(started(), fingerprint={"device": "b"}))
    story.begin(3, 103.0)
    verdict = story.measure(3, exact, {"champion": [105.0], "candidate": [107.0]})
    assert isinstance(verdict, e.VerdictReached)
    (told,) = found_out(story.now, story.now.open[3], exact, verdict)
    assert isinstance(told, e.ChampionMeasured)
    assert (told.changed, told.doubtful) == (True, [])
