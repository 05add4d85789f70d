"""What a night with a coding agent brings, scenario by scenario, with an agent that plays a script.

The names S1 to S15 are those of the list that the loop was asked to stand.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from engine.core.commands import AddDirective, EditDirective, Resume, RetireDirective
from engine.core.ids import DirectiveId
from tests.coding import SCORE, SECRET, Steps, Toy, answer, aside, spend, value
from tests.driving import wait_for
from tests.workspaces import git

Make = Callable[..., Toy]

LEFTOVERS = """
git stash push -qu -m thought 2>/dev/null; git stash pop -q
git checkout -q -b mine && git tag mine && git config core.hooksPath hooks && git config alias.x y
mkdir -p .git/hooks data notes && printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/pre-commit
chmod +x .git/hooks/pre-commit && echo ignored > data/cache && echo object > src/new.o
echo left > notes/left.txt && git gc -q --prune=now && chmod 000 notes/left.txt src
chmod 755 src; git update-index --assume-unchanged a.txt; echo changed > a.txt
"""
LOOK = """
git branch --list; git tag --list; git stash list; git config --list --local | grep -c hooks
ls .git/hooks data src notes 2>&1; cat a.txt; git status --porcelain --ignored
"""

NIGHT: dict[int | str, Steps] = {
    2: [value(9), {"commit": "nine"}, value(8), {"commit": "eight"}],
    3: [{"say": "I have read all of it."}],
    4: [value(30), {"commit": "thirty"}, value(31), {"commit": "thirty-one"}],
    5: [value(7), {"commit": "seven"}, value(6), answer(summary="Two less.\nIn two ways.")],
    6: [value(5), {"commit": "there"}, value(6), {"commit": "and back"}],
    7: [value(-1)],
    8: [value(20), {"run": LEFTOVERS}],
    9: [{"run": LOOK}],
    10: [
        {"print": f"as text {SECRET}"},
        {"errors": f"as an error {SECRET}"},
        {"run": "env; echo $TOY_KEY"},
        {"say": f"The key is {SECRET}."},
        answer(summary=f"I use {SECRET}.", hypothesis=f"{SECRET} is the key"),
        {"write": {"file": "notes.md", "text": "no key in here\n"}},
    ],
    11: [value(3), {"commit": "three"}, {"say": "and now I wait"}, {"hang": "child"}],
    12: [value(4)],
}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A run in which the agent does all that is in `NIGHT`."""
    toy = Toy(
        tmp_path_factory.mktemp("night"),
        NIGHT,
        agent={"deadline": "5s", "env": {"secret": ["TOY_KEY"]}},
    )
    toy.run(12, TOY_KEY=SECRET)
    yield toy
    toy.end()


def test_each_has_the_verdict_it_earned(night: Toy) -> None:
    assert night.verdicts() == {
        1: "promoted",
        2: "promoted",
        3: "no_change",
        4: "rejected",
        5: "promoted",
        6: "no_change",
        7: "incorrect",
        8: "rejected",
        9: "no_change",
        10: "rejected",
        11: "timeout",
        12: "promoted",
    }
    assert night.branch() == night.champion_commit()
    assert night.shown(night.branch()) == "VALUE = 4"


def test_s1_an_agent_that_changes_nothing_costs_no_check(night: Toy) -> None:
    assert night.of_iteration(3, "ChangeCollected", "CheckStarted") == []
    assert night.verdict(3)["reason"] == "the agent changed nothing"


def test_s2_an_agent_that_commits_and_hangs_is_ended_whole(night: Toy) -> None:
    (finished,) = night.of_iteration(11, "AgentFinished")
    assert finished["outcome"] == "timeout"
    assert night.of_iteration(11, "CheckStarted") == []
    assert night.processes() == []
    assert "and now I wait" in night.transcript(11)
    kept = night.kept()["attempts/00011-1"]
    assert finished["kept"] == "attempts/00011-1"
    assert night.shown(kept) == "VALUE = 3"
    assert git(night.repo, "branch", "--contains", kept, "--format=%(refname)") == ""


def test_s10_two_commits_are_accepted_together(night: Toy) -> None:
    (change,) = night.of_iteration(2, "ChangeCollected")
    assert change["commits"] == 2
    assert change["notes"] == ["2 commits, accepted or refused together"]
    first = night.parents(change["commit"])
    assert night.shown(first[0]) == "VALUE = 9"
    assert night.parents(first[0]) == [night.base]
    assert git(night.repo, "merge-base", "--is-ancestor", change["commit"], night.branch()) == ""


