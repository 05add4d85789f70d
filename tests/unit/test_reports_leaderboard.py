"""The leaderboard as data, CSV and text."""

import csv
import io
from typing import Literal

import msgspec
import pytest

from engine.core.events import AnyEvent, Record, RunFinished
from engine.core.fold import fold
from engine.core.metric import Metric
from engine.core.state import RunState
from engine.core.verdict import Verdict
from engine.reports.leaderboard import (
    aligned,
    as_csv,
    as_json_data,
    as_text,
    best_so_far,
    gain_percent,
    leaderboard,
)
from tests.recorded import NOON, began, created, folded, judged, proposed, state_of, stopped


def run(
    *outcomes: tuple[float | None, Verdict], direction: Literal["min", "max"] = "min"
) -> RunState:
    metric = Metric(name="est_ms", unit="ms", direction=direction, label="static estimate")
    events: list[AnyEvent] = [msgspec.structs.replace(created(), metric=metric)]
    for number, (value, verdict) in enumerate(outcomes, 1):
        events += [began(number), proposed(number), judged(number, value, verdict)]
    return folded(
        [Record(seq=seq, time=NOON, event=event, hash=b"") for seq, event in enumerate(events, 1)]
    )


OVER = RunFinished(reason="iterations", detail="8 iterations", exit_status=0)
STORY: list[tuple[float | None, Verdict]] = [
    (2.0, "promoted"),
    (1.0, "promoted"),
    (0.1, "infeasible"),
    (3.0, "rejected"),
    (None, "incorrect"),
    (0.01, "invalid"),
    (0.999, "inconclusive"),
    (1.5, "rejected"),
]


def test_scored_candidates_best_first() -> None:
    board = leaderboard(run(*STORY))
    assert [(row.rank, row.candidate, row.value) for row in board.rows] == [
        (1, "c-0007", 0.999),
        (2, "c-0002", 1.0),
        (3, "c-0008", 1.5),
        (4, "c-0001", 2.0),
        (5, "c-0004", 3.0),
        (6, "c-0003", 0.1),
    ]
    assert (board.champion, board.baseline, board.baseline_value) == ("c-0002", "c-0001", 2.0)


def test_more_is_better_where_the_metric_says_so() -> None:
    board = leaderboard(run(*STORY, direction="max"), top=2)
    assert [row.value for row in board.rows] == [3.0, 2.0]


def test_equals_keep_the_order_of_iterations() -> None:
    board = leaderboard(run((1.0, "promoted"), (1.0, "rejected"), (1.0, "rejected")))
    assert [row.iteration for row in board.rows] == [1, 2, 3]


def test_the_json_has_the_documented_fields() -> None:
    data = as_json_data(leaderboard(run(*STORY), top=1))
    assert data == {
        "metric": {
            "name": "est_ms",
            "unit": "ms",
            "direction": "min",
            "label": "static estimate",
            "forgeable": False,
        },
        "rows": [
            {
                "rank": 1,
                "candidate": "c-0007",
                "value": 0.999,
                "verdict": "inconclusive",
                "iteration": 7,
                "parameters": {"chunk": 448, "inverse": "ladder"},
                "commit": None,
                "parents": ["c-0001"],
                "tags": ["explore"],
                "proposer": "evolution",
                "confidence": "exploratory",
                "decision": None,
                "ruled": "",
                "again": None,
                "doubt": "",
            }
        ],
    }


@pytest.mark.parametrize(
    ("direction", "value", "gain"), [("min", 1.0, 50.0), ("min", 3.0, -50.0), ("max", 3.0, 50.0)]
)
def test_gain_over_the_baseline(
    direction: Literal["min", "max"], value: float, gain: float
) -> None:
    board = leaderboard(run((2.0, "promoted"), direction=direction))
    assert gain_percent(board, value) == pytest.approx(gain)


def test_gain_over_a_negative_baseline_has_the_right_sign() -> None:
    board = leaderboard(run((-2.0, "promoted"), direction="max"))
    assert gain_percent(board, -1.0) == pytest.approx(50.0)


