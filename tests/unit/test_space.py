import os
import subprocess
import sys

import pytest
from pydantic import TypeAdapter

from engine.core import draws
from engine.core.campaign.parameters import Parameter
from engine.core.domains import Choices, Floats, Integers, Powers
from engine.core.space import Space, SpaceError

SPEC = {
    "inverse": {"choices": ["ladder", "blocked", "neumann"]},
    "block": {"choices": [8, 16, 32], "when": {"inverse": ["blocked", "neumann"]}},
    "order": {"int": [1, 7], "step": 2, "when": {"inverse": "neumann", "block": [16, 32]}},
    "heads": {"int": [1, 8], "step": "power2"},
}


def space_of(spec: dict) -> Space:
    return Space.from_spec(TypeAdapter(dict[str, Parameter]).validate_python(spec))


def test_size_counts_only_what_means_something():
    # ladder: 1; blocked: 3; neumann: 1 (block 8) + 2 * 4 (16 and 32, each with four orders)
    assert space_of(SPEC).size() == (1 + 3 + 1 + 2 * 4) * 4


def test_size_of_a_huge_space_is_exact():
    spec: dict = {f"p{i}": {"choices": [1, 2, 3]} for i in range(200)}
    spec |= {f"q{i}": {"choices": [1, 2, 3, 4, 5], "when": {f"p{i}": [2]}} for i in range(200)}
    assert space_of(spec).size() == 7**200


def test_size_of_a_long_chain_of_conditions():
    spec: dict = {"p0": {"choices": [0, 1]}}
    spec |= {f"p{i}": {"choices": [0, 1], "when": {f"p{i - 1}": [1]}} for i in range(1, 100)}
    assert space_of(spec).size() == 101


def test_size_is_endless_only_where_a_float_can_be_active():
    always = {"x": {"float": [0.0, 1.0]}}
    never = {
        "a": {"choices": ["b"]},
        "x": {"float": [0.0, 1.0], "when": {"a": "c"}},
    }
    fixed = {"x": {"float": [0.5, 0.5]}}
    assert [space_of(spec).size() for spec in (always, never, fixed)] == [None, 1, 1]


def test_a_space_without_parameters_has_one_point():
    space = Space({})
    assert space.size() == 1
    assert list(space.enumerate()) == [{}]
    assert space.random(draws.stream(1)) == {}
    assert space.mutate({}, draws.stream(1)) == {}


def test_int_ranges_and_steps():
    space = space_of({"a": {"int": [3, 20], "step": "power2"}, "b": {"int": [-3, 5], "step": 3}})
    assert sorted({p["a"] for p in space.enumerate()}) == [4, 8, 16]
    assert sorted({p["b"] for p in space.enumerate()}) == [-3, 0, 3]


def test_keys_tell_kinds_of_values_apart():
    space = Space({"a": Choices([1, 1.0, True, "1", "true", 0, False])})
    assert len({space.key({"a": value}) for value in [1, 1.0, True, "1", "true", 0, False]}) == 7


def test_keys_take_equal_numbers_as_the_declared_one():
    space = Space({"a": Choices([64, 128]), "x": Floats(0.0, 2.0)})
    assert space.key({"a": 64.0, "x": 1}) == space.key({"a": 64, "x": 1.0})
    assert space.active({"a": 64.0, "x": 1}) == {"a": 64, "x": 1.0}
    assert space.key({"a": 64, "x": -0.0}) == space.key({"a": 64, "x": 0.0})
    assert space.check({"a": True, "x": 1.0})


def test_keys_are_the_same_everywhere():
    space = Space({"a": Choices(["x", "y"]), "b": Floats(0.0, 1.0)})
    assert space.key({"b": 0.1, "a": "x"}) == "c968cb987c0ad1728d215776"
    swapped = Space({"b": Floats(0.0, 1.0), "a": Choices(["x", "y"])})
    assert swapped.key({"a": "x", "b": 0.1}) == "c968cb987c0ad1728d215776"


def test_inactive_parameters_are_left_out():
    space = space_of(SPEC)
    point = {"inverse": "ladder", "block": 8, "order": 3, "heads": 2}
    assert space.active(point) == {"inverse": "ladder", "heads": 2}
    assert space.check(point) == []
    assert space.key(point) == space.key({"inverse": "ladder", "heads": 2})


def test_a_parameter_under_an_inactive_one_is_inactive():
    space = space_of(SPEC)
    # `order` asks for a block of 16, but that block means nothing under the ladder.
    spec = SPEC | {"order": {"int": [1, 7], "when": {"block": [16]}}}
    assert "order" not in space_of(spec).active({"inverse": "ladder", "block": 16, "order": 3})
    assert "order" not in space.active({"inverse": "neumann", "block": 8, "order": 3})


@pytest.mark.parametrize(
    ("change", "parameter", "words"),
    [
        ({"heads": 3}, "heads", "3 is not a power of two from 1 to 8"),
        ({"heads": 16}, "heads", "16 is not a power of two from 1 to 8"),
        ({"heads": 0}, "heads", "0 is not a power of two"),
        ({"heads": True}, "heads", "true is not a power of two"),
        ({"heads": 2.0}, "heads", "2.0 is not a power of two"),
        ({"order": 4}, "order", "4 is not a whole number from 1 to 7 in steps of 2"),
        ({"order": "1"}, "order", '"1" is not a whole number'),
        ({"block": 64}, "block", "64 is not one of 8, 16, 32"),
        ({"block": [8]}, "block", "[8] is not one of 8, 16, 32"),
        ({"blok": 8}, "blok", "is not a parameter of the space"),
    ],
)
def test_check_names_what_is_wrong(change: dict, parameter: str, words: str):
    point = {"inverse": "neumann", "block": 16, "order": 3, "heads": 2} | change
    [problem] = [p for p in space_of(SPEC).check(point) if p.parameter == parameter]
    assert words in problem.message
    assert problem.fix


