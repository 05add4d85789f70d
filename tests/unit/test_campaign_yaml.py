"""YAML with positions: how scalars are read, where values stand, and that nothing crashes it."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.campaign.judge import judge
from engine.core.campaign.load import load_campaign
from engine.core.campaign.models import Campaign
from engine.core.campaign.problems import CampaignError, Problem
from engine.core.campaign.yamltree import parse_yaml

GOOD = """\
campaign: bowl
env: {set: {A: b}, pass: [C]}
metric: {name: loss, direction: min, min_gain: 0.1%, target: 0.5}
space:
  lr: {float: [1e-4, 1e-1], scale: log, digits: 3}
  layers: {int: [1, 8], step: power2}
  optimizer: {choices: [sgd, adam]}
  momentum: {float: [0, 0.99], when: {optimizer: sgd}}
baseline: {lr: 0.01, layers: 2, optimizer: adam}
proposers: [{kind: evolution, slots: 2}]
checks:
  - {name: lint, run: ["{python}", -V], tests: {passed: 3}, deadline: 1m, idle: 5s, exit: [0, 1]}
  - name: train
    run: "{python} train.py --lr {param.lr}"
    metrics: {loss: {regex: "l=(.*)"}, acc: {json: f.json, path: a.0}}
    failures: [{pattern: oom, class: infra}]
stop: {iterations: 200, for: 8h, target: met}
"""
CODE = """\
campaign: code
workspace: {repo: ., base: main, link: [data], keep: [build/, "!x"], sync: once}
metric: {name: ms, direction: min}
proposers:
  - kind: agent
    agent: command
    command: "my-agent '{prompt}' {tree}"
    model: gpt-5.5
    deadline: 45m
    env: {secret: [A_KEY]}
    escalate_below: 2.5%
    directives: [triangular-inversion, notes/x.md, {text: keep it, title: it}]
