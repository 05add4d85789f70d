"""A worker's decisions as they are listed, and as status and report count them."""

from typing import Any

import msgspec

from engine.cli.decisions import told as text_of
from engine.core import events as e
from engine.core.decisions import events as d
from engine.core.decisions.parts import Decision
from engine.core.fold import fold
from engine.core.reviews.parts import Opinion
from engine.reports.decisions import DecisionTold, decisions_of
from engine.reports.working import WorkerStatus, worker_status
from tests.unit.test_decisions import Story, run_of
from tests.unit.test_holding import OFF, REPLACE, VETO, review, settle, waiting

METRIC = None


class Told(Story):
    """A story that keeps its records."""

    def __init__(self) -> None:
        self.records: list[e.Record] = []
        super().__init__()

    def tell(self, *events: e.AnyEvent) -> None:
        for event in events:
            super().tell(event)
            self.records.append(
                e.Record(seq=len(self.records) + 1, time="2026-11-21T12:00:00Z", event=event,
                         hash=b"")
            )  # fmt: skip

    def take(self, number: int) -> None:
        """What is ready begins an iteration."""
        ready = self.run.decisions.ready
        assert ready is not None
        candidate: Any = f"c-{number:04d}"
        iteration: Any = number
        self.tell(
            d.DecisionTaken(
                decision=ready.id, action="run", iteration=iteration, candidate=candidate
            )
        )

    @property
    def told(self) -> list[DecisionTold]:
        return decisions_of(self.records)


def test_a_run_is_told_with_what_came_of_it() -> None:
    story = Told()
    story.answer(run_of(category="loss"))
    story.take(2)
    assert story.told[-1].verdict is None
    story.begin(5)
    story.end(2, "rejected", 9.5)
    (found,) = story.told
    assert (found.status, found.iteration, found.verdict, found.value) == (
        "taken", 2, "rejected", 9.5,
    )  # fmt: skip
    assert text_of(found, METRIC).splitlines()[1:] == [
        "  run five, x=5 (loss)",
        "  because The optimum is further on, by the last two values.",
        "  began iteration 2: rejected, 9.5",
    ]


def test_what_the_gate_has_against_it_is_told() -> None:
    story = Told()
    story.answer(run_of(rationale="so"))
    (found,) = story.told
    assert found.status == "blocked"
    assert [issue.rule for issue in found.issues] == [
        issue.rule for issue in story.run.decisions.done[-1].issues
    ]
    lines = text_of(found, METRIC).splitlines()
    assert lines[-1] == "  blocked"
    assert lines[-2].startswith("  gate: ")


def test_both_decisions_and_the_review_are_told() -> None:
    story = Told()
    waiting(REPLACE, story)
    other = run_of(7, label="seven")
    review(story, Opinion(course="off_track", critique="Too small.", replacement=other))
    assert settle(story, REPLACE) == "DecisionReplaced"
    (found,) = story.told
    assert found.own == run_of()
    assert found.decision is not None
    assert (found.decision.label, found.decision.parameters) == ("seven", {"x": 7})
    assert found.review is not None
    assert (found.review.id, found.review.course) == ("r-001", "off_track")
    text = text_of(found, METRIC)
    assert "the worker's own: run five, x=5" in text
    assert "instead: run seven, x=7" in text
    assert "r-001: off track: Too small." in text


def test_a_veto_is_told() -> None:
    story = Told()
    waiting(VETO, story)
    review(story, OFF)
    assert settle(story, VETO) == "DecisionVetoed"
    (found,) = story.told
    assert (found.status, found.detail, found.own) == ("vetoed", "Five is too small.", None)
    assert found.held_for
    assert text_of(found, METRIC).endswith("vetoed: Five is too small.")


def test_no_answer_a_wait_and_one_that_is_asked_are_told() -> None:
    story = Told()
    story.answer(None, detail="no JSON")
    story.answer(Decision(action="wait", wait_s=40))
    until = story.run.decisions.waits_until
    story.ask(["a slot is free"])
    failed, wait, asked = story.told
    assert (failed.status, failed.detail) == ("failed", "no JSON")
    assert wait.until == until != ""
    assert text_of(wait, METRIC).splitlines()[-1].startswith("  wait until 2026-")
    assert (asked.status, asked.reasons) == ("open", ["a slot is free"])


def test_a_text_of_a_worker_cannot_steer_the_terminal() -> None:
    story = Told()
    story.answer(run_of(rationale="\x1b[2Jgone and more\nthan that"))
    text = text_of(story.told[0], METRIC)
    assert "\x1b" not in text
    assert "?[2Jgone and more than that" in text


def test_status_says_what_the_worker_does() -> None:
    story = Told()
    story.answer(None)
    rests = worker_status(story.run, story.now_s)
    assert rests is not None
    assert rests.waits_until == story.run.decisions.waits_until != ""
    assert (rests.in_vain, rests.status, rests.action) == (1, "failed", None)
    later = worker_status(story.run, story.now_s + 10_000)
    assert later is not None
    assert later.waits_until is None
    story.answer(run_of())
    story.take(2)
    story.ask()
    assert worker_status(story.run, story.now_s) == WorkerStatus(
        decisions=3, open=story.run.decisions.open.id if story.run.decisions.open else None,
        held_until=None, waits_until=None, in_vain=0, last=story.told[1].id, status="taken",
        action="run", iteration=story.told[1].iteration,
    )  # fmt: skip


def test_without_a_worker_status_says_nothing_and_with_one_that_was_not_asked_nothing_yet() -> None:
    story = Told()
    assert worker_status(None, 0.0) is None
    assert worker_status(story.run, 0.0) is None
    created = story.records[0]
    assert isinstance(created.event, e.RunCreated)
    document = created.event.document | {"proposers": [{"kind": "worker"}]}
    event = msgspec.structs.replace(created.event, document=document)
    state = fold(None, msgspec.structs.replace(created, event=event))
    found = worker_status(state, 0.0)
    assert found is not None
    assert (found.decisions, found.last, found.waits_until) == (0, None, None)
