"""Campaigns of code: agents, workspaces, policies and budgets."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.core.campaign.judge import judge
from engine.core.campaign.load import LoadedCampaign, campaign_from_document, load_campaign
from engine.core.campaign.models import Campaign
from engine.core.campaign.problems import CampaignError
from engine.core.campaign.proposers import AgentSpec, EvolutionSpec, TextDirective
from engine.core.campaign.workspace import WorkspaceSpec
from engine.core.events import Limits

LATE: dict[str, Any] = {"name": "suite", "run": "true"}


def code(**more: Any) -> Campaign:
    """The smallest campaign of code, with some keys changed."""
    return campaign_from_document(document(**more))


def document(**more: Any) -> dict[str, Any]:
    return {
        "campaign": "code",
        "workspace": {},
        "metric": {"name": "ms", "direction": "min"},
        "proposers": [{"kind": "agent", "agent": "codex"}],
        "checks": [{"name": "bench", "run": "true", "reports": ["ms"]}],
    } | more


def agent(**keys: Any) -> AgentSpec:
    """The agent of such a campaign, as it comes back from a stored document."""
    kept = code(proposers=[{"kind": "agent", "agent": "codex"} | keys]).document()
    (spec,) = campaign_from_document(json.loads(json.dumps(kept))).proposers
    assert isinstance(spec, AgentSpec)
    return spec


def told(**more: Any) -> list[str]:
    return [finding.message for finding in judge(document(**more))[1]]


def test_defaults_of_an_agent() -> None:
    spec = agent()
    assert (spec.slots, spec.model, spec.prompt, spec.network) == (1, None, None, False)
    assert (spec.deadline_s, spec.idle_s, spec.retries, spec.backoff_s) == (7200.0, 900.0, 2, 20.0)
    assert (spec.answer, spec.shortlist, spec.escalate_below) == ("optional", 3, 0.03)
    assert (spec.options, spec.directives, spec.words()) == ((), (), ())


def test_a_campaign_of_code_needs_no_space() -> None:
    campaign = code()
    assert (campaign.space, campaign.baseline, campaign.slots) == ({}, {}, 1)
    assert campaign.workspace == WorkspaceSpec()
    assert code(space={"x": {"choices": [1]}}, baseline={"x": 1}).space


def test_an_agent_may_have_a_space_and_then_needs_its_baseline() -> None:
    assert told(space={"x": {"choices": [1]}}) == [
        "'baseline' is missing: the parameters of iteration 1"
    ]


@pytest.mark.parametrize(
    ("proposers", "workspace", "expected"),
    [
        ([{"kind": "evolution"}], {}, ["'space' is missing", "'baseline' is missing"]),
        ([{}], {}, ["'space' is missing", "'baseline' is missing"]),
        ([{"kind": "agent", "agent": "codex"}], None, ["workspace has no value"]),
        ([{"kind": "agent", "agent": "codex"}], {}, []),
        ([{"agent": "codex"}], {}, ["'kind' is missing in proposers.0"]),
        ([{"kind": "llm", "model": "x"}], {}, ["proposers.0: kind is 'llm'"]),
        ([{"kind": 5}], {}, ["proposers.0.kind must be"]),
        (["agent"], {}, ["proposers.0: must be a mapping"]),
        ([], {}, ["proposers must not be empty"]),
    ],
)
def test_who_proposes_decides_what_is_needed(
    proposers: object, workspace: object, expected: list[str]
) -> None:
    found = told(proposers=proposers, workspace=workspace)
    assert len(found) == len(expected), found
    for message, beginning in zip(found, expected, strict=True):
        assert message.startswith(beginning)


def test_an_agent_needs_a_workspace() -> None:
    given = document()
    del given["workspace"]
    (finding,) = judge(given)[1]
    assert finding.place == ("proposers", 0, "kind")
    assert finding.fix == "add workspace: {repo: .}"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("my-agent 'a b' {prompt}", ("my-agent", "a b", "{prompt}")),
        (["my-agent", "a b"], ("my-agent", "a b")),
    ],
)
def test_a_command_of_an_agent_has_words(command: object, words: tuple[str, ...]) -> None:
    assert agent(agent="command", command=command).words() == words


@pytest.mark.parametrize(
    ("keys", "sound"),
    [
        ({"agent": "my.agents:make", "command": "x", "script": "y"}, True),
        ({"agent": "my.agents.Mine"}, False),
        ({"agent": "agents:Mine"}, True),
        ({"agent": "my.agents:"}, False),
        ({"agent": "my agents:make"}, False),
        ({"agent": "acp", "command": "x"}, True),
        ({"agent": "acp"}, False),
        ({"agent": "scripted", "script": "s.yaml"}, True),
        ({"agent": "scripted", "script": "s.yaml", "command": "x"}, False),
        ({"agent": "command", "command": "x", "script": "s.yaml"}, False),
        ({"agent": "claude", "command": "x"}, False),
        ({"agent": "Codex"}, False),
        ({"agent": "command", "command": "awk '{print $1} {sum}'"}, True),
        ({"agent": "command", "command": "x {python}"}, False),
        ({"agent": "codex", "directives": ["a-b", "a/b c", "a b.md", {"text": "a b"}]}, True),
        ({"agent": "codex", "directives": ["a b"]}, False),
        ({"agent": "codex", "directives": ["a", "a"]}, False),
        ({"agent": "codex", "env": {"pass": ["A"], "secret": ["A"]}}, False),
    ],
)
def test_which_agents_are_in_order(keys: dict[str, Any], *, sound: bool) -> None:
    assert (told(proposers=[{"kind": "agent"} | keys]) == []) is sound


def test_directives_keep_their_forms_and_their_order() -> None:
    given = ["b-preset", {"text": "keep it", "title": "it"}, "notes/a.md"]
    assert agent(directives=given).directives == (
        "b-preset",
        TextDirective(text="keep it", title="it"),
        "notes/a.md",
    )


@pytest.mark.parametrize("keys", [{"prompt": "a\0b"}, {"directives": ["x/\0y"]}, {"model": "\0"}])
def test_names_that_no_file_can_have_are_refused(keys: dict[str, Any]) -> None:
    (message,) = told(proposers=[{"kind": "agent", "agent": "codex"} | keys])
    assert message.endswith("holds a character that no path and no argument can hold")


@pytest.mark.parametrize(
    ("written", "share", "kept"),
    [("3%", 0.03, "3%"), ("2.5 %", 0.025, "2.5%"), ("0%", 0.0, "0%"), ("100%", 1.0, "100%"),
     ("0.10000001%", 0.0010000001, "0.10000001%"), ("7%", 0.07, "7%"), ("29%", 0.29, "29%")],
)  # fmt: skip
def test_a_share_is_written_as_a_percentage(written: str, share: float, kept: str) -> None:
    spec = agent(escalate_below=written)
    assert spec.escalate_below == share
    assert spec.model_dump(mode="json")["escalate_below"] == kept


@pytest.mark.parametrize("written", [0.03, 3, "3", "-3%", "3%%", "three%", True, None, ""])
def test_what_is_no_share_is_refused(written: object) -> None:
    assert (
        len(told(proposers=[{"kind": "agent", "agent": "codex", "escalate_below": written}])) == 1
    )


@pytest.mark.parametrize(
    ("written", "tokens"),
    [(1, 1), ("8M", 8_000_000), ("500k", 500_000), ("1.5M", 1_500_000), ("0.0015M", 1500)],
)
def test_tokens_are_a_number_or_one_with_a_unit(written: object, tokens: int) -> None:
    campaign = code(budget={"tokens": written})
    assert campaign.budget.tokens == tokens
    assert campaign.document()["budget"]["tokens"] == tokens


@pytest.mark.parametrize(
    "written", [0, -1, 1.5, True, "8m", "8", "k", "0k", "1e6", "0.0001k", "9" * 30 + "M", [1]]
)
def test_what_is_no_number_of_tokens_is_refused(written: object) -> None:
    assert told(budget={"tokens": written}) == ["budget.tokens: must be a number of tokens"]


def test_what_ends_a_run_by_itself_becomes_limits() -> None:
    campaign = code(
        stop={"iterations": 9, "failures": 4},
        policy={"max_failures": 0},
        budget={"usd": 40, "tokens": "8M", "per_iteration": {"usd": 1}},
    )
    assert campaign.to_limits() == Limits(
        iterations=9, failures=4, failures_in_all=0, usd=40.0, tokens=8_000_000
    )
    assert code().to_limits() == Limits(failures=25)


@pytest.mark.parametrize(
    ("part", "sound"),
    [({"usd": 40}, True), ({"usd": 40.5}, False), ({"tokens": "8M"}, True),
     ({"tokens": 8_000_001}, False), ({"minutes": 10**6}, True)],
)  # fmt: skip
def test_an_iteration_may_not_spend_more_than_the_run(part: dict[str, Any], *, sound: bool) -> None:
    found = told(budget={"usd": 40, "tokens": "8M", "per_iteration": part})
    assert (found == []) is sound
    assert told(budget={"per_iteration": part}) == []


def test_post_checks_come_last_and_only_for_what_would_be_promoted() -> None:
    dear = {"name": "dear", "run": "true", "when": "would_promote"}
    late = [LATE | {"when": "always"}, LATE | {"name": "b"}]
    campaign = code(checks=[*document()["checks"], dear], post_checks=late)
    assert [(check.name, check.when) for check in campaign.all_checks] == [
        ("bench", "always"),
        ("dear", "would_promote"),
        ("suite", "would_promote"),
        ("b", "would_promote"),
    ]
    assert campaign.all_checks[:2] == campaign.checks


def test_what_a_failure_means_is_the_checks_own_word_or_the_policys() -> None:
    campaign = code(
        checks=[*document()["checks"], {"name": "b", "run": "true", "on_fail": "fail"}],
        post_checks=[LATE, LATE | {"name": "c", "on_fail": "count-failure"}],
        policy={"on_fail": "continue", "post_checks": "fail"},
    )
    means = {check.name: campaign.on_fail_of(check) for check in campaign.all_checks}
    assert means == {"bench": "continue", "b": "fail", "suite": "fail", "c": "count-failure"}


STRICT: dict[str, Any] = {
    "workspace": {"dirty": "fail", "restore": "fail", "sync_conflict": "fail"},
    "proposers": [{"kind": "agent", "agent": "codex", "retries": 0}],
    "checks": [{"name": "bench", "run": "true", "reports": ["ms"], "on_fail": "fail"}],
    "post_checks": [LATE, LATE | {"name": "b", "retries": 5}],
    "policy": {
        "resilient": True,
        "no_commit": "fail",
        "on_fail": "fail",
        "post_checks": "fail",
        "errors": "fail",
        "max_failures": 3,
        "same_failure": 7,
    },
}


def test_resilient_is_one_switch_for_the_others() -> None:
    campaign = code(**STRICT).effective()
    policy, workspace = campaign.policy, campaign.workspace
    assert workspace is not None
    assert {policy.no_commit, policy.on_fail, policy.post_checks, policy.errors} == {
        "count-failure"
    }
    assert (policy.max_failures, policy.same_failure) == (None, 7)
    assert (workspace.dirty, workspace.restore, workspace.sync_conflict) == (
        "stash", "warn-keep", "skip",
    )  # fmt: skip
    (spec,) = campaign.proposers
    assert isinstance(spec, AgentSpec)
    assert spec.retries == 2
    assert [check.retries for check in campaign.all_checks] == [0, 2, 5]
    assert campaign.checks[0].on_fail == "fail"
    assert campaign.to_limits().failures_in_all is None
    assert campaign.effective() == campaign


def test_resilient_leaves_what_is_milder() -> None:
    mild = {"no_commit": "allow", "on_fail": "continue", "post_checks": "continue"}
    given = STRICT | {
        "workspace": {"dirty": "allow"},
        "proposers": [{"kind": "agent", "agent": "codex", "retries": 9}],
        "policy": {"resilient": True, "errors": "continue"} | mild,
    }
    campaign = code(**given).effective()
    policy, (spec,) = campaign.policy, campaign.proposers
    assert (policy.no_commit, policy.on_fail) == ("allow", "continue")
    assert (policy.post_checks, policy.errors) == ("continue", "continue")
    assert campaign.workspace is not None
    assert campaign.workspace.dirty == "allow"
    assert isinstance(spec, AgentSpec)
    assert spec.retries == 9


def test_without_resilient_a_campaign_is_carried_out_as_it_is_written() -> None:
    campaign = code(**STRICT | {"policy": STRICT["policy"] | {"resilient": False}})
    assert campaign.effective() is campaign


def test_resilient_suits_a_search_too() -> None:
    given = {"space": {"x": {"choices": [1]}}, "baseline": {"x": 1}, "proposers": [{"slots": 3}]}
    campaign = code(**given, policy={"resilient": True}).effective()
    assert campaign.proposers == (EvolutionSpec(slots=3),)


def test_the_document_keeps_what_was_written() -> None:
    kept = code(**STRICT).document()
    assert kept["policy"]["on_fail"] == "fail"
    assert kept["workspace"]["dirty"] == "fail"
    assert campaign_from_document(json.loads(json.dumps(kept))) == code(**STRICT)


@pytest.mark.parametrize(
    ("branch", "sound"),
    [("controlroom/{campaign}/{run}", True), ("main", True), ("a/b.c", True), ("{run}", True),
     ("{other}", False), ("-x", False), ("a b", False), ("a..b", False), ("a/", False),
     ("/a", False), ("a//b", False), ("a.lock", False), ("a.lock/b", False), (".a", False),
     ("a/.b", False), ("a.", False), ("a@{b", False), ("HEAD", False), ("@", False),
     ("a~1", False), ("a:b", False), ("a\\b", False), ("a[b", False), ("a\nb", False)],
)  # fmt: skip
def test_which_branches_git_accepts(branch: str, *, sound: bool) -> None:
    assert (told(workspace={"branch": branch}) == []) is sound


def test_a_branch_has_the_names_of_campaign_and_run() -> None:
    assert WorkspaceSpec().branch_of("code", "code-s0") == "controlroom/code/code-s0"
    assert WorkspaceSpec(branch="x").branch_of("code", "code-s0") == "x"


@pytest.mark.parametrize(
    ("key", "path", "sound"),
    [("link", "data/../data2", False), ("link", "data", True), ("link", ".", False),
     ("link", ".gitignore", True), ("link", ".git", False), ("link", "a\0b", False),
     ("keep", "/build", True), ("keep", "**/*.o", True), ("keep", "!.git/", False),
     ("keep", "//", False)],
)  # fmt: skip
def test_which_paths_are_the_repositorys(key: str, path: str, *, sound: bool) -> None:
    assert (told(workspace={key: [path]}) == []) is sound


def test_one_checkout_is_one_slot() -> None:
    two: list[dict[str, Any]] = [{"kind": "agent", "agent": "codex", "slots": 2}]
    assert told(workspace={"mode": "worktree"}, proposers=two) == []
    assert told(workspace={"mode": "in-place"}, proposers=two) == [
        "proposers.0.slots: 2 slots cannot work in one checkout"
    ]


TEXT = """\
campaign: code
root: ../src
workspace: {repo: ..}
metric: {name: ms, direction: min}
proposers: [{kind: agent, agent: scripted, script: play.yaml}]
checks: [{name: bench, run: "true", reports: [ms]}]
"""


def load(folder: Path, text: str = TEXT, *overrides: str) -> LoadedCampaign:
    for name in ("src", "configs"):
        (folder / name).mkdir(exist_ok=True)
    path = folder / "configs" / "code.yaml"
    path.write_text(text)
    return load_campaign(path, overrides)


def test_the_repository_is_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert (loaded.repo, loaded.root) == (tmp_path.resolve(), tmp_path.resolve() / "src")
    assert loaded.beside("play.yaml") == tmp_path.resolve() / "configs" / "play.yaml"
    assert load(tmp_path, TEXT, "root=..").root == loaded.repo


def test_a_search_in_a_folder_has_no_repository(tmp_path: Path) -> None:
    text = "campaign: c\nspace: {x: {choices: [1]}}\nbaseline: {x: 1}\n" + "\n".join(
        line for line in TEXT.splitlines() if line.startswith(("metric", "checks"))
    )
    assert load(tmp_path, text).repo is None


def test_root_must_lie_in_the_repository(tmp_path: Path) -> None:
    (tmp_path / "src-more").mkdir()
    for root, repo in (("..", "../src"), ("../src-more", "../src")):
        with pytest.raises(CampaignError, match="does not lie in the repository"):
            load(tmp_path, TEXT, f"root={root}", f"workspace.repo={repo}")


def test_a_link_that_leads_out_of_the_repository_does_not_lie_in_it(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "repo" / "src").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CampaignError, match="does not lie in the repository"):
        load(tmp_path, TEXT, "root=../repo/src", "workspace.repo=../repo")


def test_overrides_reach_the_agent_by_its_kind(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, TEXT, "proposers.agent.model=gpt-5.5", "policy.resilient=true",
        "budget.usd=5", "workspace.base=main", "proposers.agent.directives=[a-preset]",
    )  # fmt: skip
    (spec,) = loaded.campaign.proposers
    assert isinstance(spec, AgentSpec)
    assert (spec.model, spec.directives) == ("gpt-5.5", ("a-preset",))
    assert loaded.campaign.policy.resilient
    assert loaded.campaign.budget.usd == 5.0
