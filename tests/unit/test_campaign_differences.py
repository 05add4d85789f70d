"""What changed between two campaigns, and whether a person must consent."""

import copy
from typing import Any

import pytest

from engine.core.campaign.differences import differences

OLD: dict[str, Any] = {
    "campaign": "bowl",
    "seed": 0,
    "space": {"x": {"choices": [1, 2], "when": {}}},
    "proposers": [{"kind": "evolution", "slots": 2, "explore": 0.5}],
    "checks": [
        {"name": "lint", "run": "lint", "exit": [0]},
        {"name": "train", "run": "train", "exit": [0], "metrics": {}},
    ],
    "stop": {"iterations": 10, "failures": 25},
}


def changed(**more: Any) -> dict[str, Any]:
    return copy.deepcopy(OLD) | more


def told(new: dict[str, Any], old: dict[str, Any] = OLD) -> list[tuple[str, bool]]:
    return [(str(found), found.needs_consent) for found in differences(old, new)]


def test_equal_campaigns_do_not_differ() -> None:
    assert told(changed()) == []


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (changed(seed=1), [("seed: 0 -> 1", True)]),
        (changed(seed=False), [("seed: 0 -> false", True)]),
        (
            changed(executors={"tpu": {"slots": 2, "hosts": ["a"]}}),
            [('executors: (nothing) -> {"tpu":{"slots":2,"hosts":["a"]}}', True)],
        ),
        (changed(about="b"), [('about: (nothing) -> "b"', False)]),
        (
            changed(stop={"failures": 25, "plateau": 3}),
            [
                ("stop.iterations: 10 -> (nothing)", False),
                ("stop.plateau: (nothing) -> 3", False),
            ],
        ),
        (
            changed(proposers=[{"kind": "evolution", "slots": 4, "explore": 0.1}]),
            [
                ("proposers.evolution.slots: 2 -> 4", False),
                ("proposers.evolution.explore: 0.5 -> 0.1", True),
            ],
        ),
        (
            changed(space={"x": {"choices": [1, 2, 3], "when": {}}}),
            [("space.x.choices: [1,2] -> [1,2,3]", True)],
        ),
        (changed(checks=OLD["checks"][::-1]), [
            ('checks.order: ["lint","train"] -> ["train","lint"]', True),
        ]),
        (changed(checks=OLD["checks"][:1]), [
            (
                'checks.train: {"name":"train","run":"train","exit":[0],"metrics":{}}'
                " -> (nothing)",
                True,
            )
        ]),
        (
            changed(
                checks=[OLD["checks"][0], OLD["checks"][1] | {"exit": [0, 1], "metrics": {"a": 1}}]
            ),
            [
                ("checks.train.exit: [0] -> [0,1]", True),
                ("checks.train.metrics.a: (nothing) -> 1", True),
            ],
        ),
    ],
)  # fmt: skip
def test_what_changed_is_told_by_path(
    new: dict[str, Any], expected: list[tuple[str, bool]]
) -> None:
    assert told(new) == expected


CODE: dict[str, Any] = {
    "workspace": {"repo": ".", "base": "HEAD"},
    "proposers": [{"kind": "agent", "agent": "codex", "slots": 1, "directives": ["a", "b"]}],
    "policy": {"on_fail": "count-failure"},
    "budget": {"per_iteration": {}, "prices": {}},
}


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"budget": {"usd": 5, "per_iteration": {"tokens": 9}, "prices": {"m": {"input": 1}}}}, [
            ("budget.per_iteration.tokens: (nothing) -> 9", False),
            ('budget.prices.m: (nothing) -> {"input":1}', False),
            ("budget.usd: (nothing) -> 5", False),
        ]),
        ({"policy": {"on_fail": "continue", "max_failures": 3}}, [
            ('policy.on_fail: "count-failure" -> "continue"', True),
            ("policy.max_failures: (nothing) -> 3", False),
        ]),
        ({"policy": {"on_fail": "count-failure", "caps": {"infra": 4}}}, [
            ('policy.caps: (nothing) -> {"infra":4}', False),
        ]),
        ({"proposers": [CODE["proposers"][0] | {"slots": 4, "directives": [{"text": "c"}]}]}, [
            ("proposers.agent.slots: 1 -> 4", False),
            ('proposers.agent.directives: ["a","b"] -> [{"text":"c"}]', False),
        ]),
        ({"proposers": [CODE["proposers"][0] | {"agent": "claude", "model": "m"}]}, [
            ('proposers.agent.agent: "codex" -> "claude"', True),
            ('proposers.agent.model: (nothing) -> "m"', True),
        ]),
        ({"repair": {"install": True}}, [
            ('repair: (nothing) -> {"install":true}', True),
        ]),
        ({"workspace": {"repo": ".", "base": "main"}}, [
            ('workspace.base: "HEAD" -> "main"', True),
        ]),
        ({"post_checks": [{"name": "suite"}]}, [
            ('post_checks: (nothing) -> [{"name":"suite"}]', True),
        ]),
    ],
)  # fmt: skip
def test_what_may_change_in_a_campaign_of_code(
    new: dict[str, Any], expected: list[tuple[str, bool]]
) -> None:
    assert sorted(told(CODE | new, CODE)) == sorted(expected)


def test_the_values_of_a_difference() -> None:
    (found,) = differences(OLD, changed(seed=4))
    assert (found.path, found.old, found.new, found.needs_consent) == ("seed", 0, 4, True)


def test_a_list_is_not_a_mapping() -> None:
    assert told({"a": []}, {"a": {}}) == [("a: {} -> []", True)]


def test_what_is_measured_again_may_change() -> None:
    """It changes what is known of a verdict, and no verdict."""
    old = changed(referee={"error": "1%", "leaders": 1})
    new = changed(referee={"error": "2%", "leaders": 3, "baseline_every": 5})
    assert told(new, old) == [
        ('referee.error: "1%" -> "2%"', True),
        ("referee.leaders: 1 -> 3", False),
        ("referee.baseline_every: (nothing) -> 5", False),
    ]


def test_how_much_a_host_does_at_a_time_is_free_and_which_hosts_there_are_is_not() -> None:
    old = changed(executors={"tpu": {"slots": 1, "patience": "10m", "hosts": ["a"]}})
    new = changed(executors={"tpu": {"slots": 2, "patience": "5m", "hosts": ["a", "b"]}})
    assert {text.partition(":")[0]: consent for text, consent in told(new, old)} == {
        "executors.tpu.slots": False,
        "executors.tpu.patience": False,
        "executors.tpu.hosts": True,
    }
