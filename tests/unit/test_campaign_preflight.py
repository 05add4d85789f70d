"""What a campaign of code lacks is named before its first iteration."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.checks.fingerprint import fingerprint
from engine.checks.preflight import missing
from engine.core.campaign.load import LoadedCampaign, load_campaign

PATH = {"PATH": os.environ["PATH"]}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A git repository; without a commit, which is none of the preflight's business."""
    made = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", made], check=True)
    return made


def load(folder: Path, agent: dict[str, Any] | None = None, **more: Any) -> LoadedCampaign:
    document = {
        "campaign": "code",
        "workspace": {},
        "environment": {"interpreter": "own"},
        "metric": {"name": "ms", "direction": "min"},
        "proposers": [{"kind": "agent", "agent": "codex"} | (agent or {})],
        "checks": [{"name": "bench", "run": "true", "reports": ["ms"]}],
    }
    path = folder / "code.yaml"
    path.write_text(yaml.safe_dump(document | more))
    return load_campaign(path)


def lacking(loaded: LoadedCampaign, environ: dict[str, str] = PATH, **more: Any) -> list[str]:
    """What is missing, paths cut short."""
    return [text.replace(str(loaded.repo), "REPO") for text in missing(loaded, environ, **more)]


def test_nothing_is_missing(repo: Path) -> None:
    assert lacking(load(repo)) == []


def test_a_search_without_a_workspace_lacks_no_repository(tmp_path: Path) -> None:
    path = tmp_path / "bowl.yaml"
    path.write_text(
        "campaign: bowl\nenvironment: {interpreter: own}\nmetric: {name: ms, direction: min}\n"
        "space: {x: {choices: [1]}}\nbaseline: {x: 1}\n"
        "checks: [{name: bench, run: 'true', reports: [ms]}]\n"
    )
    assert missing(load_campaign(path), PATH) == []


def test_the_repository_must_be_one(tmp_path: Path, repo: Path) -> None:
    none = "workspace: REPO is not the top folder of a git repository; correct `repo`, or make one:"
    (text,) = lacking(load(tmp_path))
    assert text.startswith(none)
    (repo / "below").mkdir()
    (text,) = lacking(load(repo / "below"))
    assert text.startswith(none)
    (tmp_path / ".git").write_text("something else\n")
    assert len(lacking(load(tmp_path))) == 1


def test_checkouts_whose_repository_is_elsewhere_count(tmp_path: Path, repo: Path) -> None:
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty"]
    subprocess.run([*commit, "-m", "first"], cwd=repo, check=True)
    linked = tmp_path / "linked"
    subprocess.run(["git", "worktree", "add", "-q", linked], cwd=repo, check=True)
    assert (linked / ".git").is_file()
    assert lacking(load(linked)) == []


def test_git_must_be_there(repo: Path, tmp_path: Path) -> None:
    found = lacking(load(repo), {"PATH": str(tmp_path)})
    assert "workspace: there is no git on PATH; install git 2.38 or newer" in found


def test_links_must_lead_to_something(repo: Path) -> None:
    (repo / "data").mkdir()
    (repo / "dangling").symlink_to("nowhere")
    assert lacking(load(repo, workspace={"link": ["data", "dangling", "a b"]})) == [
        "workspace: link: there is no a b in REPO; make it, or leave it out"
    ]


def test_one_checkout_takes_one_slot_whatever_the_command_line_says(repo: Path) -> None:
    loaded = load(repo, workspace={"mode": "in-place"})
    assert lacking(loaded, slots=1) == []
    assert lacking(loaded, slots=3) == [
        "workspace: mode in-place has one slot, not 3; use one, or mode: worktree"
    ]
    assert lacking(load(repo), slots=3) == []


def test_variables_of_the_agent_are_named(repo: Path) -> None:
    loaded = load(repo, {"env": {"pass": ["UNSET_A"], "secret": ["UNSET_B", "PIN", "KEY"]}})
    found = lacking(loaded, PATH | {"PIN": "123", "KEY": "long enough"})
    assert [text.partition(";")[0] for text in found] == [
        "agent codex: the variable UNSET_A is not set",
        "agent codex: the variable UNSET_B is not set",
        "agent codex: the secret PIN has fewer than 4 characters and could not be kept out of logs",
    ]
    assert "long enough" not in str(found)


def test_files_of_the_agent_are_named(repo: Path) -> None:
    given = {"prompt": "p.md", "directives": ["notes/x.md", "empty.md", {"text": " \n"}, "a.md"]}
    (repo / "empty.md").write_text("\n")
    (repo / "a.md").write_text("# A\nkeep the backend\n")
    found = lacking(load(repo, given))
    assert len(found) == 4
    assert found[0] == "agent codex: there is no prompt REPO/p.md; correct `prompt`"
    assert "REPO/notes/x.md" in found[1]
    assert "REPO/empty.md" in found[2]
    assert "empty" in found[3]


