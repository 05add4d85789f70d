"""Decisions that wait for a review: every way in which that can end."""

from typing import Any

import msgspec
import pytest

from engine.core import events as e
from engine.core.decision_gate import Facts
from engine.core.decision_taking import Means
from engine.core.decisions.parts import Decision, Status
from engine.core.holding import held, review_due, settled
from engine.core.ids import IterationNumber
from engine.core.reviewing import review_id, signals
from engine.core.reviews.parts import MentorRules, Opinion
from tests.unit.test_decisions import GROUND, LOG, RULES, Story, run_of

ADVISE = MentorRules(every=1, when_stuck=False, stuck_after=5, failures=3, wait_s=60)
VETO = msgspec.structs.replace(ADVISE, policy="veto")
REPLACE = msgspec.structs.replace(ADVISE, policy="replace")
OFF = Opinion(course="off_track", critique="Five is too small.")
ON = Opinion(course="on_track", critique="Fine.")


def waiting(rules: MentorRules = VETO, story: Story | None = None) -> Story:
    """A run with a decision, which waits for a review where the rules say so."""
    story = story or Story()
    name = story.answer(run_of())
    story.tell(*held(story.run, name, rules, story.now_s))
    return story


def review(story: Story, opinion: Opinion | None, detail: str = "") -> None:
    """The mentor looks at what waits, and says this."""
    begin_review(story)
    story.tell(
        e.ReviewFinished(
            review=review_id(story.run.reviews.begun),
            outcome="answered",
            detail=detail,
            duration_s=1.0,
            log=LOG,
            opinion=opinion,
        )
    )


def begin_review(story: Story) -> None:
    found = story.run.decisions.held
    story.tell(
        e.ReviewStarted(
            review=review_id(story.run.reviews.begun + 1),
            at_iteration=IterationNumber(story.run.ended_iterations),
            reasons=["r"],
            mode="standard",
            signals=signals(story.run),
            agent="codex",
            model=None,
            effort=None,
            folder="agents/r",
            prompt_sha256="",
            parts=[],
            log=LOG,
            decision=found.id if found else None,
        )
    )


def settle(story: Story, rules: MentorRules, later_s: float = 0.0, **more: Any) -> str:
    """What it comes to, in the name of an event."""
    means = Means(rules=RULES, ground=GROUND, by="codex", now_s=story.now_s + later_s)
    found = settled(story.run, rules, means, Facts(), over=more.get("over", False))
    story.tell(*found)
    return type(found[0]).__name__ if found else ""


def status(story: Story) -> Status:
    last = story.run.decisions.last
    assert last is not None
    return last.status


def test_one_that_advises_holds_nothing_and_nor_does_a_health_check() -> None:
    health = msgspec.structs.replace(VETO, mode="builder_health_helper")
    for rules in (ADVISE, health):
        story = waiting(rules)
        assert status(story) == "ready"
        assert review_due(Story().run, rules) == ["every 1 iterations"], "it begins at once"


def test_what_meets_a_trigger_waits_and_nothing_else_does() -> None:
    story = waiting()
    assert status(story) == "held"
    assert story.run.decisions.ready is None
    assert story.due(3600) == []
    rarely = msgspec.structs.replace(VETO, every=9)
    assert status(waiting(rarely)) == "ready"


def test_a_review_begins_with_the_decision_and_not_a_moment_before() -> None:
    story = Story()
    assert review_due(story.run, VETO) == [], "a slot is free: there will be a decision"
    story.ask()
    assert review_due(story.run, VETO) == []
    story = waiting()
    assert review_due(story.run, VETO) == ["every 1 iterations"]
    begin_review(story)
    assert review_due(story.run, VETO) == []
    waits = Story()
    waits.answer(Decision(action="wait"))
    assert review_due(waits.run, VETO) == ["every 1 iterations"], "nothing will be decided soon"


@pytest.mark.parametrize(
    ("rules", "opinion", "event", "after"),
    [
        (VETO, ON, "DecisionReleased", "ready"),
        (REPLACE, ON, "DecisionReleased", "ready"),
        (VETO, OFF, "DecisionVetoed", "vetoed"),
        (REPLACE, OFF, "DecisionReleased", "ready"),
        (VETO, None, "DecisionReleased", "ready"),
        (REPLACE, None, "DecisionReleased", "ready"),
    ],
)
def test_a_review_says_what_becomes_of_it(
    rules: MentorRules, opinion: Opinion | None, event: str, after: Status
) -> None:
    story = waiting(rules)
    assert settle(story, rules) == ""
    review(story, opinion, "no JSON")
    assert settle(story, rules) == event
    assert status(story) == after
    kept = story.run.decisions.last
    assert kept is not None
    assert kept.decision == run_of(), "it is kept whatever becomes of it"


def test_a_replacement_takes_its_place_and_both_are_kept() -> None:
    story = waiting(REPLACE)
    other = run_of(x=17, label="seventeen")
    review(story, msgspec.structs.replace(OFF, replacement=other))
    assert settle(story, REPLACE) == "DecisionReplaced"
    ready = story.run.decisions.ready
    assert ready is not None
    assert (ready.own, ready.decision, ready.review) == (run_of(), other, "r-001")


def test_a_replacement_that_the_gate_does_not_let_pass_changes_nothing() -> None:
    story = waiting(REPLACE)
    review(story, msgspec.structs.replace(OFF, replacement=run_of(x=99)))
    assert settle(story, REPLACE) == "DecisionReleased"
    ready = story.run.decisions.ready
    assert ready is not None
    assert ready.decision == run_of()
    assert "does not pass the gate: x " in ready.detail


def test_a_replacement_may_stop_what_runs() -> None:
    story = Story(slots=2)
    story.begin(9)
    waiting(REPLACE, story)
    stop = Decision(action="stop_run", run="c-0002")
    review(story, msgspec.structs.replace(OFF, replacement=stop))
    assert settle(story, REPLACE) == "DecisionReplaced"
    assert status(story) == "taken"
    assert story.run.open[2].cut == "stopped by codex"


def test_nothing_waits_longer_than_it_may() -> None:
    story = waiting()
    begin_review(story)
    assert settle(story, VETO, 50) == ""
    assert settle(story, VETO, 61) == "DecisionReleased"
    name = story.run.reviews.open
    assert name is not None, "the review goes on, as advice"
    ready = story.run.decisions.ready
    assert ready is not None
    assert ready.detail == "there was no review within 60 s"


def test_a_review_that_was_cut_off_is_not_waited_for() -> None:
    story = waiting()
    begin_review(story)
    story.tell(e.ReviewInterrupted(review=review_id(1), reason="the engine died"))
    assert settle(story, VETO) == "DecisionReleased"


def test_when_nothing_begins_any_more_nothing_waits() -> None:
    assert settle(waiting(), VETO, over=True) == "DecisionReleased"


def test_a_worker_that_insists_is_not_vetoed_twice_in_a_row() -> None:
    story = waiting()
    review(story, OFF)
    assert settle(story, VETO) == "DecisionVetoed"
    assert story.due() == ["review r-001", "review r-001 vetoed w-0001", "a slot is free"]
    story.begin(3)
    story.end(2, "rejected", 10.0)
    waiting(story=story)
    review(story, OFF)
    assert settle(story, VETO) == "DecisionReleased"
    assert status(story) == "ready"


def test_what_was_said_before_the_decision_was_known_is_no_answer_to_it() -> None:
    story = Story()
    begin_review(story)
    name = story.answer(run_of())
    assert held(story.run, name, VETO, story.now_s) == [], "the trigger is used up"
