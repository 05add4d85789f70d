"""A main branch that moves while the run climbs, with an agent that plays a script."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.client import Resume
from tests.coding import SCORE, Steps, Toy, aside, value
from tests.driving import wait_for
from tests.workspaces import git, write

Make = Callable[..., Toy]
Push = Callable[..., str]

EACH = {"repo": ".", "sync": "each"}


class Upstream:
    """The repository that others push to, as `origin` of a person's."""

    def __init__(self, climb: Toy, folder: Path) -> None:
        self.bare = folder / "upstream.git"
        self._clone = folder / "colleague"
        with climb.person_at_work():
            git(folder, "clone", "-q", "--bare", str(climb.repo), str(self.bare))
            git(climb.repo, "remote", "add", "origin", str(self.bare))
        git(folder, "clone", "-q", str(self.bare), str(self._clone))

    def push(self, **files: str) -> str:
        """The commit that somebody pushed to its main branch; `work` is the file work.py."""
        write(self._clone, {f"{name}.py": text for name, text in files.items()})
        git(self._clone, "add", "-A")
        person = ("-c", "user.name=Bob", "-c", "user.email=bob@example.org")
        git(self._clone, *person, "commit", "-qm", "Meanwhile")
        git(self._clone, "push", "-q", "origin", "main")
        return git(self._clone, "rev-parse", "HEAD")


def test_each_merge_makes_the_champion_be_measured_again(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    climb = toy({2: [value(9), {"wait_for": str(gate)}], 4: [value(8)], 5: []}, workspace=EACH)
    upstream = Upstream(climb, tmp_path)
    engine = climb.start("--iterations", "5")
    climb.wait_event("AgentStarted", iteration=2)
    main = upstream.push(aside="ASIDE = 5\n", docs="'''Docs.'''\n")
    gate.touch()
    assert engine.wait() == 0
    assert climb.verdicts() == {
        1: "promoted",
        2: "promoted",
        3: "promoted",
        4: "promoted",
        5: "no_change",
    }
    (merge,) = climb.of_iteration(3, "CandidateProposed")
    assert (merge["tags"], merge["parents"], merge["proposer"]) == (["sync"], ["c-0002"], "sync")
    assert climb.verdict(3)["value"] == 14
    assert climb.parents(merge["commit"]) == [
        climb.of_iteration(2, "ChangeCollected")[0]["commit"],
        main,
    ]
    assert climb.of_iteration(4, "AgentStarted")[0]["base"] == merge["commit"]
    assert climb.verdict(4)["value"] == 13
    assert git(climb.repo, "merge-base", climb.branch(), main) == main


def test_once_merges_at_the_beginning_only(toy: Make, tmp_path: Path) -> None:
    climb = toy({3: [value(9)], 4: [value(8)]}, workspace={"repo": ".", "sync": "once"})
    upstream = Upstream(climb, tmp_path)
    upstream.push(aside="ASIDE = 5\n")
    climb.run(3)
    assert climb.events("CandidateProposed")[1]["tags"] == ["sync"]
    later = upstream.push(aside="ASIDE = 6\n")
    climb.run(4)
    assert [each["tags"] for each in climb.events("CandidateProposed")[2:]] == [[], []]
    assert climb.verdict(4)["value"] == 13
    assert git(climb.repo, "cat-file", "-t", later, check=False) == ""


def test_a_main_branch_that_fails_is_not_merged_again_and_again(toy: Make, tmp_path: Path) -> None:
    climb = toy({3: [value(9)], 4: [value(8)], 6: []}, workspace=EACH)
    upstream = Upstream(climb, tmp_path)
    upstream.push(check="raise SystemExit('broken')\n")
    climb.run(2)
    assert climb.verdicts() == {1: "promoted", 2: "incorrect"}
    climb.run(3)
    assert climb.verdicts()[3] == "promoted"
    assert climb.branch() == climb.of_iteration(3, "ChangeCollected")[0]["commit"]


@pytest.mark.parametrize("policy", ["fail", "skip"])
def test_a_main_branch_in_conflict(toy: Make, tmp_path: Path, policy: str) -> None:
    climb = toy({2: [value(9)], 3: [aside(-1)]}, workspace=EACH | {"sync_conflict": policy})
    upstream = Upstream(climb, tmp_path)
    climb.run(2)
    upstream.push(work="VALUE = 100\n")
    engine = climb.start("--iterations", "3")
    if policy == "fail":
        wait_for(climb.paths.pause.exists)
        assert wait_for(lambda: climb.status()["state"] == "halted")
        reason = "the main branch cannot be merged into the champion: work.py"
        assert climb.status()["reason"] == reason
        assert climb.of_iteration(3, "AgentStarted") == []
        climb.send(Resume())
    assert engine.wait() == 0
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "promoted"}
    assert (climb.verdict(3)["value"], climb.shown(climb.branch())) == (8, "VALUE = 9")