checks: [{name: bench, run: "true", reports: [ms], fails_as: compile, on_fail: fail, retries: 1}]
post_checks: [{name: suite, run: "true", backoff: 2m}]
policy: {resilient: true, no_commit: allow, max_failures: 9}
budget: {usd: 40, tokens: 8M, per_iteration: {tokens: 500k}, prices: {m: {input: 1, output: 2.5}}}
"""
GOODS = (GOOD, CODE)
DATA: tuple[dict[str, Any], ...] = tuple(parse_yaml(text).data for text in GOODS)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("False", False),
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("+7", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("08", "08"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("3.10", 3.1),
        ("'3.10'", "3.10"),
        ("-.inf", -math.inf),
        ("~", None),
        ("null", None),
        ("''", ""),
        ("!!str 5", "5"),
        ("99999999999999999999", "99999999999999999999"),
        ("=", "="),
    ],
)
def test_scalars_are_read_as_yaml_1_2_means_them(written: str, value: object) -> None:
    tree = parse_yaml(f"key: {written}")
    assert not tree.problems
    assert tree.data == {"key": value}
    assert type(tree.data["key"]) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parse_yaml("key: .nan").data["key"])


def test_keys_are_texts_as_they_are_written() -> None:
    assert parse_yaml("on: 1\n5: 2\n~: 3\n1.50: 4\n").data == {"on": 1, "5": 2, "~": 3, "1.50": 4}


def test_every_value_knows_its_place() -> None:
    tree = parse_yaml("a:\n  - x\n  - bb: {c: 1}\n")
    spots = {place: (spot.line, spot.column) for place, spot in tree.spots.items()}
    assert spots == {
        (): (1, 1),
        ("a",): (2, 3),
        ("a", 0): (2, 5),
        ("a", 1): (3, 5),
        ("a", 1, "bb"): (3, 9),
        ("a", 1, "bb", "c"): (3, 13),
    }
    assert (tree.spots["a", 1, "bb"].key_line, tree.spots["a", 1, "bb"].key_column) == (3, 5)
    assert tree.spots["a", 1, "bb", "c"].written == "1"


def test_aliases_and_merges() -> None:
    tree = parse_yaml(
        "a: &a {x: 1, y: [1]}\nb: *a\nc: {<<: *a, x: 2}\n"
        "d: {<<: [{z: 3, x: 4}, *a]}\ne: &e {<<: *a, w: 0}\nf: {<<: *e}\n'<<': 5\n"
    )
    assert not tree.problems
    assert tree.data == {
        "a": {"x": 1, "y": [1]},
        "b": {"x": 1, "y": [1]},
        "c": {"x": 2, "y": [1]},
        "d": {"z": 3, "x": 4, "y": [1]},
        "e": {"w": 0, "x": 1, "y": [1]},
        "f": {"w": 0, "x": 1, "y": [1]},
        "<<": 5,
    }
    assert tree.data["a"]["y"] is not tree.data["b"]["y"]


@pytest.mark.parametrize("text", ["a: {<<: 5}", "a: &a {<<: *a}", "a: &a\n  b: {<<: *a}"])
def test_merges_that_lead_nowhere_are_mistakes(text: str) -> None:
    problem, *_ = parse_yaml(text).problems
    assert problem.message in ("<< takes an alias of a mapping", "an alias that holds itself")


def test_aliases_that_multiply_are_stopped_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 12):
        copies = ", ".join([f"*a{number - 1}"] * 9)
        lines.append(f"a{number}: &a{number} [{copies}]")
    tree = parse_yaml("\n".join(lines))
    assert [problem.message for problem in tree.problems] == [
        "more than 20000 values, aliases counted"
    ]


def loads_or_tells(path: Path) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        load_campaign(path)
    except CampaignError as error:
        problems = error.problems or (Problem(line=0, column=0, message="", fix=""),)
    for problem in problems:
        assert problem.fix
        assert problem.line >= 1
        assert problem.column >= 1
        problem.render("file").encode()


@settings(max_examples=150, deadline=None)
@given(text=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_no_content_of_a_file_makes_it_crash(
    text: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text)
    loads_or_tells(path)


@settings(max_examples=250, deadline=None)
@given(
    good=st.sampled_from(GOODS),
    start=st.integers(0, max(map(len, GOODS))),
    removed=st.integers(0, 12),
    put=st.text("abkx01.:-{}[],&*!#'\" \n\t%e", max_size=8),
)
def test_no_slip_of_the_hand_makes_it_crash(
    good: str, start: int, removed: int, put: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "slip.yaml"
    path.write_text(good[:start] + put + good[start + removed :])
    loads_or_tells(path)


def places(value: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    below = [
        found
        for key, item in items
        for found in (
            places(item, (*above, key)) if isinstance(item, (dict, list)) else [(*above, key)]
        )
    ]
    return [above, *below] if above else below


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**60) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["lr", "loss", "{python}", "met", "log", "5s", "50%"])
    | st.sampled_from(["agent", "acp", "8k", "in-place", "a/b", "fail", "{run}"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["lr", "int", "name", "when", "json", "text", "kind", "agent", "usd"]),
        inner,
        max_size=3,
    ),
    max_leaves=6,
)  # fmt: skip


@pytest.mark.parametrize("data", DATA, ids=["space", "code"])
def test_what_the_slips_begin_from_is_in_order(data: dict[str, Any]) -> None:
    assert judge(data)[1] == []


@settings(max_examples=400, deadline=None)
@given(
    which=st.sampled_from(range(len(DATA))),
    changes=st.lists(st.tuples(st.floats(0, 0.999), JSON), min_size=1, max_size=3),
)
def test_any_data_is_a_campaign_or_has_findings(
    which: int, changes: list[tuple[float, Any]]
) -> None:
    data = copy.deepcopy(DATA[which])
    there = places(data)
    for share, value in changes:
        place = there[int(share * len(there))]
        node: Any = data
        try:
            for step in place[:-1]:
                node = node[step]
            node[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    campaign, findings = judge(data)
    assert (campaign is None) == bool(findings)
    if isinstance(campaign, Campaign):
        document = json.loads(json.dumps(campaign.document()))
        assert judge(document)[0] == campaign
