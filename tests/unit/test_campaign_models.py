"""The models of a campaign file: defaults, and what the rest of the engine asks of them."""

from typing import Any

import pytest
from pydantic import ValidationError

from engine.core.campaign.checks import CheckSpec, JsonMetric, RegexMetric
from engine.core.campaign.environment import InterpreterEnvironment, UvEnvironment, VenvEnvironment
from engine.core.campaign.load import campaign_from_document
from engine.core.campaign.models import Campaign, MetricSpec, StopSpec
from engine.core.campaign.parameters import IntParameter, active_names, condition_cycle
from engine.core.campaign.proposers import EvolutionSpec
from engine.core.events import Limits
from engine.core.metric import Gain, Metric


def small(**more: Any) -> Campaign:
    """The smallest campaign, with some keys changed."""
    document: dict[str, Any] = {
        "campaign": "bowl",
        "metric": {"name": "loss", "direction": "min"},
        "space": {"x": {"choices": [1, 2]}},
        "baseline": {"x": 1},
        "checks": [{"name": "run", "run": "{python} x.py", "reports": ["loss"]}],
    }
    return campaign_from_document(document | more)


def check(**keys: Any) -> CheckSpec:
    return CheckSpec.model_validate({"name": "c", "run": "true"} | keys)


def test_defaults() -> None:
    campaign = small()
    assert campaign.environment == InterpreterEnvironment(interpreter="path")
    assert (campaign.seed, campaign.root, campaign.slots) == (0, ".", 1)
    assert campaign.proposers == (EvolutionSpec(slots=1, explore=0.5, parents=10),)
    one = campaign.checks[0]
    assert (one.deadline_s, one.idle_s, one.exit, one.fails_as) == (600.0, None, (0,), "incorrect")
    assert (one.on_fail, one.retries, one.backoff_s) == (None, 0, 20.0)
    assert campaign.workspace is None
    assert campaign.policy.max_failures is None
    assert campaign.to_limits() == Limits(failures=25)


def test_a_campaign_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        small().seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "gain"),
    [
        ("0.1%", Gain(amount=0.001, relative=True)),
        ("5 %", Gain(amount=0.05, relative=True)),
        (0.25, Gain(amount=0.25)),
        (2, Gain(amount=2.0)),
    ],
)
def test_the_smallest_gain_is_a_share_or_an_amount(given: object, gain: Gain) -> None:
    spec = MetricSpec.model_validate({"name": "a", "direction": "max", "min_gain": given})
    assert spec.to_metric() == Metric(name="a", direction="max", min_gain=gain)


@pytest.mark.parametrize("given", ["5", "-1%", "%", "1.2.3%", -1, True, float("nan"), None, [1]])
def test_what_is_no_gain_is_refused(given: object) -> None:
    with pytest.raises(ValidationError, match=r"0\.1%"):
        MetricSpec.model_validate({"name": "a", "direction": "max", "min_gain": given})


def test_stop_rules_become_limits() -> None:
    rules = {"iterations": 5, "for": "2h", "plateau": 3, "failures": 4, "target": "met"}
    assert StopSpec.model_validate(rules).to_limits() == Limits(
        iterations=5, for_s=7200.0, plateau=3, failures=4, stop_at_target=True
    )


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"run": "python  'a b' c"}, ("python", "a b", "c")),
        ({"run": "{python} -m x"}, ("{python}", "-m", "x")),
        ({"run": ["python", "a b"]}, ("python", "a b")),
        ({"run": "a | b", "shell": True}, ("a | b",)),
    ],
)
def test_a_command_has_words(keys: dict[str, Any], words: tuple[str, ...]) -> None:
    assert check(**keys).words() == words


def test_a_check_must_report_what_it_lists_and_what_is_read() -> None:
    one = check(
        reports=["a", "b"], metrics={"b": {"regex": "(x)"}, "c": {"json": "f", "path": "p"}}
    )
    assert one.must_report() == ("a", "b", "c")
    assert isinstance(one.metrics["b"], RegexMetric)
    assert isinstance(one.metrics["c"], JsonMetric)