def test_check_finds_what_is_missing_and_suggests_names():
    problems = space_of(SPEC).check({"inverse": "blocked", "hedas": 2})
    assert [(p.parameter, p.fix) for p in problems] == [
        ("hedas", "did you mean heads?"),
        ("heads", "give it one, such as 1"),
        ("block", "give it one, such as 8"),
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.5, "0.5", True, None])
def test_check_refuses_what_no_float_range_holds(value: object):
    assert Space({"x": Floats(0.0, 1.0)}).check({"x": value})


def test_drawn_floats_keep_their_digits_and_their_range():
    space = Space({"x": Floats(1.23456e-5, 0.0987654, "log", 2), "y": Floats(-1.0, 1.0, digits=3)})
    rng = draws.stream("digits")
    ends = {1.23456e-5, 0.0987654}
    for _ in range(500):
        point = space.mutate(space.random(rng), rng, 2)
        assert space.check(point) == []
        assert point["x"] in ends or float(f"{point['x']:.2g}") == point["x"]
        assert float(f"{point['y']:.3g}") == point["y"]


def test_log_floats_are_drawn_in_equal_shares_of_each_decade():
    space = Space({"x": Floats(1e-4, 1.0, "log")})
    rng = draws.stream("log")
    values = [space.random(rng)["x"] for _ in range(2000)]
    assert 0.45 < sum(value < 1e-2 for value in values) / len(values) < 0.55


def test_mutants_of_ordered_parameters_are_near():
    space = Space({"a": Integers(0, 12), "b": Powers(0, 12), "x": Floats(0.0, 1.0)})
    rng = draws.stream("near")
    start = {"a": 6, "b": 64, "x": 0.5}
    moved = [space.mutate(start, rng) for _ in range(3000)]
    hops = [abs(p["a"] - 6) for p in moved if p["a"] != 6]
    assert sum(hop == 1 for hop in hops) > 0.6 * len(hops)
    doubled = [p["b"] for p in moved if p["b"] != 64]
    assert sum(b in (32, 128) for b in doubled) > 0.6 * len(doubled)
    strides = [abs(p["x"] - 0.5) for p in moved if p["x"] != 0.5]
    assert sorted(strides)[len(strides) // 2] < 0.1
    assert max(strides) > 0.2


def test_mutants_at_the_end_of_a_range_come_back_or_stay_inside():
    space = Space({"a": Integers(0, 3), "x": Floats(0.0, 1.0)})
    rng = draws.stream("end")
    for _ in range(300):
        point = space.mutate({"a": 3, "x": 1.0}, rng, 2)
        assert 0 <= point["a"] < 3
        assert 0.0 <= point["x"] < 1.0


def test_mutants_of_a_choice_are_any_other_value():
    space = Space({"a": Choices(["p", "q", "r", "s"])})
    rng = draws.stream("choice")
    assert {space.mutate({"a": "q"}, rng)["a"] for _ in range(200)} == {"p", "r", "s"}


def test_a_mutant_has_values_for_what_became_active():
    space = space_of(SPEC)
    rng = draws.stream("switch")
    mutants = [space.mutate({"inverse": "ladder", "heads": 1}, rng) for _ in range(200)]
    assert {tuple(sorted(point)) for point in mutants} >= {
        ("block", "heads", "inverse"),
        ("block", "heads", "inverse", "order"),
    }
    assert not any(space.check(point) for point in mutants)


def test_a_cross_takes_from_either_parent():
    space = space_of(SPEC)
    rng = draws.stream("cross")
    first = {"inverse": "ladder", "heads": 1}
    second = {"inverse": "neumann", "block": 16, "order": 3, "heads": 8}
    children = [space.cross(first, second, rng) for _ in range(100)]
    assert {(p["inverse"], p["heads"]) for p in children} == {
        (inverse, heads) for inverse in ("ladder", "neumann") for heads in (1, 8)
    }
    assert {p.get("order") for p in children} == {None, 3}


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"a": {"b": [1]}, "b": {"a": [1]}}, "circle"),
        ({"a": {"a": [1]}}, "circle"),
        ({"a": {"zz": [1]}}, "a depends on zz"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(when: dict, words: str):
    with pytest.raises(SpaceError, match=words):
        Space({"a": Choices([1, 2]), "b": Choices([1, 2])}, when)


def test_the_order_of_points_does_not_hang_on_the_hash_seed():
    program = (
        "from engine.core.domains import Choices; from engine.core.space import Space\n"
        "names = ['north', 'east', 'south', 'west']\n"
        "when = {'deep': {'north': ['a'], 'east': ['b']}, 'low': {'south': ['a', 'c']}}\n"
        "sets = {name: Choices(['a', 'b', 'c']) for name in [*names, 'deep', 'low']}\n"
        "print(list(Space(sets, when).enumerate()))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
    assert printed != {""}