def test_a_champion_that_is_promoted_meanwhile_is_not_lost(toy: Make, tmp_path: Path) -> None:
    """The merge of the old champion is still being measured when there is a new one."""
    gate, other = tmp_path / "gates" / "gate", tmp_path / "gates" / "other"
    slow = {
        "name": "slow",
        "run": f"grep -q 'ASIDE = 5' aside.py && grep -q 'VALUE = 10' work.py || exit 0; "
        f"until test -e {gate}; do sleep 0.05; done",
        "shell": True,
    }
    climb = toy(
        {3: [value(8)], 4: [{"wait_for": str(other)}], 5: [{"wait_for": str(other)}]},
        agent={"slots": 2},
        workspace=EACH,
        checks=[SCORE, slow],
    )
    Upstream(climb, tmp_path).push(aside="ASIDE = 5\n")
    engine = climb.start("--iterations", "5")
    climb.wait_event("CheckStarted", iteration=2, check="slow")
    climb.wait_event("VerdictReached", iteration=3)
    gate.touch()
    climb.wait_event("VerdictReached", iteration=2)
    wait_for(lambda: [e for e in climb.events("CandidateProposed")[3:] if e["tags"] == ["sync"]])
    other.touch()
    assert engine.wait() == 0
    assert climb.verdict(2)["verdict"] == "inconclusive"
    assert climb.verdict(3)["verdict"] == "promoted"
    tip = climb.branch()
    assert (climb.shown(tip), climb.shown(tip, "aside.py")) == ("VALUE = 8", "ASIDE = 5")


def test_a_remote_that_was_never_there_is_told_at_once(toy: Make, tmp_path: Path) -> None:
    climb = toy({2: [value(9)]}, workspace=EACH | {"sync_remote": "nowhere"})
    assert "nowhere" in climb.run(2, status=5)
    assert climb.verdicts() == {1: "promoted"}


def test_a_remote_that_is_away_for_a_while_is_done_without(toy: Make, tmp_path: Path) -> None:
    away = tmp_path / "away.git"
    gate, back = tmp_path / "gates" / "gate", tmp_path / "gates" / "back"
    turns: dict[int | str, Steps] = {
        2: [value(9), {"wait_for": str(gate)}],
        3: [value(8), {"wait_for": str(back)}],
        5: [value(7)],
    }
    climb = toy(turns, workspace=EACH)
    upstream = Upstream(climb, tmp_path)
    engine = climb.start("--iterations", "5")
    climb.wait_event("AgentStarted", iteration=2)
    upstream.push(aside="ASIDE = 1\n")
    upstream.bare.rename(away)
    gate.touch()
    climb.wait_event("AgentStarted", iteration=3)
    away.rename(upstream.bare)
    back.touch()
    assert engine.wait() == 0
    assert "the main branch cannot be merged now" in engine.output
    assert set(climb.verdicts().values()) == {"promoted"}
    tags = [each["tags"] for each in climb.events("CandidateProposed")[1:]]
    assert tags == [[], [], ["sync"], []]
    assert climb.shown(climb.branch(), "aside.py") == "ASIDE = 1"
