"""What agents ask: the events, the state, the answers, and the files by which agents learn them."""

import threading
from pathlib import Path
from typing import Any

import pytest

from engine.agents import asking
from engine.agents.command import EventLines
from engine.agents.protocol import Asks, Trouble
from engine.core import events as e
from engine.core.answering import answer
from engine.core.answering_approvals import LONGEST_TEXT, asked, by_default, closed
from engine.core.commands import Approve, Envelope, Refuse, decode, encode
from engine.core.events import AnyEvent
from engine.core.ids import ApprovalId, CandidateId, CommandId, IterationNumber
from engine.core.state import RunState, dump, load
from tests.agent_events import coding, worked, working
from tests.agent_runs import state_of
from tests.recorded import NOON, began, created, judged

FIRST = IterationNumber(1)
A1, A2 = ApprovalId("a-001"), ApprovalId("a-002")
WORKING: list[AnyEvent] = [created(), began(1), coding(1), working(1)]


def question(state: RunState, text: str = "May I?", **more: Any) -> e.ApprovalAsked:
    fields: dict[str, Any] = {"ask": "q-1", "default": "refuse", "deadline": NOON}
    return asked(state, working(1), text=text, **fields | more)


def two_asked() -> tuple[RunState, list[AnyEvent]]:
    story = list(WORKING)
    for default in ("refuse", "approve"):
        story.append(question(state_of(story), default=default))
    return state_of(story), story


def given(command: Approve | Refuse) -> Envelope:
    return Envelope(id=CommandId("1"), by="ada", command=command)


def test_questions_are_numbered_and_open_until_they_are_answered() -> None:
    state, story = two_asked()
    assert list(state.approvals) == [A1, A2]
    first = state.approvals[A1]
    assert (first.iteration, first.text, first.default, first.until) == (
        1,
        "May I?",
        "refuse",
        NOON,
    )
    effect = answer(state, given(Approve(approval=A1, reason="try")))
    assert effect == [
        e.ApprovalAnswered(
            approval=A1,
            iteration=FIRST,
            candidate=CandidateId("c-0001"),
            approved=True,
            by="ada",
            reason="try",
        ),
        e.CommandAccepted(command_id=CommandId("1"), command="approve", by="ada"),
    ]
    state = state_of([*story, *effect])
    assert list(state.approvals) == [A2]
    turn = state.open[1]
    assert turn.agent is not None
    assert turn.agent.approved == {A1: True}
    assert load(dump(state)) == state
    assert question(state).approval == "a-003"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a-001", "a-001 was answered already"),
        ("a-003", "nothing is asked as a-003; open now: a-002"),
        ("a-1", "nothing is asked as a-1; open now: a-002"),
        ("", "nothing is asked as ; open now: a-002"),
    ],
)
def test_what_is_not_open_is_refused(name: str, reason: str) -> None:
    state, story = two_asked()
    state = state_of([*story, *by_default(state, A1, by="the deadline")])
    for command in (Approve(approval=ApprovalId(name)), Refuse(approval=ApprovalId(name))):
        (refused,) = answer(state, given(command))
        assert isinstance(refused, e.CommandRefused)
        assert refused.reason == reason


def test_the_default_holds_once() -> None:
    state, story = two_asked()
    (first,) = by_default(state, A2, by="the deadline")
    assert isinstance(first, e.ApprovalAnswered)
    assert (first.approved, first.by) == (True, "the deadline")
    assert by_default(state_of([*story, first]), A2, by="the deadline") == []


def test_the_end_of_an_attempt_closes_what_is_open_of_it_alone() -> None:
    story: list[AnyEvent] = [*two_asked()[1], began(2), coding(2), working(2)]
    other = asked(state_of(story), working(2), ask="q-1", text="?", default="refuse", deadline=NOON)
    state = state_of([*story, other])
    ends = closed(state, FIRST)
    assert [getattr(end, "approved", None) for end in ends] == [False, True]
    story += [other, *ends, worked(1), judged(1, None, "no_change")]
    assert list(state_of(story).approvals) == ["a-003"]


def test_a_long_question_is_cut() -> None:
    found = question(state_of(WORKING), "x" * 100_000)
    assert len(found.text) < LONGEST_TEXT + 10


def test_commands_go_through_the_inbox() -> None:
    for command in (Approve(approval=A1, reason="ä"), Refuse(approval=A2)):
        assert decode(encode(given(command))) == given(command)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".x", "x" * 65, "a b", "ä", "a\n"])
def test_a_question_whose_name_can_be_no_file_is_trouble(name: str, tmp_path: Path) -> None:
    assert isinstance(asking.sound(Asks(id=name, text="?")), Trouble)
    assert isinstance(asking.sound(Asks(id="q_1-A", text="?")), Asks)


@pytest.mark.parametrize(
    ("wait_s", "held_s"), [("-5", 0.0), ("1e300", 86_400.0), ("0", 0.0), ("2.5", 2.5)]
)
def test_the_time_of_a_question_is_held_to_a_day(
    wait_s: str, held_s: float, tmp_path: Path
) -> None:
    line = f'{{"type": "asks", "id": "a", "text": "?", "wait_s": {wait_s}}}'
    (event,) = EventLines(tmp_path / "answer").read(line.encode())
    assert isinstance(event, Asks)
    assert (event.wait_s, event.default) == (held_s, "refuse")
    no_number = asking.sound(Asks(id="a", text="?", wait_s=float("nan")))
    assert isinstance(no_number, Asks)
    assert no_number.wait_s == 0.0


@pytest.mark.parametrize("approved", [True, False])
def test_an_answer_is_waited_for(tmp_path: Path, *, approved: bool) -> None:
    folder = asking.folder_of(tmp_path)
    assert asking.read_answer(folder, "q") is None
    found: list[bool] = []
    event = Asks(id="q", text="?", default="refuse" if approved else "approve")
    waiting = threading.Thread(target=lambda: found.append(asking.wait_answer(folder, event)))
    waiting.start()
    asking.write_answer(folder, "q", approved=approved)
    waiting.join(20)
    assert found == [approved]
    assert [path.name for path in folder.iterdir()] == ["q"]


def test_an_answer_is_written_through_no_link(tmp_path: Path) -> None:
    folder, other = asking.folder_of(tmp_path), tmp_path / "other"
    other.write_text("mine")
    folder.mkdir()
    for name in ("q", ".q.tmp"):
        (folder / name).symlink_to(other)
    asking.write_answer(folder, "q", approved=True)
    assert other.read_text() == "mine"
    assert not (folder / "q").is_symlink()
    assert asking.read_answer(folder, "q") is True
