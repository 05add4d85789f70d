"""The finish: how time is divided, what is due when, what commands come to."""

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import events as e
from engine.core.answering import answer
from engine.core.commands import CancelFinish, Envelope, Finish
from engine.core.finish.parts import FinishRules
from engine.core.finish.planning import REPORT_S, Reserves, Wanted, timetable
from engine.core.finish.times import unix_s, utc
from engine.core.finishing import counted, finish_step, leaders_left, may_begin
from engine.core.fold import fold
from engine.core.ids import CommandId, IterationNumber
from engine.core.plan import Plan, PlannedCheck, PlannedReferee
from engine.core.rechecking import due_at_end
from engine.core.referee import next_step
from engine.core.state import RunState
from engine.core.stopping import ending
from engine.core.untested import untested
from engine.core.verdict import Verdict
from engine.knowledge.briefing import CAPS, Occasion, brief
from tests.recorded import began, created, iteration, judged, proposed, started

START_S = unix_s("2026-11-21T12:00:00+00:00")
PLAN = Plan(checks=(PlannedCheck(name="cost"),), referee=PlannedReferee(check="cost"))


@dataclass
class Story:
    """A run told event by event, with a clock that a test moves."""

    now_s: float = START_S
    limits: e.Limits = field(default_factory=lambda: e.Limits(iterations=1000))
    seq: int = 0
    found: RunState | None = None

    def __post_init__(self) -> None:
        self.tell(msgspec.structs.replace(created(), limits=self.limits), started())
        self.tell(*iteration(1, 2.0, "promoted"), *iteration(2, 1.0, "promoted"))

    @property
    def state(self) -> RunState:
        assert self.found is not None
        return self.found

    def tell(self, *events: e.AnyEvent) -> None:
        for event in events:
            self.seq += 1
            record = e.Record(seq=self.seq, time=utc(self.now_s), event=event, hash=b"")
            self.found = fold(self.found, record)

    def give(self, command: Finish | CancelFinish) -> list[e.AnyEvent]:
        envelope = Envelope(id=CommandId(f"c{self.seq}"), by="ann", command=command)
        events = answer(self.state, envelope, self.now_s)
        self.tell(*events)
        return events

    def refused(self, command: Finish | CancelFinish) -> str:
        (event,) = self.give(command)
        assert isinstance(event, e.CommandRefused)
        return event.reason

    def step(self, alive_s: float = 0.0) -> list[e.AnyEvent]:
        events = finish_step(self.state, PLAN, self.now_s, alive_s)
        self.tell(*events)
        return events

    def settle(self) -> None:
        while self.step():
            pass

    def begin(self) -> int:
        number = self.state.last_iteration + 1
        self.tell(e.FinalRoundStarted(iteration=IterationNumber(number)), began(number))
        self.tell(proposed(number))
        return number

    def end(self, number: int, verdict: Verdict, value: float | None) -> None:
        event = judged(number, value, verdict)
        self.tell(event, *counted(self.state, event))

    @property
    def phase(self) -> str:
        return self.state.finish.phase if self.state.finish else ""


@pytest.fixture
def story() -> Story:
    return Story()


def frozen(story: Story, minutes: float = 60, rounds: int = 1) -> e.FinishBegan:
    story.give(Finish(minutes=minutes, final_rounds=rounds, top_k=2))
    (begun,) = story.step()
    assert isinstance(begun, e.FinishBegan)
    return begun


def test_time_is_divided_backwards_from_the_deadline() -> None:
    reserves = Reserves(leader_s=100, round_s=300, leaders=5)
    found = timetable(0, 3600, Wanted(final_rounds=1, top_k=10), reserves)
    assert found.report_at_s == 3600 - REPORT_S
    assert found.cut_at_s == found.report_at_s - 500
    assert found.latest_start_s == found.cut_at_s - 300
    assert (found.final_rounds, found.leaders, found.left_out) == (1, 5, ())


