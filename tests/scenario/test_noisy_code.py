"""Pairs of candidates of code: champions are measured in trees that have their commit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.coding import SCORE, Steps, Toy, value

Make = Callable[..., Toy]
Json = dict[str, Any]

TURNS: dict[int | str, Steps] = {2: [value(9)], 3: [value(20)], 4: [value(7)]}
NOISY: Json = {
    "metric": {"name": "score", "direction": "min", "noise": "measured"},
    "referee": {"first_pairs": 4, "most_pairs": 8, "calibrate": 4},
}
IN_PLACE: Json = {"workspace": {"repo": ".", "mode": "in-place", "dirty": "stash"}}


def halves(toy: Toy, iteration: int | None = None) -> list[tuple[int, str, str, float | None]]:
    """Pair, part, whose and what came of it, of the halves that ended."""
    return [
        (e["half"]["pair"], e["half"]["role"], e["half"]["of"], e["metrics"].get("score"))
        for e in toy.events("CheckFinished")
        if e["half"] and iteration in (None, e["iteration"])
    ]


def climbed(toy: Toy) -> None:
    """Every half had the code of the one that it was for, and the right ones were promoted."""
    assert toy.verdicts() == {1: "promoted", 2: "promoted", 3: "rejected", 4: "promoted"}
    worth = {"c-0001": 10, "c-0002": 9, "c-0003": 20, "c-0004": 7}
    for _, _, candidate, score in halves(toy):
        assert score == worth[candidate]
    for number, champion in ((2, "c-0001"), (3, "c-0002"), (4, "c-0002")):
        found = halves(toy, number)
        parts = [(pair, part) for pair, part, _, _ in found]
        assert [pair for pair, _ in parts] == [1, 1, 2, 2, 3, 3, 4, 4]
        firsts = [part for _, part in parts[::2]]
        for one, two in (firsts[:2], firsts[2:]):  # chance says the one, and the other is turned
            assert {one, two} == {"champion", "candidate"}
        drawn = [e for e in toy.of_iteration(number, "PairDrawn") if e["recheck"] is None]
        assert [event["first"] for event in drawn] == firsts
        assert {of for _, part, of, _ in found if part == "champion"} == {champion}


def test_each_half_has_its_own_code(toy: Make) -> None:
    climb = toy(TURNS, **NOISY)
    climb.run(4)
    climbed(climb)


KILLS = [("outcome.recorded", 13), ("check.spawned", 15)]
"""Nine checks are the baseline's; the kill comes within the pairs of the second."""


@pytest.mark.parametrize(
    ("failpoint", "hit"), [KILLS[0], pytest.param(*KILLS[1], marks=pytest.mark.long)]
)
def test_killed_between_halves_each_has_its_own_code(toy: Make, failpoint: str, hit: int) -> None:
    climb = toy(TURNS, **NOISY)
    killed_within_pairs(climb, failpoint, hit)
    climb.run(4)
    climbed(climb)


@pytest.mark.parametrize(
    ("failpoint", "hit"),
    [("", 0), *(pytest.param(*each, marks=pytest.mark.long) for each in KILLS)],
)
def test_in_one_tree_the_halves_take_turns(tmp_path: Path, failpoint: str, hit: int) -> None:
    climb = Toy(tmp_path / "toy", TURNS, **NOISY, **IN_PLACE)
    own = {name: climb.before[name] for name in ("cached", "unstaged", "stashes", "config")}
    if failpoint:
        killed_within_pairs(climb, failpoint, hit)
    climb.run(4)
    climbed(climb)
    assert climb.person.head == climb.champion_commit()
    assert climb.shown("HEAD") == "VALUE = 7"
    now = climb.person.state()
    assert {name: now[name] for name in own} == own


def killed_within_pairs(climb: Toy, failpoint: str, hit: int) -> None:
    climb.killed_at(failpoint, hit, iterations=4)
    assert climb.verdicts() == {1: "promoted"}
    assert 0 < len(halves(climb, 2)) < 8


def test_a_champion_is_built_again_in_a_tree_of_its_own(toy: Make) -> None:
    checks = [
        {"name": "build", "run": "cp work.py built.py", "deadline": "30s"},
        SCORE | {"run": "cmp -s work.py built.py && {python} -S check.py", "shell": True},
    ]
    referee = NOISY["referee"] | {"prepare": ["build"]}
    climb = toy(TURNS, **(NOISY | {"referee": referee}), checks=checks)
    climb.killed_at("outcome.recorded", 18, iterations=4)
    climb.run(4)
    ready = [each for each in halves(climb) if each[0] == 0]
    assert len(ready) == 4
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "rejected", 4: "promoted"}


BUILT = [
    {"name": "build", "run": "cp work.py built.o", "deadline": "30s"},
    SCORE | {"run": "cmp -s work.py built.o && {python} -S check.py", "shell": True},
    {"name": "late", "run": "cmp -s work.py built.o", "when": "would_promote"},
]
"""The last two need what the first leaves, in a file that git ignores."""


@pytest.mark.long
@pytest.mark.parametrize("hit", [0, 12, 14])
def test_in_the_one_tree_everything_is_built_before_every_half(tmp_path: Path, hit: int) -> None:
    referee = NOISY["referee"] | {"prepare": ["build"]}
    noisy = NOISY | {"referee": referee | {"calibrate": 0}}
    climb = Toy(tmp_path / "toy", TURNS, **noisy, **IN_PLACE, checks=BUILT)
    if hit:
        climb.killed_at("outcome.recorded", hit, iterations=4)
        assert climb.verdicts() == {1: "promoted"}
    climb.run(4)
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "rejected", 4: "promoted"}


@pytest.mark.parametrize("mode", [{}, IN_PLACE], ids=["worktree", "in-place"])
def test_without_noise_a_champion_is_built_where_it_is_measured_again(
    tmp_path: Path, mode: Json
) -> None:
    climb = Toy(tmp_path / "toy", TURNS, **mode, checks=BUILT, referee={"remeasure": 1})
    climb.run(4)
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "rejected", 4: "promoted"}
    again = climb.events("ChampionMeasured")
    assert [(each["iteration"], each["now"], each["changed"]) for each in again] == [
        (2, 10, False),
        (3, 9, False),
        (4, 9, False),
    ]


def test_what_must_be_built_and_is_not_says_nothing_about_the_candidate(toy: Make) -> None:
    checks = [
        {"name": "build", "run": "cp work.py built.py", "deadline": "30s"},
        SCORE | {"run": "cmp -s work.py built.py && {python} -S check.py", "shell": True},
    ]
    climb = toy(TURNS, **(NOISY | {"referee": {"calibrate": 0, "first_pairs": 4}}), checks=checks)
    climb.run(2)
    assert climb.verdict(2)["verdict"] == "infra"
    assert "score of the champion, c-0001, failed" in climb.verdict(2)["reason"]


@pytest.mark.parametrize("noisy", [NOISY, {}], ids=["noisy", "exact"])
def test_the_same_tree_twice_is_never_promoted(toy: Make, noisy: Json) -> None:
    """S6: two slots make the same change; the second is not even measured."""
    turns: dict[int | str, Steps] = {2: [value(9)], 3: [value(9)]}
    climb = toy(turns, agent={"slots": 2}, **noisy)
    climb.run(3)
    assert sorted(climb.verdicts().values()) == ["inconclusive", "promoted", "promoted"]
    (twin,) = (n for n, verdict in climb.verdicts().items() if verdict == "inconclusive")
    assert climb.verdict(twin)["reason"].startswith("it is the same as c-000")
