"""Views and the lines made of them."""

import pytest

from engine.core import events as e
from engine.core.fold import fold
from tests.screens import fakes
from tui.fitting import Field, fit, joined
from tui.ink import line, text_of, width_of
from tui.views.board import BoardBuilder, board_line, differences
from tui.views.condition import MARKS, NEEDS_A_PERSON
from tui.views.header import header_line
from tui.views.log import LogEntry, wrapped
from tui.views.notice import notice_of
from tui.views.ranking import Ranking
from tui.views.slots import slot_lines, slots_of
from tui.views.words import change_text, decimals_for, duration_text, value_text
from tui.weaver import Weaver
from tui.widgets.plot import plot_lines

TOLD = fakes.events_of_run(60)


@pytest.mark.parametrize("width", [60, 70, 80, 100, 120, 200])
@pytest.mark.parametrize("word", MARKS)
def test_the_header_keeps_condition_and_champion_at_any_width(width: int, word: str) -> None:
    room = fakes.room_of(TOLD, fakes.condition_of(word))
    text = text_of(header_line(room.header, width, fakes.NOW))
    assert len(text) <= width
    assert word in text
    assert "0.8341 ms" in text
    assert "static estimate" in text or "s.e." in text


def test_only_what_needs_a_person_is_red() -> None:
    for word in MARKS:
        ink = fakes.condition_of(word).ink
        assert (ink == "alarm") == (word in NEEDS_A_PERSON)


def test_values_stand_on_their_points() -> None:
    view = fakes.room_of(TOLD, fakes.condition_of("running")).board
    lines = [text_of(board_line(view, index, 60)) for index in range(view.ranked)]
    assert len({text.index(".") for text in lines}) == 1
    assert lines[0].startswith("  1 ★ c-0059  0.8341  promoted")
    assert all(len(text) <= 60 for text in lines)


def test_candidates_without_a_value_come_last_and_say_why() -> None:
    view = fakes.room_of(TOLD, fakes.condition_of("running")).board
    rest = [text_of(board_line(view, i, 120)) for i in range(view.ranked, len(view.rows))]
    assert rest[0].split()[:4] == ["·", "c-0061", "–", "running"]
    assert any("timeout" in text and "over the deadline" in text for text in rest)


def test_what_a_running_candidate_measured_is_shown_without_a_rank() -> None:
    state = fakes.folded(fakes.events_of_run(1, open_steps=1))
    turn = next(iter(state.open.values()))
    assert turn.candidate is not None
    turn.finished.append(
        e.CheckFinished(
            iteration=turn.iteration,
            candidate=turn.candidate,
            check="cost",
            attempt=1,
            outcome="passed",
            exit_code=0,
            duration_s=1.0,
            log=e.LogSpan(path="logs/x.log"),
            metrics={state.metric.name: 0.5},
        )
    )
    view = Weaver("r").weave(state, fakes.condition_of("running"), fakes.NOW).board
    shown = text_of(board_line(view, view.ranked, 80)).split()
    assert shown[:2] == ["·", turn.candidate]
    assert float(shown[2]) == 0.5
    assert shown[3] == "running"


def test_a_board_of_a_growing_run_is_that_of_the_whole_run() -> None:
    weaver, condition = Weaver("r"), fakes.condition_of("running")
    state = fakes.folded(TOLD[:1])
    for seq, (at, event) in enumerate(TOLD[1:], start=2):
        record = e.Record(seq=seq, time=fakes.iso(at), event=event, hash=b"")
        state = fold(state, record)
        if seq % 7 == 0:
            weaver.weave(state, condition, fakes.NOW)
    grown = weaver.weave(state, condition, fakes.NOW)
    whole = fakes.room_of(TOLD, condition)
    assert [row.candidate for row in grown.board.rows] == [r.candidate for r in whole.board.rows]
    assert grown.chart == whole.chart


def test_a_chart_without_a_measured_candidate_says_what_to_expect() -> None:
    condition = fakes.condition_of("running")
    told = fakes.events_of_run(1, open_steps=1)
    started = next(i for i, (_, event) in enumerate(told) if isinstance(event, e.CheckStarted))
    view = fakes.room_of(told[: started + 1], condition).chart
    assert not view.points
    (said,) = plot_lines(view, 60, 10)
    assert text_of(said).strip() == "The curve starts with the first measured candidate."