@pytest.mark.parametrize(
    ("window_s", "rounds", "leaders"),
    [(860, 1, 5), (850, 0, 5), (300, 0, 2), (60, 0, 0), (0, 0, 0)],
)
def test_too_little_time_drops_rounds_and_then_leaders(
    window_s: float, rounds: int, leaders: int
) -> None:
    reserves = Reserves(leader_s=100, round_s=300, leaders=5)
    found = timetable(0, window_s, Wanted(final_rounds=1, top_k=10), reserves)
    assert (found.final_rounds, found.leaders) == (rounds, leaders)
    assert len(found.left_out) == (rounds == 0) + (leaders < 5)


seconds = st.floats(0, 1e5)


@given(window_s=st.floats(-1e3, 1e5), leader_s=seconds, round_s=seconds, data=st.data())
def test_every_timetable_keeps_its_order(
    window_s: float, leader_s: float, round_s: float, data: st.DataObject
) -> None:
    wanted = Wanted(final_rounds=data.draw(st.integers(0, 5)), top_k=data.draw(st.integers(1, 20)))
    reserves = Reserves(leader_s=leader_s, round_s=round_s, leaders=data.draw(st.integers(0, 30)))
    found = timetable(START_S, START_S + window_s, wanted, reserves)
    assert START_S <= found.latest_start_s <= found.cut_at_s <= found.report_at_s
    assert found.report_at_s <= found.deadline_s
    if window_s > 1e-3:
        assert found.report_at_s < found.deadline_s <= START_S + window_s
    if found.final_rounds:
        assert found.latest_start_s + round_s <= found.cut_at_s + 1e-3


def test_a_finish_without_rounds_or_open_work_goes_through_its_phases(story: Story) -> None:
    frozen(story, rounds=0)
    assert story.phase == "final_rounds"
    assert not may_begin(story.state, story.now_s)
    story.settle()
    assert story.phase == "measuring"
    over = ending(story.state, 0.0)
    assert over is not None
    assert (over.reason, over.exit_status) == ("finish", 0)


def test_a_scheduled_one_leaves_the_run_alone_until_its_time(story: Story) -> None:
    story.give(Finish(activate_at=utc(START_S + 100), minutes=1))
    assert story.step() == []
    assert may_begin(story.state, story.now_s)
    story.now_s += 100
    assert not may_begin(story.state, story.now_s), "frozen by the clock, not by whoever looks"
    story.settle()
    assert story.phase == "final_rounds"


def test_a_final_round_counts_only_when_it_was_measured(story: Story) -> None:
    frozen(story)
    story.end(story.begin(), "compile", None)
    assert story.step() == []
    assert may_begin(story.state, story.now_s), "it failed at once, and there is time"
    number = story.begin()
    assert not may_begin(story.state, story.now_s)
    story.end(number, "rejected", 3.0)
    story.settle()
    assert story.phase == "measuring"
    assert story.state.finish is not None
    assert story.state.finish.counted == 1


def test_a_final_round_is_not_tried_for_ever(story: Story) -> None:
    frozen(story)
    for _ in range(3):
        assert may_begin(story.state, story.now_s)
        story.end(story.begin(), "timeout", None)
    assert not may_begin(story.state, story.now_s)
    story.settle()
    assert story.phase == "measuring"


def test_what_hangs_is_cut_and_ends_without_a_win(story: Story) -> None:
    plan = frozen(story)
    number = story.begin()
    story.now_s = unix_s(plan.cut_at)
    cut, moved = story.step()
    assert isinstance(cut, e.IterationCut)
    assert isinstance(moved, e.FinishMoved)
    assert story.step() == [], "it is cut once"
    verdict = next_step(story.state, story.state.open[number], PLAN, story.now_s)
    assert isinstance(verdict, e.VerdictReached)
    assert verdict.verdict == "inconclusive"
    (told,) = counted(story.state, verdict)
    assert isinstance(told, e.FinalRoundCounted)
    assert not told.counts


def test_a_report_at_once_leaves_out_all_else(story: Story) -> None:
    story.tell(began(3), proposed(3))
    story.give(Finish(report_only=True))
    begun, cut, moved = [*story.step(), *story.step()]
    assert isinstance(begun, e.FinishBegan)
    assert (begun.final_rounds, begun.leaders) == (0, 0)
    assert isinstance(cut, e.IterationCut)
    assert isinstance(moved, e.FinishMoved)