def test_s10_two_commits_are_refused_together(night: Toy) -> None:
    (change,) = night.of_iteration(4, "ChangeCollected")
    assert change["commits"] == 2
    for commit in (change["commit"], *night.parents(change["commit"])):
        assert git(night.repo, "branch", "--all", "--contains", commit) == ""
    assert night.kept()["candidates/00004"] == change["commit"]


def test_what_was_left_uncommitted_belongs_to_the_candidate(night: Toy) -> None:
    (change,) = night.of_iteration(5, "ChangeCollected")
    assert "it left changes uncommitted; they are part of the candidate" in change["notes"]
    assert night.shown(change["commit"]) == "VALUE = 6"
    assert night.shown(f"{change['commit']}^") == "VALUE = 7"
    assert git(night.repo, "log", "-1", "--format=%s", change["commit"]) == "Two less."


def test_commits_that_undo_each_other_are_no_change(night: Toy) -> None:
    assert night.verdict(6)["reason"].endswith("its 2 commits undo each other")
    assert night.of_iteration(6, "CheckStarted") == []


def test_s3_a_test_that_fails_is_no_reason_to_try_again(night: Toy) -> None:
    (finished,) = night.of_iteration(7, "CheckFinished")
    assert finished["verdict"] == "incorrect"
    assert "not positive" in night.verdict(7)["reason"]


def test_leftovers_do_not_reach_the_next_iteration(night: Toy) -> None:
    (change,) = night.of_iteration(8, "ChangeCollected")
    assert {file["path"] for file in change["files"]} >= {"work.py", "a.txt"}
    seen = night.transcript(9)
    for trace in ("mine", "thought", "pre-commit", "cache", "new.o", "left.txt", "changed"):
        assert trace not in seen, trace


def test_no_file_of_the_run_shows_a_secret(night: Toy) -> None:
    assert "no key in here" in night.shown(night.kept()["candidates/00010"], "notes.md")
    assert "as text" in night.transcript(10)
    assert "The key is" in night.log(10)
    needle = SECRET.encode()
    files = [path for path in night.run_dir.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 50
    assert [path for path in files if needle in path.read_bytes()] == []
    assert needle.decode() not in night.started[0].output
    assert needle.decode() not in git(night.repo, "log", "--all", "--format=%B")


def test_tokens_and_prompts_are_kept_for_each_attempt(night: Toy) -> None:
    prompts = [night.prompt(number) for number in range(2, 13)]
    assert len(set(prompts)) == len(prompts)
    assert all((night.paths.attempt(n, 1) / "transcript.jsonl").exists() for n in range(2, 13))


def test_s4_a_provider_that_fails_is_asked_again(toy: Make) -> None:
    broken = [value(9), {"fail": {"outcome": "unreachable", "detail": "503 of the model service"}}]
    climb = toy(
        {"2/1": broken, "2/2": broken, "2/3": [value(8)], 3: broken},
        agent={"retries": 2, "backoff": "200ms"},
    )
    climb.run(3)
    attempts = climb.of_iteration(2, "AgentStarted", "AgentFinished")
    assert [a["outcome"] for a in attempts[1::2]] == ["unreachable", "unreachable", "answered"]
    pauses = [_between(a, b) for a, b in zip(attempts[1::2], attempts[2::2], strict=False)]
    assert pauses[0] >= 0.2
    assert pauses[1] >= 0.4
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "infra"}
    assert climb.verdict(3)["reason"] == "scripted: 503 of the model service"
    assert climb.shown(climb.branch()) == "VALUE = 8"
    assert {"attempts/00002-1", "attempts/00002-2", "attempts/00003-3"} <= climb.kept().keys()


def test_s4_a_machine_that_fails_is_not_held_against_the_idea(toy: Make, tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    busy = f"""
n=$(cat {tries} 2>/dev/null || echo 0); echo $((n + 1)) > {tries}
case $n in 1|2) echo 'ssh: connect to host tpu port 22: Connection timed out'; exit 255;; esac
case $n in 4|5|6) echo 'Device or resource busy'; exit 1;; esac
"""
    device = {
        "name": "device",
        "run": busy,
        "shell": True,
        "retries": 2,
        "backoff": "100ms",
        "failures": [{"pattern": "Connection timed out|resource busy", "class": "infra"}],
    }
    climb = toy({2: [value(9), answer()], 3: [value(8), answer()]}, checks=[SCORE, device])
    climb.run(4)
    runs = [e for e in climb.of_iteration(2, "CheckFinished") if e["check"] == "device"]
    assert [event["verdict"] for event in runs] == ["infra", "infra", None]
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "infra", 4: "no_change"}
    assert "Device or resource busy" in climb.verdict(3)["reason"]
    negatives = climb.prompt(4).partition("egative")[2]
    assert "#3" not in negatives