def test_a_preset_that_does_not_ship_is_named(repo: Path) -> None:
    (text,) = lacking(load(repo, {"directives": ["no-such-preset-at-all"]}))
    assert text.startswith("agent codex: no preset 'no-such-preset-at-all'")


def test_a_prompt_with_a_misspelt_place_is_named(repo: Path) -> None:
    (repo / "p.md").write_text("{{briefng}}\n")
    (text,) = lacking(load(repo, {"prompt": "p.md"}))
    assert "REPO/p.md" in text
    assert "briefng" in text
    (repo / "p.md").write_text("{{briefing}}\n")
    assert lacking(load(repo, {"prompt": "p.md"})) == []


def test_a_script_must_be_there_and_be_one(repo: Path) -> None:
    loaded = load(repo, {"agent": "scripted", "script": "play.yaml"})
    assert lacking(loaded) == [
        "agent scripted: there is no script REPO/play.yaml; correct `script`"
    ]
    (repo / "play.yaml").write_text("iterations: {2: [{dance: now}]}\n")
    (text,) = lacking(loaded)
    assert text.startswith("agent scripted: script ")
    assert "dance" in text
    (repo / "play.yaml").write_text("iterations: {2: [{say: hello}]}\n")
    assert lacking(loaded) == []


def test_the_program_of_a_command_must_be_there(repo: Path) -> None:
    for command, problem in (
        ("no-such-program x", "there is no program no-such-program on PATH; install it, or"),
        ("./agent.sh", "there is no program REPO/./agent.sh"),
        ("{tree}/agent.sh", ""),
        ("true", ""),
    ):
        found = lacking(load(repo, {"agent": "command", "command": command}))
        assert len(found) == bool(problem)
        assert problem in "".join(found).replace("REPO/agent.sh", "REPO/./agent.sh")


def test_slots_in_trees_of_their_own_share_no_files(repo: Path) -> None:
    reads = {"ms": {"json": "out.json", "path": "ms"}}
    checks = [{"name": "bench", "run": "true", "metrics": reads}]
    assert lacking(load(repo, {"slots": 2}, checks=checks)) == []


def test_post_checks_are_looked_at_too(repo: Path) -> None:
    loaded = load(repo, post_checks=[{"name": "suite", "run": "no-such-program"}])
    (text,) = lacking(loaded)
    assert text.startswith("check suite: there is no program no-such-program")


def test_post_checks_belong_to_the_harness_and_the_base_does_not(repo: Path) -> None:
    def harness(**more: Any) -> dict[str, str]:
        loaded = load(repo, **more)
        return fingerprint(loaded.campaign, loaded.root, "python3")

    plain = harness()
    assert harness(workspace={"base": "main", "link": ["data"]}) == plain
    assert harness(budget={"usd": 1}, policy={"resilient": True}) == plain
    late = harness(post_checks=[{"name": "suite", "run": "true"}])
    assert late["harness"] != plain["harness"]
    assert {key: late[key] for key in ("workload", "device")} == {
        key: plain[key] for key in ("workload", "device")
    }


ACP: dict[str, Any] = {"agent": "acp", "command": "sh"}
OWN: dict[str, Any] = {"agent": "my_package:maker"}
PRICES = {"prices": {"local": {"input": 1, "output": 2}}}


@pytest.mark.parametrize("agent", [ACP, ACP | {"agent": "command"}, OWN, {}])
@pytest.mark.parametrize("budget", [{"usd": 40}, {"per_iteration": {"usd": 2}}])
def test_a_budget_in_dollars_needs_an_agent_whose_price_is_known(
    repo: Path, agent: dict[str, Any], budget: dict[str, Any]
) -> None:
    (text,) = lacking(load(repo, agent, budget=budget))
    assert "the budget is in USD; name its `model`" in text
    assert "or give a budget in tokens" in text
    (text,) = lacking(load(repo, agent | {"model": "local"}, budget=budget))
    assert "the price of local is not known" in text
    assert lacking(load(repo, agent | {"model": "local"}, budget=budget | PRICES)) == []
    assert lacking(load(repo, agent | {"model": "gpt-5.5"}, budget=budget)) == []
    assert lacking(load(repo, agent, budget={"tokens": "8M"})) == []


def test_claude_tells_its_cost_itself(repo: Path) -> None:
    assert lacking(load(repo, {"agent": "claude"}, budget={"usd": 40})) == []


def test_a_mentor_has_a_budget_of_its_own(repo: Path) -> None:
    mentor: dict[str, Any] = ACP | {"budget": {"usd": 0.5}}
    (text,) = lacking(load(repo, {"agent": "claude"}, mentor=mentor))
    assert text.startswith("mentor: what it costs is not known unless it tells that")
    assert lacking(load(repo, {"agent": "claude"}, mentor=ACP)) == []
