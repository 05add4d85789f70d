"""Any history folds to the same state: as it happened, from the file, and through a snapshot."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import events as e
from engine.core.fold import fold
from engine.core.ids import CandidateId, CommandId, IterationNumber
from engine.core.state import RunState, dump, load
from engine.core.verdict import Verdict
from engine.journal import Journal, JournalReader, Verified, verify
from tests.recorded import (
    LOG,
    NOON,
    began,
    checked,
    checking,
    created,
    judged,
    proposed,
    started,
    stopped,
)

VERDICTS: list[Verdict] = ["promoted", "rejected", "infeasible", "invalid", "incorrect", "infra"]

RUN_WIDE = st.one_of(
    st.builds(e.RunPaused, by=st.text(max_size=5), reason=st.text(max_size=20)),
    st.builds(e.RunResumed, by=st.just("tui")),
    st.builds(e.StopRequested, by=st.just("cli"), reason=st.text(max_size=5)),
    st.builds(e.ClockJumped, gap_s=st.floats(5, 1e6)),
    st.builds(started, pid=st.integers(1, 2**22), alive_s=st.floats(0, 1e7)),
    st.builds(stopped, reason=st.text(max_size=5), exit_status=st.integers(0, 130)),
    st.builds(
        e.CommandAccepted,
        command_id=st.builds(CommandId, st.text("ab", min_size=1, max_size=3)),
        command=st.just("pause"),
        by=st.just("cli"),
    ),
    st.builds(
        e.CommandRefused,
        command_id=st.builds(CommandId, st.text("ab", min_size=1, max_size=3)),
        command=st.just("pause"),
        by=st.just("cli"),
        reason=st.text(max_size=20),
    ),
    st.builds(
        e.LimitsChanged,
        limits=st.builds(e.Limits, iterations=st.none() | st.integers(1, 10**6)),
        slots=st.integers(1, 16),
        by=st.just("cli"),
    ),
    st.builds(
        e.RunFinished,
        reason=st.sampled_from(["iterations", "plateau", "exhausted"]),
        detail=st.text(max_size=20),
        exit_status=st.integers(0, 5),
    ),
)


def next_of(state: RunState, number: int, data: st.DataObject) -> e.AnyEvent:
    """Something that can happen to an open iteration."""
    turn = state.open[number]
    value = data.draw(st.floats(allow_nan=False, allow_infinity=False))
    if turn.candidate is None:
        return proposed(number)
    if turn.check is None and data.draw(st.booleans()):
        return checking(number, attempt=turn.attempt + 1)
    if turn.check is not None:
        if data.draw(st.booleans()):
            return checked(number, value)
        return e.CheckInterrupted(
            iteration=IterationNumber(number),
            candidate=turn.candidate,
            check=turn.check,
            attempt=turn.attempt,
            reason="killed",
        )
    return judged(number, value, data.draw(st.sampled_from(VERDICTS)))


def draw_event(state: RunState, data: st.DataObject) -> e.AnyEvent:
    """Something that can happen next."""
    match data.draw(st.integers(0, 5)):
        case 0:
            return data.draw(RUN_WIDE)
        case 1 | 2:
            return began(state.last_iteration + 1, slot=len(state.open))
        case _ if state.open:
            return next_of(state, data.draw(st.sampled_from(sorted(state.open))), data)
        case _:
            return began(state.last_iteration + 1)


def read_back(path: Path, fold_all_up_to: int) -> RunState | None:
    reader = JournalReader.open(path, is_live=lambda: False, fold_all_up_to=fold_all_up_to)
    state = reader.load_state()
    assert reader.damage is None
    return state


def draw_story(data: st.DataObject) -> tuple[list[e.AnyEvent], RunState]:
    """Events that can follow each other, and what they add up to as they happen."""
    story: list[e.AnyEvent] = [created()]
    state = fold(None, e.Record(seq=1, time=NOON, event=story[0], hash=b""))
    for _ in range(data.draw(st.integers(0, 40), label="events")):
        story.append(draw_event(state, data))
        record = e.Record(seq=len(story), time=NOON, event=story[-1], hash=b"")
        state = fold(state, record)
    return story, state


def write(path: Path, story: list[e.AnyEvent], data: st.DataObject) -> None:
    """The story in a journal, in commits of any size, with a snapshot anywhere."""
    size = data.draw(st.integers(1, 20), label="events in a commit")
    snapshot_at = data.draw(st.integers(1, len(story)), label="snapshot after")
    journal = Journal.create(path, story[:1], NOON)
    state = fold(None, JournalReader.open(path, is_live=lambda: True).read_from(1)[0])
    saved = False
    for start in range(1, len(story), size):
        batch = story[start : start + size]
        for record in journal.append(batch, expected_seq=state.seq, time=NOON):
            state = fold(state, record)
        if state.seq >= snapshot_at and not saved:
            journal.save_snapshot(dump(state), state.seq)
            saved = True
    journal.close()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_history_folds_to_the_same_state_by_every_way(data: st.DataObject) -> None:
    story, state = draw_story(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        write(path, story, data)
        found = verify(path, heartbeat_seq=state.seq)
        assert isinstance(found, Verified), found
        assert found.state == state
        assert read_back(path, fold_all_up_to=0) == state
        assert read_back(path, fold_all_up_to=10**9) == state


def test_a_state_comes_back_from_its_snapshot_as_it_was() -> None:
    state = fold(None, e.Record(seq=1, time=NOON, event=created(), hash=b""))
    story = [began(1), proposed(1), checking(1), began(2, slot=1), proposed(2), checking(2)]
    for seq, event in enumerate(story, 2):
        state = fold(state, e.Record(seq=seq, time=NOON, event=event, hash=b""))
    again = load(dump(state))
    assert again == state
    assert again.open[2].log == LOG
    assert again.candidates[CandidateId("c-0002")].parents == ["c-0001"]