def test_s9_a_controller_that_is_killed_goes_on_where_it_was(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    wait = {"wait_for": str(gate)}
    first: Steps = [value(9), spend(100, 0.25), {"say": "half way"}, wait]
    climb = toy({"2/1": first, "2/2": [value(8), spend(50, 0.5)], 3: [value(7)]})
    engine = climb.start("--iterations", "3")
    climb.wait_said("half way", 2)
    assert climb.processes()
    engine.kill()
    engine.wait()
    wait_for(lambda: (climb.paths.attempt(2, 1) / "transcript.jsonl").stat().st_size)
    climb.run(3)
    (lost,) = climb.of_iteration(2, "AgentInterrupted")
    assert (lost["tokens"]["input"], lost["cost_usd"]) == (90, 0.25)
    assert [e["attempt"] for e in climb.of_iteration(2, "AgentStarted")] == [1, 2]
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "promoted"}
    assert climb.shown(climb.kept()["attempts/00002-1"]) == "VALUE = 9"
    assert "half way" in climb.transcript(2, 1)
    spent = climb.status()["spend"]
    assert (spent["usd"], spent["tokens"], spent["unpriced_tokens"]) == (0.75, 150, 0)


def test_s12_a_directive_counts_from_the_next_prompt_on(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    climb = toy(
        {2: [{"say": "at work"}, {"wait_for": str(gate)}], 3: [value(9)], 4: [], 5: []},
        agent={"directives": [{"text": "Keep the backend.", "title": "backend"}]},
    )
    engine = climb.start("--iterations", "5")
    climb.wait_event("AgentStarted", iteration=2)
    climb.answered(climb.send(AddDirective(title="tiles", text="Try tiles of 64 rows."), by="ada"))
    gate.touch()
    climb.wait_event("AgentStarted", iteration=3)
    engine.wait()
    added = climb.events("DirectiveAdded")[-1]
    assert (added["by"], added["directive"], added["title"]) == ("ada", "d-002", "tiles")
    assert abs(_when(added) - _when(climb.of_iteration(2, "AgentFinished")[0])) < 60
    assert "Try tiles of 64 rows." not in climb.prompt(2)
    for number in (3, 4, 5):
        assert "Try tiles of 64 rows." in climb.prompt(number)
    (third,) = climb.of_iteration(3, "AgentStarted")
    assert third["directives"] == ["d-001", "d-002"]


def test_s12_a_directive_is_edited_and_retired(toy: Make) -> None:
    climb = toy(
        {2: [], 3: []},
        agent={"directives": [{"text": "Keep it.", "title": "it"}]},
        policy={"no_commit": "allow"},
    )
    climb.run(2)
    one = DirectiveId("d-001")
    edit = climb.send(EditDirective(directive=one, text="Leave it."), by="bob")
    climb.run(3)
    assert climb.answered(edit)["by"] == "bob"
    assert "Keep it." in climb.prompt(2)
    assert "Leave it." in climb.prompt(3)
    climb.send(RetireDirective(directive=one, reason="it is done"))
    wrong = climb.send(EditDirective(directive=DirectiveId("d-009"), text="What?"))
    climb.run(4)
    assert "Leave it." not in climb.prompt(4)
    assert climb.answered(wrong)["type"] == "CommandRefused"


def test_s13_what_a_person_edits_meanwhile_stays(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    climb = toy({2: [value(9), {"wait_for": str(gate)}], 3: [value(8)]})
    engine = climb.start("--iterations", "3")
    climb.wait_event("AgentStarted", iteration=2)
    with climb.person_at_work() as person:
        person.write({"work.py": "VALUE = 1  # mine\n", "new.txt": "mine\n"})
        git(climb.repo, "add", "new.txt")
        git(climb.repo, "commit", "-qm", "Mine", "--", "new.txt")
        git(climb.repo, "checkout", "-q", "-b", "elsewhere")
        (climb.repo / "aside.py").unlink()
        (climb.repo / "run.sh").chmod(0o700)
    gate.touch()
    assert engine.wait() == 0
    assert climb.harm() == {}
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "promoted"}
    assert climb.shown(climb.branch()) == "VALUE = 8"
    assert climb.of_iteration(2, "AgentStarted")[0]["base"] == climb.base


def test_s14_a_metric_that_is_missing_is_recorded_with_its_reason(toy: Make) -> None:
    quiet = {"replace": {"file": "check.py", "old": '"score"', "new": '"other"'}}
    climb = toy({2: [value(9)], 3: [value(8), quiet]})
    climb.run(3)
    (finished,) = climb.of_iteration(3, "CheckFinished")
    assert finished["metrics"] == {"other": 8.0}
    assert "metric score: " in finished["detail"]
    assert climb.verdict(3)["verdict"] == "incorrect"
    assert "metric score: " in climb.verdict(3)["reason"]
    assert climb.verdict(3)["value"] is None
    assert climb.shown(climb.branch()) == "VALUE = 9"


def test_s15_a_corrupt_journal_stops_the_loop_and_is_left_as_it_is(toy: Make) -> None:
    climb = toy({2: [value(9)], 3: [value(8)]})
    climb.run(2)
    kept, branch, good = climb.kept(), climb.branch(), climb.verdict(2)["seq"] - 1
    whole = climb.paths.journal.read_bytes()
    at = whole.index(b'VerdictReached","iteration":2')
    torn = whole[:at] + b"W" + whole[at + 1 :]
    climb.paths.journal.write_bytes(torn)
    said = climb.run(3, status=5)
    assert f"The last good state is event {good}, iteration 2, champion c-0001 at 10" in said
    assert climb.paths.journal.read_bytes() == torn
    assert (climb.kept(), climb.branch()) == (kept, branch)
    assert climb.processes() == []
    climb.paths.journal.write_bytes(whole)
    climb.run(3)
    assert climb.shown(climb.branch()) == "VALUE = 8"


def test_s15_a_branch_that_somebody_moved_is_not_moved_back(toy: Make) -> None:
    """Neither when the run is started again; it goes on when the branch is out of its way."""
    climb = toy({2: [value(9)], 3: [value(8)]})
    climb.run(2)
    ours = climb.branch()
    theirs = git(climb.repo, "commit-tree", f"{ours}^{{tree}}", "-p", ours, "-m", "Mine")
    git(climb.repo, "update-ref", "refs/heads/controlroom/toy/toy-s0", theirs)
    engine = climb.start("--iterations", "3")
    halted = climb.wait_event("RunPaused", halt=True)
    assert "where this run did not put it" in halted["reason"]
    assert climb.branch() == theirs
    assert climb.of_iteration(3) == []
    with climb.person_at_work():
        git(climb.repo, "branch", "-q", "-m", "controlroom/toy/toy-s0", "theirs")
    climb.send(Resume())
    assert engine.wait() == 0
    assert climb.shown(climb.branch()) == "VALUE = 8"


def test_a_branch_that_somebody_checked_out_is_not_moved_under_their_feet(
    toy: Make, tmp_path: Path
) -> None:
    """A look at the branch overnight: the run halts, no agent is cut off, it goes on when told."""
    gate, other = tmp_path / "gates" / "gate", tmp_path / "gates" / "other"
    turns: dict[int | str, Steps] = {
        2: [value(9)],
        3: [value(8), {"wait_for": str(gate)}],
        4: [aside(-2), {"wait_for": str(other)}],
    }
    climb = toy(turns, agent={"slots": 2})
    climb.run(2)
    engine = climb.start("--iterations", "4")
    climb.wait_event("AgentStarted", iteration=3)
    climb.wait_event("AgentStarted", iteration=4)
    before = climb.branch()
    with climb.person_at_work():
        git(climb.repo, "symbolic-ref", "HEAD", "refs/heads/controlroom/toy/toy-s0")
    gate.touch()
    halted = climb.wait_event("RunPaused", halt=True)
    assert "is checked out in" in halted["reason"]
    assert "controlroom resume" in halted["reason"]
    assert climb.status()["state"] == "halted"
    assert (climb.branch(), climb.verdicts()[3]) == (before, "promoted")
    other.touch()
    climb.wait_event("AgentFinished", iteration=4)
    with climb.person_at_work():
        git(climb.repo, "symbolic-ref", "HEAD", "refs/heads/main")
    climb.send(Resume())
    assert engine.wait() == 0
    assert climb.events("AgentInterrupted") == []
    assert climb.verdicts()[4] == "promoted"
    assert climb.shown(climb.branch()) == "VALUE = 8"
    assert climb.shown(climb.branch(), "aside.py") == "ASIDE = -2"


def _when(event: dict[str, str]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


def _between(earlier: dict[str, str], later: dict[str, str]) -> float:
    return _when(later) - _when(earlier)
