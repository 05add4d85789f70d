"""The flags of `run`, and the campaign keys that they stand for."""

from pathlib import Path
from typing import Any, get_args

import click
import pytest

from engine.cli.flags import overrides_of, quoted
from engine.cli.groups import InGroup
from engine.cli.main_run import run
from engine.core.campaign.load import load_campaign
from engine.core.campaign.models import Campaign
from engine.core.campaign.policy import PolicySpec
from engine.core.campaign.problems import CampaignError
from engine.core.campaign.proposers import AgentSpec, TextDirective
from engine.core.campaign.workspace import WorkspaceSpec
from engine.core.campaign.yamltree import parse_yaml

CODE = """\
campaign: code
workspace: {repo: .}
metric: {name: score, direction: min}
proposers: [{kind: agent, agent: codex, directives: [matmul-batching]}]
checks: [{name: score, run: "true", reports: [score]}]
"""


def options(*words: str) -> dict[str, Any]:
    """What click makes of the words."""
    with run.make_context("run", ["campaign.yaml", *words]) as context:
        return context.params


def campaign(folder: Path, *words: str, text: str = CODE) -> Campaign:
    """The campaign of the file, under these flags."""
    path = folder / "campaign.yaml"
    path.write_text(text)
    return load_campaign(path, overrides_of(options(*words))).campaign


def agent(folder: Path, *words: str) -> AgentSpec:
    """Its agent."""
    (spec,) = campaign(folder, *words).proposers
    assert isinstance(spec, AgentSpec)
    return spec


def test_without_flags_nothing_is_overridden() -> None:
    assert overrides_of(options()) == ()


def test_flags_of_the_agent(tmp_path: Path) -> None:
    spec = agent(
        tmp_path, "--agent", "claude", "--model", "opus: 5", "--effort", "xhigh", "--retries", "4",
        "--retry-sleep", "1m", "--agent-timeout", "45m", "--agent-idle-timeout", "90s",
    )  # fmt: skip
    assert (spec.agent, spec.model, spec.effort) == ("claude", "opus: 5", "xhigh")
    assert (spec.retries, spec.backoff_s) == (4, 60.0)
    assert (spec.deadline_s, spec.idle_s) == (2700.0, 90.0)


def test_a_search_can_be_given_an_agent(tmp_path: Path) -> None:
    text = CODE.replace(
        "proposers: [{kind: agent, agent: codex, directives: [matmul-batching]}]\n", ""
    )
    (spec,) = campaign(tmp_path, "--agent", "codex", "--model", "m", text=text).proposers
    assert isinstance(spec, AgentSpec)
    assert (spec.agent, spec.model) == ("codex", "m")


def test_directives_are_appended_to_those_of_the_file(tmp_path: Path) -> None:
    text = 'Solve: {it} "now"\n\tby #2 \x85 größer \U0001f600'
    spec = agent(
        tmp_path, "--directive", text, "--directive", "two", "--directive-file", "notes/a.md",
        "--directive-preset", "triangular-inversion",
    )  # fmt: skip
    assert spec.directives == (
        "matmul-batching",
        "triangular-inversion",
        str(Path("notes/a.md").absolute()),
        TextDirective(text=text),
        TextDirective(text="two"),
    )


def test_a_path_is_meant_from_where_the_person_stands(tmp_path: Path) -> None:
    assert agent(tmp_path, "--prompt-file", "p.md").prompt == str(Path("p.md").absolute())


def test_post_checks_are_appended(tmp_path: Path) -> None:
    text = CODE + "post_checks: [{name: suite, run: 'true'}]\n"
    found = campaign(
        tmp_path, "--post-check", "pytest -k 'a b'", "--post-check", "lint", "--post-check-retries",
        "2", "--post-check-policy", "fail", text=text,
    )  # fmt: skip
    assert [(check.name, check.words(), check.retries) for check in found.post_checks] == [
        ("suite", ("true",), 0),
        ("post-check-1", ("pytest", "-k", "a b"), 2),
        ("post-check-2", ("lint",), 2),
    ]
    assert found.policy.post_checks == "fail"