def test_variables_of_a_check_win_over_those_of_the_campaign() -> None:
    campaign = small(
        env={"set": {"A": 1, "B": "b"}, "pass": ["C"], "secret": ["D"]},
        checks=[
            {
                "name": "run",
                "run": "true",
                "reports": ["loss"],
                "env": {"set": {"A": "2", "C": "c"}, "pass": ["D", "E"]},
            }
        ],
    )
    merged = campaign.env_of(campaign.checks[0])
    assert merged.set == {"A": "2", "B": "b", "C": "c"}
    assert (merged.pass_, merged.secret) == (("D", "E"), ())


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"interpreter": "own"}, InterpreterEnvironment),
        ({}, InterpreterEnvironment),
        ({"venv": {"requirements": "r.txt", "interpreter": "python3.12"}}, VenvEnvironment),
        ({"uv": {"requirements": "r.txt", "python": "3.12"}}, UvEnvironment),
    ],
)
def test_environments(environment: dict[str, Any], kind: type) -> None:
    assert isinstance(small(environment=environment).environment, kind)


@pytest.mark.parametrize(
    ("parameter", "allowed", "refused"),
    [
        ({"int": [1, 8], "step": "power2"}, [1, 2, 4, 8], [0, 3, 16, 2.0, True, "2"]),
        ({"int": [3, 20], "step": "power2"}, [4, 8, 16], [3, 20, 2]),
        ({"int": [1, 8], "step": 3}, [1, 4, 7], [2, 8, 10]),
        ({"int": [-3, 3]}, [-3, 0, 3], [-4, 4]),
        ({"float": [0, 1]}, [0, 1, 0.5], [-0.1, 1.1, True, "0.5", float("nan")]),
        ({"choices": [64, True, "a", 0.5]}, [64, 64.0, True, "a", 0.5], [1, "64", 65, False]),
    ],
)
def test_values_of_parameters(
    parameter: dict[str, Any], allowed: list[Any], refused: list[Any]
) -> None:
    spec = small(
        space={"x": {"choices": [1, 2]}, "p": parameter}, baseline={"x": 1, "p": allowed[0]}
    )
    problem = spec.space["p"].problem
    assert [problem(value) for value in allowed] == [None] * len(allowed)
    assert all(problem(value) for value in refused)


def test_conditions_hold_only_along_active_parameters() -> None:
    space = small(
        space={
            "x": {"choices": [1, 2]},
            "y": {"choices": [1, 2], "when": {"x": 1}},
            "z": {"choices": [1, 2], "when": {"y": [1, 2]}},
        },
        baseline={"x": 2},
    ).space
    assert active_names(space, {"x": 1, "y": 2}) == {"x", "y", "z"}
    assert active_names(space, {"x": 2, "y": 2}) == {"x"}
    assert active_names(space, {"x": 1}) == {"x", "y"}


def test_a_circle_of_conditions_is_found_among_many_parameters() -> None:
    """Each parameter depends on all before it: without memory this would take 2**60 steps."""
    space = {
        f"p{number}": IntParameter.model_validate(
            {"int": [0, 1], "when": {f"p{other}": 1 for other in range(number)}}
        )
        for number in range(60)
    }
    assert condition_cycle(space) == []
    assert active_names(space, dict.fromkeys(space, 1)) == set(space)
    first = IntParameter.model_validate({"int": [0, 1], "when": {"p59": 1}})
    assert condition_cycle(space | {"p0": first}) == ["p0", "p59", "p0"]


def test_the_space_is_in_the_order_of_names() -> None:
    campaign = small(space={"x": {"choices": [1]}, "a": {"int": [1, 2]}}, baseline={"x": 1, "a": 1})
    assert list(campaign.space) == ["a", "x"]
    assert list(campaign.baseline) == ["a", "x"]
