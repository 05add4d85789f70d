"""The agent llm: how its program is started, and what failures of a service mean."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.agents.llm import Llm, missing_library, name_of
from engine.agents.llm_failures import ended_by
from engine.agents.protocol import AgentMissingError, AgentTask
from engine.checks.preflight import missing
from engine.core.campaign.load import load_campaign
from engine.core.parts import AgentOutcome


def task(folder: Path, **more: Any) -> AgentTask:
    paths = {"prompt": folder / "prompt.md", "tree": folder, "folder": folder, "home": folder}
    return AgentTask(**paths, env={"OPENAI_API_KEY": "k"}, **more)


def test_its_program_is_told_the_model_the_effort_and_the_form(tmp_path: Path) -> None:
    wanted = task(
        tmp_path,
        model="openai:gpt-5.5",
        effort="high",
        answer_schema=tmp_path / "s.json",
        network=True,
        options=("--max-tokens", "900"),
    )
    launch = Llm(library="json").launch(wanted)
    words = " ".join(launch.argv[1:])
    assert words == (
        f"-P -m engine.agents.llm_program --model openai:gpt-5.5 --effort high --schema "
        f"{tmp_path / 's.json'} --web-search --max-tokens 900"
    )
    assert launch.env["OPENAI_API_KEY"] == "k"
    assert "k" not in launch.argv


def test_without_its_library_the_command_that_installs_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(AgentMissingError) as caught:
        Llm(library="no_such_library").launch(task(tmp_path, model="openai:m"))
    assert "no_such_library, which is not installed" in str(caught.value)
    assert "-m pip install 'pydantic-ai-slim[openai,anthropic]'" in str(caught.value)


def test_without_a_model_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(AgentMissingError, match="needs a model"):
        Llm(library="json").launch(task(tmp_path))


@pytest.mark.parametrize(
    ("model", "name"), [("openai:gpt-5.5", "gpt-5.5"), ("a:b:c", "b:c"), ("bare", "bare")]
)
def test_prices_are_known_by_the_models_own_name(model: str, name: str) -> None:
    assert name_of(model) == name


class Failed(Exception):
    """As the clients of services raise it."""

    def __init__(self, words: str, status_code: int | None, headers: dict[str, str]) -> None:
        super().__init__(words)
        self.status_code = status_code
        self.response = type("Response", (), {"headers": headers})()


class UserError(RuntimeError):
    """As the library calls what was asked wrongly."""


PLAN = {"Anthropic-RateLimit-Unified-Status": "rejected"}


@pytest.mark.parametrize(
    ("error", "outcome", "retry_at"),
    [
        (Failed("invalid API key", 401, {}), "login", None),
        (Failed("forbidden", 403, {}), "login", None),
        (RuntimeError("the api_key client option must be set"), "login", None),
        (Failed("rate limit", 429, {"retry-after": "7"}), "unreachable", None),
        (Failed("insufficient_quota", 429, {}), "limited", None),
        (Failed("usage_limit_reached", 429, {"retry-after": "7"}), "limited", 107.0),
        (Failed("usage_limit_reached, 'resets_at': 2000000000", 429, {}), "limited", 2e9),
        (Failed("slow", 429, PLAN | {"anthropic-ratelimit-unified-reset": "12"}), "limited", 12.0),
        (Failed("internal", 500, {}), "unreachable", None),
        (Failed("overloaded", 529, {}), "unreachable", None),
        (Failed("timeout", 408, {}), "unreachable", None),
        (Failed("no such model", 404, {}), "crashed", None),
        (Failed("bad schema", 400, {}), "crashed", None),
        (ConnectionError("connection refused"), "unreachable", None),
        (ExceptionGroup("streams", [Failed("invalid", 401, {})]), "login", None),
        (json.JSONDecodeError("Expecting value", "x", 0), "unreachable", None),
        (UserError("no such setting"), "crashed", None),
        (ValueError("gpt: write openai:NAME"), "crashed", None),
    ],
    ids=repr,
)
def test_what_a_failure_means(
    error: Exception, outcome: AgentOutcome, retry_at: float | None
) -> None:
    ended = ended_by(error, now_s=100.0)
    assert (ended.outcome, ended.retry_at) == (outcome, retry_at)
    assert ended.detail


def test_what_caused_a_failure_counts_and_its_words_are_cut() -> None:
    try:
        try:
            raise Failed("usage limit " + "x" * 9000, 429, {"retry-after": "5"})
        except Failed as cause:
            raise RuntimeError("the call failed") from cause
    except RuntimeError as error:
        ended = ended_by(error, now_s=1.0)
    assert (ended.outcome, ended.retry_at) == ("limited", 6.0)
    assert len(ended.detail) <= 500


CAMPAIGN = """\
campaign: bowl
metric: {name: loss, direction: min}
space: {x: {int: [0, 9]}}
baseline: {x: 1}
mentor: {agent: llm, model: "MODEL", env: {secret: [SOME_KEY]}}
budget: {usd: 1}
checks: [{name: bench, run: "true", reports: [loss]}]
"""


@pytest.mark.parametrize(
    ("model", "unknown"), [("openai:gpt-5.5", False), ("openai:of-nobody", True)]
)
def test_a_budget_in_dollars_needs_a_price(tmp_path: Path, model: str, *, unknown: bool) -> None:
    path = tmp_path / "bowl.yaml"
    path.write_text(CAMPAIGN.replace("MODEL", model))
    told = missing(load_campaign(path), {"PATH": "/usr/bin:/bin", "SOME_KEY": "k"})
    assert any("the price of of-nobody is not known" in each for each in told) == unknown
    lacking = any("which is not installed" in each for each in told)
    assert lacking == bool(missing_library())
