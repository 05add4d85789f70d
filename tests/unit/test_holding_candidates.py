"""Candidates that wait for a review before their checks: every way in which that can end."""

from typing import Any

import msgspec
import pytest

from engine.core import events as e
from engine.core.decisions.parts import Decision
from engine.core.finish.times import unix_s
from engine.core.holding import review_due
from engine.core.holding_candidates import recorded
from engine.core.ids import IterationNumber, ReviewId
from engine.core.plan import Plan, PlannedCheck
from engine.core.referee import Step, next_step
from engine.core.replacing import fitted
from engine.core.reviewing import signals
from engine.core.reviews.parts import MentorRules, Opinion
from engine.core.space import Space
from engine.core.state import RunState
from engine.core.steps import HoldUp, PutAside, RunCheck, Settle, Wait
from tests.agent_events import at_work, coding, collected, worked
from tests.agent_runs import state_of
from tests.recorded import LOG, NOON, began, created, iteration, proposed

RULES = MentorRules(
    every=1, when_stuck=False, stuck_after=5, failures=3, policy="veto", candidates=True
)
REPLACE = msgspec.structs.replace(RULES, policy="replace")
NOW_S = unix_s(NOON)
R1 = ReviewId("r-001")
THREE = IterationNumber(3)
OFF = Opinion(course="off_track", critique="Too small.")
BEGUN: list[e.AnyEvent] = [created(), *iteration(1, 2.0, "promoted"), *iteration(2, 3.0)]
CODE = [*BEGUN, *at_work(3), worked(3), collected(3)]
VALUES = [*BEGUN, began(3), proposed(3)]
HELD = e.CandidateHeld(
    iteration=THREE,
    candidate=proposed(3).candidate,
    until="2026-11-21T12:01:00.000000+00:00",
    reasons=["r"],
)


def step(story: list[e.AnyEvent], rules: MentorRules | None = RULES, later_s: float = 0) -> Step:
    """What comes next in the third iteration."""
    state = state_of(story)
    plan = Plan(checks=(PlannedCheck(name="cost"),), mentor=rules)
    return next_step(state, state.open[3], plan, NOW_S + later_s)


def looks(story: list[e.AnyEvent]) -> e.ReviewStarted:
    return e.ReviewStarted(
        review=R1,
        at_iteration=IterationNumber(2),
        reasons=["r"],
        mode="standard",
        signals=signals(state_of(story)),
        agent="codex",
        model=None,
        effort=None,
        folder="agents/r-001",
        prompt_sha256="",
        parts=[],
        log=LOG,
        candidate=HELD.candidate,
    )


def said(opinion: Opinion | None, detail: str = "") -> e.ReviewFinished:
    return e.ReviewFinished(
        review=R1, outcome="answered", detail=detail, duration_s=1.0, log=LOG, opinion=opinion
    )


def reviewed(story: list[e.AnyEvent], opinion: Opinion | None, detail: str = "") -> Any:
    held = [*story, HELD]
    return [*held, looks(held), said(opinion, detail)]


@pytest.mark.parametrize("story", [CODE, VALUES], ids=["code", "values"])
def test_what_meets_a_trigger_waits_before_its_first_check(story: list[e.AnyEvent]) -> None:
    found = step(story)
    assert found == HoldUp(reasons=["every 1 iterations"], until_s=NOW_S + 60)
    waits = step([*story, HELD])
    assert isinstance(waits, Wait)
    assert waits.until_s == NOW_S + 60
    assert state_of([*story, HELD]).open[3].phase == "waits for a review"


@pytest.mark.parametrize(
    ("story", "rules"),
    [
        (CODE, None),
        (CODE, msgspec.structs.replace(RULES, policy="advise")),
        (CODE, msgspec.structs.replace(RULES, candidates=False)),
        (CODE, msgspec.structs.replace(RULES, every=9)),
        (CODE, msgspec.structs.replace(RULES, mode="builder_health_helper")),
        ([*BEGUN, began(3), coding(3, tags=["restored"]), worked(3), collected(3)], RULES),
        ([*BEGUN, began(3), coding(3, tags=["final"]), worked(3), collected(3)], RULES),
    ],
    ids=["nobody", "advises", "worker", "not due", "health", "restored", "final"],
)
def test_nothing_else_waits(story: list[e.AnyEvent], rules: MentorRules | None) -> None:
    assert step(story, rules) == RunCheck(name="cost")


def test_one_waits_at_a_time() -> None:
    story = [*CODE, HELD, began(4, 1), proposed(4)]
    state = state_of(story)
    plan = Plan(checks=(PlannedCheck(name="cost"),), mentor=RULES)
    assert next_step(state, state.open[4], plan, NOW_S) == RunCheck(name="cost")