def reporting(story: Story) -> None:
    frozen(story, rounds=0)
    story.settle()
    story.tell(e.FinishMoved(phase="reporting", reason=""))


def done(story: Story) -> None:
    reporting(story)
    story.tell(e.RunFinished(reason="finish", detail="", exit_status=0))


PHASES = {
    "": lambda _: None,
    "scheduled": lambda s: s.give(Finish(activate_at=utc(START_S + 60))),
    "final_rounds": frozen,
    "measuring": lambda s: (frozen(s, rounds=0), s.settle()),
    "reporting": reporting,
    "done": done,
}


@pytest.mark.parametrize("phase", PHASES)
def test_cancelling_in_each_phase(story: Story, phase: str) -> None:
    PHASES[phase](story)
    assert story.phase == phase
    if phase in {"", "reporting", "done"}:
        said = "the report is being written" if phase == "reporting" else "no finish is planned"
        assert said in story.refused(CancelFinish())
        return
    story.give(CancelFinish())
    assert story.phase == "cancelled"
    assert may_begin(story.state, story.now_s)
    assert ending(story.state, 0.0) is None
    assert story.step() == []


@pytest.mark.parametrize("phase", PHASES)
def test_planning_anew_in_each_phase(story: Story, phase: str) -> None:
    PHASES[phase](story)
    refused = {
        "measuring": "the leaders are being measured; cancel that first",
        "reporting": "the report is being written; the run ends after it",
        "done": "the run is over",
    }
    if phase in refused:
        assert story.refused(Finish(minutes=5)) == refused[phase]
        return
    story.give(Finish(minutes=5))
    assert story.phase == "scheduled"
    assert story.state.finish is not None
    assert unix_s(story.state.finish.plan.deadline) == START_S + 300


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Finish(minutes=0), "minutes must be above 0"),
        (Finish(final_rounds=-1), "final rounds must be 0 or more"),
        (Finish(top_k=0), "top k must be 1 or more"),
        (Finish(activate_at=utc(START_S - 900), minutes=10), "is over"),
        (
            Finish(activate_at=utc(START_S + 900), deadline=utc(START_S + 60)),
            "it would be over before it begins",
        ),
    ],
)
def test_what_cannot_be_is_refused(story: Story, command: Finish, reason: str) -> None:
    assert reason in story.refused(command)
    assert story.state.finish is None


def test_a_plan_that_passed_while_no_engine_ran_is_dropped(story: Story) -> None:
    story.give(Finish(activate_at=utc(START_S + 60), minutes=1))
    story.now_s += 86_400
    story.tell(started())
    (dropped,) = story.step()
    assert isinstance(dropped, e.FinishCancelled)
    assert dropped.reason == "its deadline passed while no engine ran"
    assert may_begin(story.state, story.now_s)


def test_one_that_had_begun_still_owes_its_report(story: Story) -> None:
    frozen(story)
    story.begin()
    story.now_s += 86_400
    story.tell(started())
    story.settle()
    assert story.phase == "measuring"
    assert all(turn.cut for turn in story.state.open.values())


def test_a_run_that_goes_on_after_its_finish_is_not_frozen(story: Story) -> None:
    done(story)
    story.tell(started())
    assert story.state.finish is None
    assert ending(story.state, 0.0) is None


def for_(minutes: float | None, for_s: float = 7200) -> Story:
    return Story(limits=e.Limits(for_s=for_s, finish=FinishRules(before_for=minutes)))


def test_for_means_a_finish_where_the_campaign_says_how_long() -> None:
    story = for_(60)
    assert story.step(alive_s=3599) == []
    (planned,) = story.step(alive_s=3600)
    assert isinstance(planned, e.FinishPlanned)
    assert unix_s(planned.deadline) == START_S + 3600
    assert for_(None).step(alive_s=7000) == []
    (short,) = for_(60, for_s=600).step(alive_s=300)
    assert isinstance(short, e.FinishPlanned)


