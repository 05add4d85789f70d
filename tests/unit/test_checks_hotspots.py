"""Hotspots in a check's result: names that the check chooses, and shares of the whole."""

import pytest

from engine.checks.result import parse_result
from engine.core.parts import Hotspot
from engine.knowledge.past import dominant
from tests.agent_runs import Turn, run_of, spots


def test_a_check_names_where_the_time_goes() -> None:
    result = parse_result(
        b'{"hotspots": [{"name": "HackableLayer/while", "share": 0.25},'
        b' {"name": "inverse", "share": 0.5}]}'
    )
    assert result.problem is None
    assert result.hotspots == [
        Hotspot(name="HackableLayer/while", share=0.25),
        Hotspot(name="inverse", share=0.5),
    ]
    assert dominant(result.hotspots) == "inverse"


@pytest.mark.parametrize(
    "text",
    [
        '{"hotspots": {"a": 0.5}}',
        '{"hotspots": [{"name": "a"}]}',
        '{"hotspots": [{"name": "", "share": 0.5}]}',
        '{"hotspots": [{"name": "a", "share": 1.5}]}',
        '{"hotspots": [{"name": "a", "share": -0.1}]}',
        '{"hotspots": [{"name": "a", "share": "half"}]}',
        '{"hotspots": [{"name": "a", "share": 0.5, "ms": 3}]}',
    ],
)
def test_a_wrong_one_is_told_and_none_is_taken(text: str) -> None:
    result = parse_result(text.encode())
    assert result.problem is not None
    assert result.hotspots == []


def test_they_belong_to_the_candidate_from_then_on() -> None:
    state = run_of([Turn(value=3.0, hotspots=spots(copy=0.6))])
    (last,) = (one for one in state.candidates.values() if one.iteration == 2)
    assert last.hotspots == spots(copy=0.6)
