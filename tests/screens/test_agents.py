"""What the screen says of agents: the log, the slots, the header, the board."""

from collections.abc import Sequence

import pytest

from engine.core import events as e
from engine.core.ids import ApprovalId, CandidateId, DirectiveId, IterationNumber
from engine.core.parts import AgentAnswer, Tokens
from tests.agent_events import at_work, coding, collected, worked, working
from tests.recorded import began, judged
from tests.screens import fakes
from tui.ink import text_of, width_of
from tui.room import Room
from tui.scribe import Scribe
from tui.views.board import board_line
from tui.views.header import header_line
from tui.views.log import LogEntry, Narrator

FIRST = fakes.events_of_run(1, open_steps=0)


def room(events: Sequence[e.AnyEvent], word: str = "running") -> Room:
    """The room of a run whose baseline is measured, after these events."""
    told = [*FIRST, *((fakes.NOW - 60, event) for event in events)]
    return fakes.room_of(told, fakes.condition_of(word))


def lines(events: Sequence[e.AnyEvent]) -> list[LogEntry]:
    """What the log says of events."""
    narrator = Narrator()
    narrator.begin({})
    said = [narrator.tell(event, fakes.NOW) for event in events]
    return [entry for entry in said if entry is not None]


def test_the_log_tells_what_an_agent_does() -> None:
    broken = worked(2, problems=["no shortlist"])
    told = lines([began(2, slot=1), coding(2), working(2, 2), broken, collected(2)])
    assert [(each.slot, each.source, each.ink) for each in told] == [
        ("1", "codex", "quiet"),
        ("1", "agent", "quiet"),
        ("1", "agent", "strong"),
        ("1", "change", "plain"),
    ]
    assert told[0].text == "c-0002: codex is to change bbbbbbbbbbbb"
    assert told[1].text == "codex …, m-1, effort high, attempt 2"
    assert told[2].text.endswith("its answer breaks the rules: no shortlist")
    assert told[3].text == "changed 2 files (+3 -1): cccccccccccc"


def test_the_log_tells_what_people_say() -> None:
    name = DirectiveId("d-001")
    added = e.DirectiveAdded(directive=name, title="solve", text="x", source="person", by="me")
    halted = e.RunPaused(by="guardrail", reason="alike", halt=True)
    told = lines([added, halted])
    assert [(each.source, each.text) for each in told] == [
        ("run", "directive d-001 added by me: solve"),
        ("run", "halted by guardrail: alike"),
    ]


def test_what_an_agent_asks_is_told_and_asks_for_a_person() -> None:
    asked = e.ApprovalAsked(
        iteration=IterationNumber(2),
        candidate=CandidateId("c-0002"),
        approval=ApprovalId("a-001"),
        attempt=1,
        ask="q",
        text="May I?",
        default="refuse",
        deadline="2026-03-14T06:00:00Z",
    )
    (*_, entry) = lines([*at_work(2), asked])
    assert (entry.source, entry.ink) == ("approval", "strong")
    assert entry.text.startswith("a-001: the agent asks a person: May I?")
    notice = room([*at_work(2), asked], "waiting").notice
    assert notice is not None
    assert notice.alarm
    quiet = room(at_work(2), "waiting").notice
    assert quiet is not None
    assert not quiet.alarm


def test_a_slot_shows_its_agent_and_since_when() -> None:
    (busy, *_) = room([began(2), coding(2), working(2, 2)]).slots.rows
    assert (busy.phase, busy.proposer) == ("codex, attempt 2", "codex")
    assert busy.since == pytest.approx(fakes.NOW - 60)
    (cut, *_) = room(at_work(2), "crashed").slots.rows
    assert (cut.phase, cut.since) == ("cut off in codex", None)


def test_a_halt_holds_what_waits_between_two_steps() -> None:
    (held, *_) = room([*at_work(2), worked(2)], "halted").slots.rows
    assert held.phase == "held by the pause"
    notice = room([], "halted").notice
    assert notice is not None
    assert notice.alarm
    assert notice.text.startswith("! Halted")


@pytest.mark.parametrize(
    ("ends", "long"),
    [
        ([{}], "12.3 k tokens 0.0421 USD"),
        ([{"cost_usd": 1.5, "tokens": Tokens(input=1_240_000)}], "1.24 M tokens 1.50 USD"),
        ([{"cost_usd": None}], "12.3 k tokens, price unknown"),
        ([{"cost_usd": 2.0}, {"cost_usd": None}], "24.7 k tokens 2.00 + ? USD"),
        ([{"cost_usd": None, "tokens": Tokens()}], "cost unknown"),
        ([{"cost_usd": 2.0}, {"cost_usd": None, "tokens": Tokens()}], "12.3 k tokens 2.00 + ? USD"),
    ],
)
def test_the_header_says_what_agents_have_used(ends: list[dict[str, object]], long: str) -> None:
    events = [began(2), coding(2)]
    for attempt, end in enumerate(ends, start=1):
        events += [working(2, attempt), worked(2, attempt, **end)]
    header = room(events).header
    assert long in text_of(header_line(header, 200, fakes.NOW))
    for width in (60, 70, 80, 100, 120):
        line = header_line(header, width, fakes.NOW)
        assert width_of(line) <= width
        assert "1.450 ms" in text_of(line)


def test_a_run_without_agents_says_nothing_of_money() -> None:
    text = text_of(header_line(room([]).header, 200, fakes.NOW))
    assert "USD" not in text
    assert "tokens" not in text


def test_the_board_says_what_an_agent_changed() -> None:
    answer = AgentAnswer(summary="Solve the triangle by blocks\nin detail")
    events = [*at_work(2), worked(2, answer=answer), collected(2), judged(2, 1.0, "promoted")]
    events += [*at_work(3), worked(3), collected(3), judged(3, 2.0, "rejected")]
    board = room(events).board
    said = [text_of(board_line(board, index, 120)) for index in range(3)]
    assert said[0].endswith("Solve the triangle by blocks")
    assert said[2].endswith("commit cccccccccccc")


def test_what_an_agent_does_is_read_live_from_its_log() -> None:
    log = b"=== 0123456789abcdef iteration 2 agent codex attempt 1 2026-11-21T12:00:00.000Z\n"
    log += b"$ make\nall of it\n"

    def read(path: str, offset: int, limit: int) -> tuple[bytes, int]:
        assert path == "logs/00001.log"
        text = log[offset : offset + limit]
        return text, offset + len(text)

    scribe = Scribe(read)
    records = [
        e.Record(seq=seq, time=fakes.iso(fakes.NOW), event=event, hash=b"")
        for seq, event in enumerate([*at_work(2), worked(2)], start=1)
    ]
    scribe.take(records[:-1], fakes.NOW)
    assert [(each.source, each.text) for each in scribe.poll(fakes.NOW)] == [
        ("codex", "$ make"),
        ("codex", "all of it"),
    ]
    (ended,) = scribe.take(records[-1:], fakes.NOW)
    assert ended.source == "agent"
    log += b"more\n"
    assert scribe.poll(fakes.NOW) == []