def test_retries_without_a_post_check_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        overrides_of(options("--post-check-retries", "2"))
    assert ended.value.code == 2
    assert "goes with --post-check" in capsys.readouterr().err


def test_flags_of_failures_and_of_the_repository(tmp_path: Path) -> None:
    found = campaign(
        tmp_path, "--resilient", "--max-failures", "7", "--no-commit-policy", "allow",
        "--iteration-error-policy", "continue", "--dirty-policy", "stash",
        "--stash-restore-policy", "fail", "--sync-main-policy", "each-iteration",
        "--sync-main-remote", "up", "--sync-main-branch", "trunk",
        "--sync-main-conflict-policy", "skip",
    )  # fmt: skip
    policy, workspace = found.policy, found.workspace
    assert (policy.resilient, policy.max_failures) == (True, 7)
    assert (policy.no_commit, policy.errors) == ("allow", "continue")
    assert workspace is not None
    assert (workspace.dirty, workspace.restore, workspace.sync) == ("stash", "fail", "each")
    assert (workspace.sync_remote, workspace.sync_branch) == ("up", "trunk")
    assert workspace.sync_conflict == "skip"


def test_a_flag_wins_over_set(tmp_path: Path) -> None:
    spec = agent(tmp_path, "--model", "b", "--set", "proposers.agent.model=a")
    assert spec.model == "b"


def test_a_flag_that_makes_no_sense_is_told_as_any_mistake(tmp_path: Path) -> None:
    with pytest.raises(CampaignError) as caught:
        campaign(tmp_path, "--agent-timeout", "soon")
    assert '--set proposers.agent.deadline="soon": ' in str(caught.value)


@pytest.mark.parametrize(
    ("flag", "model", "key"),
    [
        ("no_commit_policy", PolicySpec, "no_commit"),
        ("iteration_error_policy", PolicySpec, "errors"),
        ("post_check_policy", PolicySpec, "post_checks"),
        ("dirty_policy", WorkspaceSpec, "dirty"),
        ("stash_restore_policy", WorkspaceSpec, "restore"),
        ("sync_main_conflict_policy", WorkspaceSpec, "sync_conflict"),
    ],
)
def test_a_flag_offers_what_the_campaign_knows(
    flag: str, model: type[PolicySpec | WorkspaceSpec], key: str
) -> None:
    (option,) = (each for each in run.params if each.name == flag)
    assert isinstance(option.type, click.Choice)
    assert set(option.type.choices) == set(get_args(model.model_fields[key].annotation))


def test_every_flag_of_a_group_does_something() -> None:
    """A flag without effect would be found out in the night."""
    for option in run.params:
        if isinstance(option, InGroup):
            value = _value(option)
            words = [option.opts[0]] if value is None else [option.opts[0], value]
            if option.opts[0] == "--post-check-retries":
                words += ["--post-check", "true"]
            assert overrides_of(options(*words)), option.opts


def _value(option: click.Option) -> str | None:
    if option.is_flag:
        return None
    return option.type.choices[0] if isinstance(option.type, click.Choice) else "1"


@pytest.mark.parametrize(
    "text", ["", "a", 'a"b\\c', "{x: [1", "- #no\n\n", "\x00\x1b\x7f\x85\u2028", "größer 😀", "'"]
)
def test_a_quoted_text_is_itself(text: str) -> None:
    parsed = parse_yaml(quoted(text), option="--set")
    assert (parsed.problems, parsed.data) == ([], text)


def test_an_override_appends_to_a_list_or_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(CODE)
    found = load_campaign(path, ["workspace.link+=data", "workspace.link+=more"]).campaign
    assert found.workspace is not None
    assert found.workspace.link == ("data", "more")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("campaign+=x", "campaign holds no list; set campaign itself, with ="),
        ("+=x", "is not key=value"),
        ("checks.score.reports+=[a", "this [ is not closed"),
        ("post_checks+={name: score, run: x}", "score"),
    ],
)
def test_what_cannot_be_appended_is_named(override: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(CODE)
    with pytest.raises(CampaignError) as caught:
        load_campaign(path, [override])
    assert f"--set {override}: " in str(caught.value)
    assert said in str(caught.value)