def test_whatever_goes_wrong_it_goes_on() -> None:
    held = [*CODE, HELD]
    late = step(held, later_s=60)
    assert isinstance(late, Settle)
    assert (late.outcome, late.reason) == ("released", "there was no review within 60 s")
    cut = step([*held, looks(held), e.ReviewInterrupted(review=R1, reason="killed")])
    assert isinstance(cut, Settle)
    assert cut.reason == "review r-001 was cut off"
    useless = step(reviewed(CODE, None, "no JSON"))
    assert isinstance(useless, Settle)
    assert (useless.outcome, useless.reason) == ("released", "r-001 came to nothing: no JSON")
    other = step(held, None)
    assert isinstance(other, Settle)
    assert other.outcome == "released"
    (event,) = recorded(state_of(held).open[3], late)
    assert step([*held, event]) == RunCheck(name="cost")


def test_a_veto_puts_code_aside_and_ends_values() -> None:
    story = reviewed(CODE, OFF)
    found = step(story)
    assert isinstance(found, Settle)
    assert found.outcome == "vetoed"
    events = recorded(state_of(story).open[3], found)
    assert [type(each).__name__ for each in events] == ["CandidateVetoed", "StashRequested"]
    assert step([*story, *events]) == PutAside()
    story = reviewed(VALUES, OFF)
    (event,) = recorded(state_of(story).open[3], found)
    verdict = step([*story, event])
    assert isinstance(verdict, e.VerdictReached)
    assert verdict.verdict == "inconclusive"
    assert verdict.reason == "vetoed by r-001, before its checks: Too small."
    after = [*story, event, verdict, began(4), proposed(4)]
    assert state_of(after).reviews.put_aside
    plan = Plan(checks=(PlannedCheck(name="cost"),), mentor=RULES)
    state = state_of(after)
    assert next_step(state, state.open[4], plan, NOW_S) == RunCheck(name="cost"), "not twice"


def test_a_replacement_is_for_the_next_iteration_and_counts_as_followed() -> None:
    other = Decision(action="propose", parameters={"chunk": 7}, rationale="It is in between.")
    story = reviewed(VALUES, msgspec.structs.replace(OFF, replacement=other))
    found = step(story, REPLACE)
    assert isinstance(found, Settle)
    assert (found.outcome, found.replacement) == ("replaced", other)
    events = recorded(state_of(story).open[3], found)
    verdict = step([*story, *events], REPLACE)
    assert isinstance(verdict, e.VerdictReached)
    state = state_of([*story, *events, verdict])
    assert state.reviews.instead is not None
    placed = msgspec.structs.replace(proposed(4), replaces=HELD.candidate)
    state = state_of([*story, *events, verdict, began(4), placed])
    assert state.reviews.instead is None
    assert state.reviews.done[-1].followed_by == [placed.candidate]
    plan = Plan(checks=(PlannedCheck(name="cost"),), mentor=REPLACE)
    assert next_step(state, state.open[4], plan, NOW_S) == RunCheck(name="cost"), "its own word"


def test_where_nothing_begins_any_more_a_replacement_cancels_nothing() -> None:
    other = Decision(action="propose", rationale="Something else altogether.")
    limited = msgspec.structs.replace(created(), limits=e.Limits(iterations=3))
    story = reviewed([limited, *CODE[1:]], msgspec.structs.replace(OFF, replacement=other))
    found = step(story, REPLACE)
    assert isinstance(found, Settle)
    assert found.outcome == "released"


def test_a_review_waits_for_a_candidate_but_not_for_ever() -> None:
    state = state_of([*BEGUN, *at_work(3)])
    assert review_due(state, msgspec.structs.replace(RULES, every=2)) == []
    assert review_due(state, RULES) == ["every 1 iterations"], "it is late"
    held = [*CODE, HELD]
    assert review_due(state_of(held), RULES) == ["r"]
    assert review_due(state_of([*held, looks(held)]), RULES) == []
    rare = msgspec.structs.replace(RULES, every=2, failures=1)
    failing: RunState = state_of([*BEGUN, *iteration(3, 1.0, "timeout"), *at_work(4)])
    assert review_due(failing, rare) == ["every 2 iterations"], "no candidate seems to come"
    asked = state_of([*BEGUN, *at_work(3), e.ReviewAsked(by="ada")])
    assert review_due(asked, rare) == ["asked by ada", "every 2 iterations"]


def test_what_a_replacement_has_to_be() -> None:
    state, space = state_of([*CODE, HELD]), Space.from_spec({})
    why = fitted(state, HELD.candidate, Decision(action="propose", rationale="no"), space)[1]
    assert why == ["replacement: 2 characters of rationale do not say what to change"]
    words = Decision(action="propose", rationale="Swap the two loops of the kernel.")
    assert fitted(state, HELD.candidate, words, space) == (words, [])
    run = msgspec.structs.replace(words, command="rm -rf .")
    assert fitted(state, HELD.candidate, run, space)[0] is None
    state = state_of([*VALUES, HELD])
    tried = Decision(action="propose", parameters={"nonsense": 1})
    assert fitted(state, HELD.candidate, tried, space)[0] is None
