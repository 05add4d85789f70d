"""Reviews by a mentor: when they are due, how an answer is read, what becomes of advice."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from engine.agents.protocol import Message, ToolStarted
from engine.core import events as e
from engine.core.answering import answer as answer_command
from engine.core.commands import Envelope, Review
from engine.core.event import LogSpan
from engine.core.fold_memory import fold_memory
from engine.core.fold_reviews import fold_review, note_followed
from engine.core.ids import CandidateId, CommandId, IterationNumber, TodoId
from engine.core.memory.parts import Housekeeping, Note, Todo
from engine.core.parts import AgentAnswer, Tokens
from engine.core.reviewing import due, review_id, signals
from engine.core.reviews.parts import KEPT_REVIEWS, MentorRules, Opinion
from engine.core.state import RunState, dump, load
from engine.knowledge.reviewed import (
    became_of,
    effects_of,
    effects_words,
    newest_lines,
    outcome_of,
    said_by,
    said_words,
)
from engine.knowledge.templates import TemplateError, read_text, shipped
from engine.loop.calls import looks_up
from engine.mentor.prompt import MENTOR, Asked, assemble, mentor_template
from engine.mentor.reading import read_review
from engine.reports.pages import mentor_page
from tests.agent_runs import Turn, answer, run_of

RULES = MentorRules(every=4, when_stuck=True, stuck_after=5, failures=3)
LOG = LogSpan(path="logs/mentor.log")
NOON = "2026-01-01T12:00:00.000Z"


def review(state: RunState, **changed: Any) -> str:
    """A review that begins and ends now; its id."""
    name = review_id(state.reviews.begun + 1)
    started = e.ReviewStarted(
        review=name, at_iteration=IterationNumber(state.ended_iterations), reasons=["r"],
        mode="standard", signals=signals(state), agent="codex", model=None, effort=None,
        folder=f"agents/{name}", prompt_sha256="", parts=[], log=LOG,
    )  # fmt: skip
    given: dict[str, Any] = {
        "detail": "",
        "opinion": Opinion(course="off_track", critique="Slow.", advice="Go."),
    }
    ended = e.ReviewFinished(
        review=name, outcome="answered", duration_s=1.0, log=LOG, **(given | changed)
    )
    fold_review(state, started, NOON)
    fold_review(state, ended, NOON)
    return name


def worse(count: int) -> list[Turn]:
    return [Turn(value=2.5) for _ in range(count)]


def test_it_is_due_by_the_number_of_iterations() -> None:
    assert due(run_of(worse(2)), RULES) == []
    state = run_of(worse(3))
    assert due(state, RULES) == ["every 4 iterations"]
    review(state)
    assert due(state, RULES) == []
    rarely = MentorRules(every=0, when_stuck=False, stuck_after=1, failures=1)
    assert due(run_of(worse(30)), rarely) == []


def test_none_begins_whose_words_no_iteration_would_read() -> None:
    state = run_of(worse(3))
    state.limits = replace(state.limits, iterations=state.last_iteration)
    assert due(state, RULES) == []
    state.limits = replace(state.limits, iterations=state.last_iteration + 1)
    assert due(state, RULES) == ["every 4 iterations"]


def test_being_stuck_makes_it_due_but_not_at_once_again() -> None:
    rules = MentorRules(every=0, when_stuck=True, stuck_after=5, failures=3)
    state = run_of(worse(5))
    assert due(state, rules) == ["no new champion in 5 iterations"]
    review(state)
    assert due(state, rules) == [], "it has just looked"
    state.reviews.last_at = IterationNumber(state.ended_iterations - 2)
    assert due(state, rules) == ["no new champion in 5 iterations"]
    failing = run_of([Turn(verdict="incorrect", value=None) for _ in range(3)])
    assert due(failing, rules) == ["3 failures in a row"]
    health = MentorRules(
        every=0, when_stuck=True, stuck_after=5, failures=3, mode="builder_health_helper"
    )
    assert due(failing, health) == []


def test_being_stuck_is_a_reason_less_and_less_often_until_something_is_gained() -> None:
    rules = MentorRules(every=0, when_stuck=True, stuck_after=5, failures=3)
    looked = []
    state = run_of(worse(4))
    for count in range(5, 60):
        before, state = state, run_of(worse(count))
        state.reviews = before.reviews
        if due(state, rules):
            looked.append(count)
            review(state)
    assert looked == [5, 7, 11, 19, 35]
    gained = run_of([*worse(40), Turn(verdict="promoted", value=1.0), *worse(5)])
    gained.reviews = state.reviews
    gained.reviews.last_at = IterationNumber(gained.ended_iterations - 2)
    assert due(gained, rules)[-1] == "no new champion in 5 iterations"


def test_signals_are_made_of_what_was_recorded() -> None:
    calm = signals(run_of([Turn(verdict="promoted", value=1.5)]))
    assert (calm.research, calm.breakout, calm.todo_pressure) == (0.0, 0.0, 0.0)
    state = run_of([Turn(value=2.5, answer=small()) for _ in range(9)])
    found = signals(state)
    assert found.drifts
    assert found.breakout == 1.0, "0.28 + 0.06 * 9 + 0.2, and at most 1"
    assert found.since_search == 10
    assert found.research == 1.0
    assert "research priority 1.00" in due(state, RULES)
    bold = run_of([Turn(value=2.5, answer=small("structural")) for _ in range(9)])
    assert not signals(bold).drifts
    review(state, searched=True)
    assert signals(state).since_search == 0
    assert found.since_exploration == 10
    assert found.non_training == pytest.approx(0.08 * 10 + 0.12)
    note = Note(text="Skewed.", by="codex", since=NOON, iteration=IterationNumber(9))
    state.memory.explorations.append(note)
    assert signals(state).since_exploration == 1
    for number in range(12):
        state.memory.todos[number] = Todo(  # type: ignore[index]
            id=number, text="x", role="worker", by="codex", since=NOON,  # type: ignore[arg-type]
            at_iteration=IterationNumber(1),
        )  # fmt: skip
    assert signals(state).todo_pressure == 1.0


def small(kind: str = "scalar") -> AgentAnswer:
    return AgentAnswer(change_class=kind, hypothesis="h")


def test_nothing_is_due_where_nothing_may_be_spent_or_is_left_to_say() -> None:
    spent = run_of(worse(5), limits=e.Limits(tokens=10))
    spent.spend.tokens = Tokens(input=11)
    assert due(spent, RULES) == []
    stopping = run_of(worse(5))
    stopping.stopping = "by hand"
    assert due(stopping, RULES) == []
    unmeasured = run_of([], baseline=Turn(verdict="incorrect", value=None))
    assert due(unmeasured, RULES) == []


def test_a_person_may_ask_where_there_is_a_mentor() -> None:
    state = run_of(worse(1))
    wish = Envelope(id=CommandId("1"), by="ann", command=Review())
    (refused,) = answer_command(state, wish)
    assert isinstance(refused, e.CommandRefused)
    assert refused.reason.startswith("the campaign has no mentor")
    state.document = state.document | {"mentor": {"agent": "codex"}}
    asked, _ = answer_command(state, wish)
    assert asked == e.ReviewAsked(by="ann")
    fold_review(state, asked, NOON)
    assert due(state, RULES) == ["asked by ann"]


def good(**changed: Any) -> dict[str, Any]:
    kept = {
        "todo_new": ["x"],
        "notes_update": "",
        "data_exploration_update": "",
        "resolve_shared_todo_ids": [],
    }
    given = {"course": "on_track", "critique": "Fine.", "question": "", "advice": ""}
    return given | {"housekeeping": kept} | changed


def test_a_review_in_the_right_form_is_an_opinion() -> None:
    told = Opinion(course="on_track", critique="Fine.", housekeeping=Housekeeping(todo_new=["x"]))
    for text, structured in (
        (json.dumps(good()), None),
        (f"I looked.\n```json\n{json.dumps(good())}\n```\n", None),
        ("words", json.dumps(good())),
    ):
        assert read_review(text, structured).opinion == told


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the review holds no JSON object"),
        ("[1]", "the review holds no JSON object"),
        (json.dumps(good(course="fine")), "is not one of on_track, off_track"),
        (json.dumps(good(critique=3)), "review.critique: must be a text"),
        (json.dumps(good(critique="  ")), "review.critique: it is empty"),
        (json.dumps({"course": "on_track"}), "review.critique: missing"),
        (json.dumps(good(more=1)), "review: 'more' is not known"),
    ],
)
def test_anything_else_is_none_and_says_why(text: str, problem: str) -> None:
    reading = read_review(text, None)
    assert reading.opinion is None
    assert any(problem in each for each in reading.problems)


def test_advice_is_followed_up() -> None:
    turns = [
        Turn(value=2.5),
        Turn(verdict="promoted", value=1.0),
        Turn(verdict="promoted", value=0.8),
    ]
    state = run_of(turns)
    state.reviews.last_at = IterationNumber(0)
    name = review(state)
    (done,) = state.reviews.done
    done.at_iteration = IterationNumber(1)
    assert became_of(state, done) == "open"
    follow(state, name, "c-0003")
    follow(state, "r-999", "c-0004")
    assert became_of(state, done) == "adopted by c-0003, gain +50 %"
    follow(state, name, "c-0004")
    assert outcome_of(state, done).gain == pytest.approx(1.5 * 1.2 - 1)
    done.followed_by = []
    done.at_iteration = IterationNumber(0)
    assert became_of(state, done) == "ignored"
    review(state, opinion=Opinion(course="on_track", critique="Fine."))
    review(state, opinion=None, detail="late")
    assert [became_of(state, each) for each in state.reviews.done] == [
        "ignored",
        "no advice",
        "failed",
    ]


def follow(state: RunState, name: str, candidate: str) -> None:
    finished = e.AgentFinished(
        iteration=IterationNumber(3), candidate=CandidateId(candidate), attempt=1,
        outcome="answered", detail="", duration_s=1.0, log=LOG, answer=AgentAnswer(follows=[name]),
    )  # fmt: skip
    note_followed(state, finished)


def test_a_question_and_open_work_are_followed_up_as_well() -> None:
    state = run_of([*worse(1), Turn(verdict="promoted", value=1.0)])
    asks = Opinion(course="off_track", critique="Slow.", question="Why 64?", advice="Go.")
    name = review(state, opinion=asks)
    added = e.TodoAdded(todo=TodoId("t-0001"), text="Profile it.", role="mentor", by="claude")
    fold_memory(state, added, NOON)
    assert f"with {name}/q in `follows`: Why 64?" in "\n".join(newest_lines(state))
    (done,) = state.reviews.done
    assert [(one.id, one.kind, one.outcome.word) for one in said_by(state, done)] == [
        ("r-001", "advice", "open"),
        ("r-001/q", "question", "open"),
        ("t-0001", "open work", "open"),
    ]
    follow(state, "r-001/q", "c-0002")
    follow(state, "t-0001", "c-0003")
    follow(state, "t-0001", "c-0003")
    words = [said_words(one) for one in said_by(state, done)]
    assert words == [
        "advice r-001, open: Go.",
        "question r-001/q, adopted by c-0002, gain +0 %: Why 64?",
        "open work t-0001, adopted by c-0003, gain +50 %: Profile it.",
    ]
    found = effects_of(state)
    assert found.said == {"advice": 1, "question": 1, "open work": 1}
    assert found.adopted == {"advice": 0, "question": 1, "open work": 1}
    assert (found.with_share, found.without_share) == (0.5, None)
    assert effects_words(found).startswith("Followed: advice 0 of 1, question 1 of 1, ")
    page = mentor_page(state)
    assert page.count(words[2]) == 1
    assert effects_words(found) in page
    assert load(dump(state)) == state


def test_open_work_that_nobody_names_is_resolved_or_ignored() -> None:
    state = run_of(worse(1))
    review(state)
    added = e.TodoAdded(todo=TodoId("t-0001"), text="x", role="mentor", by="claude")
    fold_memory(state, added, NOON)
    (done,) = state.reviews.done
    done.at_iteration = IterationNumber(-9)
    assert [one.outcome.word for one in said_by(state, done)] == ["ignored", "ignored"]
    fold_memory(state, e.TodoResolved(todo=TodoId("t-0001"), reason="", by="ann"), NOON)
    assert [one.outcome.word for one in said_by(state, done)] == ["ignored", "resolved"]
    theirs = e.TodoAdded(todo=TodoId("t-0002"), text="y", role="worker", by="codex")
    fold_memory(state, theirs, NOON)
    assert len(said_by(state, done)) == 2


def test_what_a_worker_is_told_is_the_newest_opinion_while_it_is_fresh() -> None:
    state = run_of(worse(3))
    assert newest_lines(state) == []
    review(state)
    review(state, opinion=None, detail="late")
    lines = newest_lines(state)
    assert lines[0] == "Review r-001, after 4 iterations: off_track."
    assert lines[-1].endswith("put r-001 into `follows`.")
    state.reviews.done[0].at_iteration = IterationNumber(-9)
    assert newest_lines(state) == []


def test_a_state_keeps_few_reviews() -> None:
    state = run_of(worse(1))
    for _ in range(KEPT_REVIEWS + 5):
        review(state, tokens=Tokens(input=10), cost_usd=0.5)
    assert len(state.reviews.done) == KEPT_REVIEWS
    assert state.reviews.done[-1].id == f"r-{KEPT_REVIEWS + 5:03d}"
    assert (state.reviews.tokens.total, state.reviews.usd) == (450, 22.5)
    assert load(dump(state)) == state


def test_a_search_is_told_by_the_tool_that_was_used() -> None:
    assert looks_up(ToolStarted(id="1", tool="web_search", text="pallas"))
    assert looks_up(ToolStarted(id="1", tool="WebFetch", text="address"))
    assert not looks_up(ToolStarted(id="1", tool="shell", text="web_search internet"))
    assert not looks_up(Message(text="I made a web_search on the internet"))


def test_the_prompt_is_the_same_to_the_byte_and_within_its_budget() -> None:
    path = shipped(MENTOR)
    template = mentor_template(read_text(path), str(path))
    turns = [Turn(value=2.5, answer=answer("h " * 900, ["i " * 900] * 9)) for _ in range(60)]
    state = run_of(turns)
    for number in range(9):
        review(state, opinion=Opinion(course="off_track", critique="c" * 2000, advice=f"a{number}"))
    asked = Asked(
        review=review_id(10), reasons=["every 4 iterations"], signals=signals(state),
        mission="Watch\nthe numerics.",
    )  # fmt: skip
    prompt = assemble(template, state, asked)
    assert prompt == assemble(template, load(dump(state)), asked)
    assert len(prompt.text) < 24_000
    assert "{{" not in prompt.text
    assert "\n\n\n" not in prompt.text
    assert "Watch\nthe numerics." in prompt.text
    assert "advice: a8" in prompt.text
    with pytest.raises(TemplateError, match="the template has no"):
        mentor_template("only {{story}}", "own.md")