@pytest.mark.parametrize("first", [(None, "incorrect"), (0.0, "promoted")])
def test_without_a_baseline_to_divide_by_there_is_no_gain(
    first: tuple[float | None, Verdict],
) -> None:
    board = leaderboard(run(first, (2.0, "promoted")))
    assert gain_percent(board, 2.0) is None
    assert "%" not in as_text(board)


def test_the_text_is_aligned_and_says_what_the_figure_is() -> None:
    lines = as_text(leaderboard(run(*STORY[:2], (1234.5, "rejected")))).splitlines()
    assert lines[0] == "est_ms in ms, lower is better; static estimate"
    assert lines[2:] == [
        "*1  c-0002        1.000     +50.00 %  promoted  exploratory  chunk=128 inverse=ladder",
        " 2  c-0001        2.000     baseline  promoted  exploratory  chunk=64 inverse=ladder",
        " 3  c-0003     1234.500  -61625.00 %  rejected               chunk=192 inverse=ladder",
    ]


def test_the_text_says_what_it_leaves_out() -> None:
    assert as_text(leaderboard(run(*STORY)), top=2).splitlines()[-1] == "and 4 more"
    assert as_text(leaderboard(run((None, "infra")))) == "No candidate has a score yet."


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1.0, 2.0], ["1.000", "2.000"]),
        ([2.63598, 2.63597], ["2.63598", "2.63597"]),
        ([1.0, 1.0 + 1e-13], ["1.000000000", "1.000000000"]),
        ([1.5e-7, 2e-9], ["1.5e-07", "2e-09"]),
        ([3e12], ["3e+12"]),
        ([], []),
    ],
)
def test_values_have_as_many_decimals_as_they_need(values: list[float], texts: list[str]) -> None:
    assert aligned(values) == texts


def test_the_csv_is_a_table_with_every_parameter() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(leaderboard(run(*STORY))))))
    assert len(rows) == 6
    assert rows[0]["est_ms"] == "0.999"
    assert rows[0]["parameters.chunk"] == "448"
    assert rows[0]["parents"] == "c-0001"
    assert (rows[0]["commit"], rows[0]["confidence"]) == ("", "exploratory")


def test_the_curve_has_a_step_for_every_gain() -> None:
    story: list[tuple[float | None, Verdict]] = [*STORY, (0.9, "promoted"), (0.95, "promoted")]
    points = best_so_far(run(*story))
    assert [(point.iteration, point.value) for point in points] == [(1, 2.0), (2, 1.0), (9, 0.9)]
    assert best_so_far(run((None, "infra"))) == []


@pytest.mark.parametrize(
    ("events", "closing"),
    [
        ([], ""),
        ([stopped()], "c-0002: 1 ms, not measured again: the run was stopped and can go on"),
        ([OVER, stopped()], "c-0002: 1 ms, not measured again at the end"),
    ],
)
def test_it_closes_with_what_the_end_has_shown(events: list[AnyEvent], closing: str) -> None:
    state = run(*STORY)
    state.document = {"referee": {"leaders": 1}}
    for event in events:
        fold(state, Record(seq=state.seq + 1, time=NOON, event=event, hash=b""))
    assert leaderboard(state).closing == closing
    assert as_text(leaderboard(state)).endswith(closing)


def test_many_parameters_are_told_by_what_differs_from_the_baseline() -> None:
    many = {f"parameter_{number}": number for number in range(14)}
    story: list[AnyEvent] = [created()]
    for number, changed in ((1, {}), (2, {"parameter_7": 70, "parameter_3": "x"}), (3, {})):
        event = msgspec.structs.replace(proposed(number), parameters=many | changed)
        verdict: Verdict = "rejected" if number > 1 else "promoted"
        story += [began(number), event, judged(number, float(number), verdict)]
    lines = as_text(leaderboard(state_of(*story))).splitlines()
    assert lines[1].endswith("differs from c-0001 in")
    assert lines[2].endswith("exploratory")
    assert lines[3].endswith("parameter_3=x parameter_7=70")
    assert lines[4].endswith("nothing")
