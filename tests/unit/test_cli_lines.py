"""Events as lines for people: what is said of each."""

import pytest

from engine.cli.lines import as_json, as_text
from engine.core import events as e
from engine.core.decisions.events import DecisionAnswered
from engine.core.decisions.parts import Chosen, Decision
from engine.core.event import LogSpan
from engine.core.ids import (
    ApprovalId,
    CandidateId,
    DecisionId,
    DirectiveId,
    IterationNumber,
    StashId,
)
from engine.core.parts import Tokens
from tests.agent_events import BASE, COMMIT, coding, collected, worked, working
from tests.recorded import NOON

SEVEN, C7 = IterationNumber(7), CandidateId("c-0007")
W4 = DecisionId("w-0004")
CHOSEN = Chosen(decision=W4, label="wider")
D1, S1, A1 = DirectiveId("d-001"), StashId("s-001"), ApprovalId("a-001")


def line(event: e.AnyEvent) -> str:
    """What is said of an event, without its number and its time."""
    text = as_text(e.Record(seq=12, time=NOON, event=event, hash=b""))
    assert text.startswith("    12  12:00:00  ")
    assert "\n" not in text
    return text[18:]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (working(7), "#7     codex …, m-1, effort high"),
        (
            working(7, 2, model=None, effort=None, escalated=True),
            "#7     codex …, attempt 2, escalated",
        ),
        (worked(7), "#7     agent answered in 12.3 s, 12,345 tokens, 0.0421 USD"),
        (
            worked(7, cost_usd=None, outcome="limited", detail="try at 4\nlater"),
            "#7     agent limited in 12.3 s, 12,345 tokens, price unknown: try at 4",
        ),
        (
            worked(7, tokens=Tokens(), cost_usd=None, problems=["no shortlist"]),
            "#7     agent answered in 12.3 s; its answer breaks the rules: no shortlist",
        ),
        (
            e.AgentInterrupted(
                iteration=SEVEN, candidate=C7, attempt=1, reason="pause --now", cost_usd=1.5
            ),
            "#7     agent interrupted, to be done again: pause --now, 1.50 USD",
        ),
        (
            collected(7, notes=["2 commits, accepted or refused together"]),
            "#7     changed 2 files (+3 -1): cccccccccccc; 2 commits, accepted or refused together",
        ),
        (
            e.ChangeCarriedOver(iteration=SEVEN, candidate=C7, commit=COMMIT, tree="", base=BASE),
            "#7     carried over to bbbbbbbbbbbb as cccccccccccc; checked anew",
        ),
        (
            e.StashRequested(iteration=SEVEN, reason="later", by="me"),
            "#7     stash asked by me: later",
        ),
        (
            e.AttemptStashed(
                iteration=SEVEN,
                candidate=C7,
                stash=S1,
                ref="stash/s-001",
                commit=COMMIT,
                reason="",
                by="me",
            ),
            "#7     put aside as s-001 by me",
        ),
        (
            e.DirectiveAdded(directive=D1, title="solve it", text="x", source="person", by="me"),
            "directive d-001 added by me: solve it",
        ),
        (e.DirectiveEdited(directive=D1, text="y", by="me"), "directive d-001 edited by me"),
        (
            e.DirectiveRetired(directive=D1, reason="done", by="me"),
            "directive d-001 retired by me: done",
        ),
        (
            e.ApprovalAsked(
                approval=A1,
                iteration=SEVEN,
                candidate=C7,
                attempt=1,
                ask="q-1",
                text="May I push?\nIt is only a branch.",
                default="refuse",
                deadline="2026-11-21T12:01:00.500Z",
            ),
            "#7     a-001: the agent asks a person: May I push?; without an answer by "
            "2026-11-21 12:01:00 UTC: refuse",
        ),
        (
            e.ApprovalAnswered(
                approval=A1, iteration=SEVEN, candidate=C7, approved=True, by="me", reason="try"
            ),
            "#7     a-001 approved by me: try",
        ),
        (
            e.ApprovalAnswered(
                approval=A1, iteration=SEVEN, candidate=C7, approved=False, by="the deadline"
            ),
            "#7     a-001 refused by the deadline",
        ),
        (e.StashRestored(stash=S1, by="me"), "stash s-001 is to be gone on with, by me"),
        (e.StashDropped(stash=S1, by="me"), "stash s-001 dropped by me"),
        (e.RunPaused(by="guardrail", reason="alike", halt=True), "halted by guardrail: alike"),
        (e.RunPaused(by="me", reason=""), "paused by me"),
    ],
)
def test_what_is_said_of_an_event(event: e.AnyEvent, text: str) -> None:
    assert line(event) == text


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            coding(7, parameters={"x": 1}, tags=["explore"], base=None, agent=None),
            "c-0007 explore: x=1",
        ),
        (coding(7), "c-0007: codex is to change bbbbbbbbbbbb"),
        (coding(7, commit=COMMIT, tags=["sync"], agent=None), "c-0007 sync: commit cccccccccccc"),
        (
            coding(7, restores=S1),
            "c-0007: goes on with s-001, codex is to change bbbbbbbbbbbb",
        ),
        (
            coding(7, parameters={"x": 1}, chosen=CHOSEN, base=None, agent=None),
            "c-0007: wider, x=1",
        ),
    ],
)
def test_what_is_said_of_a_candidate(event: e.CandidateProposed, text: str) -> None:
    assert line(event) == f"#7     {text}"


@pytest.mark.parametrize(
    ("label", "text"),
    [("wider", "run wider: there is room"), ("", "run, x=1 y=2: there is room")],
)
def test_a_decision_is_told_by_its_label_and_else_by_its_values(label: str, text: str) -> None:
    answer = Decision(
        action="run", label=label, parameters={"x": 1, "y": 2}, rationale="there is room"
    )
    event = DecisionAnswered(
        decision=W4,
        outcome="answered",
        detail="",
        answer=answer,
        duration_s=1.5,
        log=LogSpan(path="", start=0, end=0),
    )
    assert line(event) == f"w-0004 in 1.5 s: {text}"


def test_every_line_of_json_is_ascii() -> None:
    event = e.DirectiveAdded(directive=D1, title="größer", text="→", source="person", by="me")
    assert as_json(e.Record(seq=1, time=NOON, event=event, hash=b"")).isascii()
