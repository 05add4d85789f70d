"""How pairs, noise and champions that are measured again are worded."""

import msgspec
import pytest

from engine.core import events as e
from engine.core.ids import CandidateId, IterationNumber
from engine.core.measuring_lines import champion_text, half_text, noise_text
from engine.core.metric import Metric
from engine.core.pairs.decided import Decision
from engine.core.pairs.words import interval_words, short_words
from engine.core.parts import Half
from tests.recorded import checked
from tui.views.log import Narrator

FIRST = CandidateId("c-0001")
NOISE = e.NoiseMeasured(
    iteration=IterationNumber(1), candidate=FIRST, check="bench", pairs=10, noise=0.0102,
    pair_s=720.0, most=60, visible=0.0071, surely=0.0086, gain=0.005, needed=119,
)  # fmt: skip
AGAIN = e.ChampionMeasured(
    iteration=IterationNumber(9), candidate=FIRST, before=100.0, now=105.0, error=0.2,
    why="its value was 20 iterations old", changed=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {},
            "noise 1 % (10 pairs of the baseline): a 0.5 % gain needs about 119 pairs, 12m each, "
            "more than the 60 allowed: these show 0.71 %",
        ),
        (
            {"most": 200, "pair_s": 0.0417},
            "noise 1 % (10 pairs of the baseline): a 0.5 % gain needs about 119 pairs, 0.042s each",
        ),
        (
            {"needed": None},
            "noise 1 % (10 pairs of the baseline): a 0.5 % gain needs very many pairs, 12m each, "
            "more than the 60 allowed: these show 0.71 %",
        ),
        (
            {"noise": 0.0},
            "noise 0 % (10 pairs of the baseline): none; metric.noise: none would do",
        ),
        (
            {"noise": None, "visible": None, "surely": None, "needed": None},
            "the metric is 0 on average: its noise is no share of it",
        ),
    ],
)
def test_what_can_be_seen_is_said_in_a_sentence(changed: dict[str, object], text: str) -> None:
    assert noise_text(msgspec.structs.replace(NOISE, **changed)) == text


def test_a_champion_that_changed_is_told_with_the_reason() -> None:
    metric = Metric(name="time", direction="min", unit="ms")
    assert champion_text(AGAIN, metric) == (
        "the champion c-0001 is not what it was: 100 -> 105 ms, +5 %; "
        "its value was 20 iterations old"
    )
    same = msgspec.structs.replace(AGAIN, changed=False, now=100.2)
    assert champion_text(same, None) == "c-0001 measured again: 100.2 (before 100)"
    unknown = msgspec.structs.replace(AGAIN, before=None)
    assert "unknown -> 105" in champion_text(unknown, None)


def test_a_half_says_whose_it_is() -> None:
    champion = Half(pair=3, role="champion", of=FIRST, against=FIRST)
    assert half_text(champion) == " (pair 3, the champion c-0001)"
    assert half_text(msgspec.structs.replace(champion, role="candidate")) == (
        " (pair 3, the candidate)"
    )
    assert half_text(msgspec.structs.replace(champion, pair=0, prepares=True)) == (
        " (making ready the champion c-0001)"
    )
    assert half_text(None) == ""


@pytest.mark.parametrize(
    ("ends", "reference", "text"),
    [
        ((1.9, 0.6, 3.1), 100.0, "+1.9 % [0.6, 3.1] at 99 %, 24 pairs"),
        ((-19.0, -31.0, -6.0), 1000.0, "-1.9 % [-3.1, -0.6] at 99 %, 24 pairs"),
        ((0.02, 0.018, 0.022), 100.0, "+0.0200 % [0.0180, 0.0220] at 99 %, 24 pairs"),
        ((250.0, 100.0, 400.0), 100.0, "+250 % [100, 400] at 99 %, 24 pairs"),
        ((1.0, 1.0, 1.0), 10.0, "+10 % [10, 10] at 99 %, 24 pairs"),
        ((0.5, 0.25, 0.75), 0.0, "+0.50 [0.25, 0.75] at 99 %, 24 pairs"),
        ((1.9, 0.6, 3.1), -100.0, "+1.9 % [0.6, 3.1] at 99 %, 24 pairs"),
    ],
)
def test_intervals_are_as_exact_as_they_are_wide(
    ends: tuple[float, float, float], reference: float, text: str
) -> None:
    assert interval_words(ends, reference, 24, 0.01) == text


def test_a_table_has_the_interval_without_its_confidence() -> None:
    decision = Decision(
        outcome="promoted", reason="", pairs=24, error=0.01, estimate=1.9, low=0.6, high=3.1,
        reference=100.0,
    )  # fmt: skip
    assert short_words(decision) == "+1.9 % [0.6, 3.1], 24 pairs"
    assert short_words(None) == ""
    assert short_words(msgspec.structs.replace(decision, estimate=None)) == ""


def test_the_room_tells_them_too() -> None:
    narrator = Narrator()
    half = Half(pair=3, role="champion", of=FIRST, against=FIRST)
    for event, expected in (
        (
            msgspec.structs.replace(checked(9, 1.5), half=half),
            "(pair 3, the champion c-0001) passed",
        ),
        (NOISE, "noise 1 %"),
        (AGAIN, "the champion c-0001 is not what it was: 100 -> 105, +5 %"),
    ):
        entry = narrator.tell(event, 0.0)
        assert entry is not None
        assert entry.text.startswith(expected)