def test_what_for_means_can_be_cancelled() -> None:
    story = for_(60)
    story.step(alive_s=3600)
    story.give(CancelFinish())
    assert story.step(alive_s=3700) == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_begins_too_late_and_the_report_is_always_in_time(data: st.DataObject) -> None:
    """A run lived through at random: the slot is greedy, rounds fail, end or hang."""
    story = Story()
    minutes = data.draw(st.floats(0.05, 120))
    rounds = data.draw(st.integers(0, 3))
    story.give(Finish(minutes=minutes, final_rounds=rounds, top_k=2))
    deadline_s = START_S + minutes * 60
    while story.phase != "measuring":
        story.settle()
        finish = story.state.finish
        assert finish is not None
        assert finish.began is not None
        latest_s, cut_s = unix_s(finish.began.latest_start), unix_s(finish.began.cut_at)
        if may_begin(story.state, story.now_s):
            assert story.now_s <= latest_s
            number = story.begin()
            lasts_s = data.draw(st.sampled_from([0.0, 1.0, 30.0, 600.0, 1e9]))
            story.now_s = min(story.now_s + lasts_s, cut_s)
            if story.now_s < cut_s:
                verdict = data.draw(st.sampled_from(["compile", "rejected"]))
                story.end(number, verdict, 3.0 if verdict == "rejected" else None)
        elif story.phase != "measuring":
            story.now_s = min(story.now_s + data.draw(st.floats(0.5, 900)), cut_s)
    finish = story.state.finish
    assert finish is not None
    assert finish.began is not None
    assert story.now_s <= unix_s(finish.began.cut_at) <= unix_s(finish.began.report_at)
    assert unix_s(finish.began.report_at) < deadline_s
    assert all(turn.cut for turn in story.state.open.values())
    assert finish.counted <= rounds


def told_of_the_end(story: Story) -> str:
    occasion = Occasion(iteration=story.state.last_iteration + 1, base="")
    (part,) = [each for each in brief(story.state, occasion).parts if each.name == "budget"]
    assert len(part.text) <= CAPS["budget"]
    return part.text


def test_prompts_know_the_deadline(story: Story) -> None:
    assert "end" not in told_of_the_end(story)
    story.give(Finish(activate_at=utc(START_S + 1800), minutes=60, note="go home " * 100))
    assert "30 min until nothing new begins (12:30 UTC; over 13:30 UTC)" in told_of_the_end(story)
    assert "go home" in told_of_the_end(story)
    story.now_s += 1800
    story.step()
    number = story.state.last_iteration + 1
    story.tell(e.FinalRoundStarted(iteration=IterationNumber(number)))
    assert "this is a final round" in told_of_the_end(story)
    story.give(CancelFinish())
    assert "final" not in told_of_the_end(story)


def test_what_there_was_no_time_to_test_is_told_and_made_good(story: Story) -> None:
    tests = msgspec.structs.replace(PLAN, final=(PlannedCheck(name="test"),))
    late = unix_s(frozen(story).report_at)
    story.tell(e.FinishMoved(phase="measuring", reason=""))
    assert leaders_left(story.state, tests, late) == 0
    told = untested(story.state, tests)
    ended = [each for each in told if isinstance(each, e.RecheckEnded)]
    assert [each.candidate for each in ended] == ["c-0002", "c-0001"]
    assert {each.outcome for each in ended} == {"infra"}
    assert "no time was left before the finish, over by 2026-11-21T13:00:00Z" in ended[0].reason
    story.tell(*told)
    assert untested(story.state, tests) == [], "once"
    assert untested(story.state, PLAN) == [], "there is nothing to be tested by"
    again = due_at_end(story.state, tests, 0)
    while again is not None and again.purpose == "end":
        done = msgspec.structs.replace(
            ended[0], recheck=again.recheck, candidate=again.candidate, purpose="end"
        )
        story.tell(again, done)
        again = due_at_end(story.state, tests, 0)
    assert again is not None
    assert (again.candidate, again.purpose) == ("c-0002", "final")