def test_a_pane_that_did_not_change_keeps_its_view() -> None:
    weaver, condition = Weaver("r"), fakes.condition_of("running")
    state = fakes.folded(TOLD)
    first = weaver.weave(state, condition, fakes.NOW)
    second = weaver.weave(state, condition, fakes.NOW + 5)
    assert second.board is first.board
    assert second.chart is first.chart
    assert second == first


def test_parameters_are_said_by_their_difference() -> None:
    baseline = {"chunk": 128, "inverse": "ladder", "fused": False, "scale": 1.0}
    other = {"chunk": 64, "inverse": "blocked", "fused": True, "scale": 1.0, "extra": 0.25}
    assert differences(other, baseline) == "chunk 64, blocked, fused, extra 0.25"
    assert differences(baseline, baseline) == ""


@pytest.mark.parametrize("width", [24, 30, 44, 58, 100])
def test_slots_fit_their_pane(width: int) -> None:
    view = fakes.room_of(TOLD, fakes.condition_of("running")).slots
    lines = slot_lines(view, width, fakes.NOW)
    assert len(lines) == 3
    assert all(width_of(line) <= width for line in lines)
    assert "4 m 09 s" in text_of(lines[0])


def test_a_crash_names_the_command_that_goes_on() -> None:
    notice = notice_of(fakes.condition_of("crashed"), fakes.folded(TOLD), fakes.NOW)
    assert notice is not None
    assert notice.alarm
    assert "controlroom run configs/gdn-v5p.yaml" in notice.text
    assert "2 open steps" in notice.text


def test_shorter_forms_come_in_the_order_of_their_rank() -> None:
    fields = [
        Field((line("campaign"), line("c")), 2),
        Field((line("running"),), 0),
        Field((line("elapsed"), ()), 3),
    ]
    assert text_of(joined(fit(fields, 30, 2), 2)) == "campaign  running  elapsed"
    assert text_of(joined(fit(fields, 18, 2), 2)) == "campaign  running"
    assert text_of(joined(fit(fields, 12, 2), 2)) == "c  running"


def test_long_lines_are_wrapped_between_words() -> None:
    assert wrapped("one two three four", 10) == ["one two", "three four"]
    assert wrapped("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert "".join(wrapped("宽" * 30, 11)) == "宽" * 30


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (250, "4 m 10 s"), (20_940, "5 h 49 m"), (273_600, "3 d 4 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_numbers() -> None:
    assert value_text(9216.0, 0) == "9,216"
    assert value_text(-0.5, 2) == "−0.50"
    assert change_text(0.912, 1.45) == "−37.1 %"
    assert change_text(1.0, 0.0) == ""
    assert decimals_for([2.63598, 2.63597, 2.6]) == 5
    assert decimals_for([9216.0, 9300.0]) == 0
    assert decimals_for([]) == 3


def test_what_a_program_wrote_is_never_markup() -> None:
    entry = LogEntry(fakes.NOW, "0", "cost", "[bold red]x[/]")
    assert entry.text == "[bold red]x[/]"


def test_what_is_measured_again_is_seen_in_its_slot_and_on_the_board() -> None:
    state = fakes.folded(fakes.events_of_run(6))
    best = state.best()
    assert best is not None
    assert state.baseline is not None

    def happened(event: e.AnyEvent) -> None:
        fold(state, e.Record(seq=state.seq + 1, time=state.time, event=event, hash=b""))

    slot = max(turn.slot for turn in state.open.values()) + 1
    state.slots = max(state.slots, slot + 1)
    begun = e.RecheckBegun(
        recheck=1,
        iteration=best.iteration,
        candidate=best.id,
        against=state.baseline,
        purpose="confirm",
        slot=slot,
        variant="long",
    )
    happened(begun)
    running = fakes.condition_of("running")
    phase = slots_of(state, running).rows[slot].phase
    assert phase == f"confirming {best.id} under long: deciding"
    ranking, builder = Ranking(state.metric), BoardBuilder()
    ranking.update(state)
    assert builder.view(state, ranking, 4).rows[0].candidate == best.id
    ended = e.RecheckEnded(
        recheck=1,
        iteration=best.iteration,
        candidate=best.id,
        against=state.baseline,
        purpose="confirm",
        variant="long",
        outcome="failed",
        reason="not better",
    )
    happened(ended)
    demoted = e.ChampionDemoted(
        iteration=best.iteration, candidate=best.id, champion=state.baseline, reason="long: no"
    )
    happened(demoted)
    ranking.update(state)
    view = builder.view(state, ranking, 4)
    last = view.rows[view.ranked - 1]
    assert last.candidate == best.id
    assert last.text.startswith("demoted · ")
