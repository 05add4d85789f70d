"""Sealed checks and protected paths, as campaigns have them: who runs what, and what counts."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.coding import Steps, Toy, value
from tests.driving import Driver, of_type
from tests.sealing import JUDGE, PARAMETERS, PRODUCE, SEALED, packed_in, with_sealed_check
from tests.workspaces import git

Make = Callable[..., Toy]
Json = dict[str, Any]


def write(file: str, text: str) -> Json:
    return {"write": {"file": file, "text": text}}


@pytest.fixture
def sealed(toy: Make) -> Make:
    """Makes the toy with a sealed check: both of its programs are the person's, and committed."""

    def make(turns: dict[int | str, Steps], **campaign: Any) -> Toy:
        return with_sealed_check(toy(turns, **{"checks": [SEALED]} | campaign))

    return make


def test_the_judge_is_the_protected_bases_whatever_the_agent_writes(sealed: Make) -> None:
    easy = JUDGE.replace('{"score": value}', '{"score": 0.001}')
    climb = sealed(
        {
            2: [write("judge.py", easy), value(20)],
            3: [write("json.py", easy), value(20)],
            4: [value(-5)],
            5: [value(7)],
        }
    )
    climb.run(5)
    assert climb.verdicts() == {
        1: "promoted",
        2: "rejected",
        3: "incorrect",  # its own json.py broke its own half
        4: "incorrect",
        5: "promoted",
    }
    assert climb.verdict(2)["value"] == 20
    assert climb.verdict(5)["value"] == 7
    assert climb.verdict(4)["reason"] == "score: not positive"


def test_a_judge_draws_from_a_seed_that_nobody_knew(sealed: Make) -> None:
    climb = sealed({2: [value(9)]})
    climb.run(2)
    judged = climb.events("CheckFinished")
    proposed = climb.events("CandidateProposed")
    seeds = [event["seed"] for event in judged]
    assert len(set(seeds)) == 2
    assert not set(seeds) & {event["seed"] for event in proposed}


def test_what_the_two_halves_see(sealed: Make) -> None:
    look = """
import json, os
seen = {
    "home": os.listdir(os.environ["HOME"]),
    "git": os.path.isdir(".git") and os.listdir(".git"),
    "variables": sorted(name for name in os.environ if name.startswith("CONTROLROOM")),
    "candidate": json.load(open(os.environ["CONTROLROOM_CANDIDATE"])),
    "run": os.path.exists(RUN),
}
print("SEEN " + json.dumps(seen))
"""
    climb = sealed({2: [value(9)]})
    for name, program in (("produce.py", PRODUCE), ("judge.py", JUDGE)):
        text = look.replace("RUN", repr(str(climb.paths.journal))) + program
        climb.person.write({name: text})
    git(climb.repo, "commit", "-qm", "Look round", "--", "produce.py", "judge.py")
    climb.before = climb.person.state()
    climb.run(1, CONTROLROOM_SECRET_OF_THE_ENGINE="x")
    log = climb.paths.log(1).read_text()
    produce, judge = (
        json.loads(line.removeprefix("SEEN ")) for line in log.splitlines() if "SEEN" in line
    )
    for half in (produce, judge):
        assert half["home"] == []
        assert not half["git"]
        assert not half["run"]
    hidden = ["CONTROLROOM_CANDIDATE", "CONTROLROOM_PRODUCED", "CONTROLROOM_TRACE_ID"]
    assert produce["variables"] == sorted([*hidden, "CONTROLROOM_RESULT"])
    assert judge["variables"] == sorted([*hidden, "CONTROLROOM_REPORT_FD", "CONTROLROOM_TOKEN"])
    assert "seed" not in produce["candidate"]
    assert judge["candidate"]["seed"] == climb.events("CheckFinished")[0]["seed"]


def test_what_is_hidden_stays_so_when_it_is_made_anew(sealed: Make) -> None:
    """The sandbox stands while the tree that it shows gets another repository."""
    look = """
import os
try:
    print("SEEN", os.listdir("answers"), os.path.isdir(".git") and os.listdir(".git"))
except OSError as error:
    print("SEEN", error)
"""
    climb = sealed({2: [value(9)], 3: [value(8)]}, sandbox={"hide": ["answers"]})
    climb.person.write({"produce.py": look + PRODUCE, "answers/key": "one"})
    git(climb.repo, "add", "-A")
    git(climb.repo, "commit", "-qm", "Look round", "--", "produce.py", "answers")
    climb.before = climb.person.state()
    climb.run(3)
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "promoted"}
    for number in (1, 2, 3):
        lines = climb.paths.log(number).read_text().splitlines()
        # The leader is measured once more at the end.
        assert {line for line in lines if "SEEN" in line} == {"SEEN [] []"}


def test_a_change_of_what_is_protected_is_invalid_before_anything_runs(toy: Make) -> None:
    climb = toy(
        {
            2: [write("check.py", "easy"), value(5)],
            3: [write("tests/deep/new.py", "x = 1"), value(5)],
            4: [{"delete": "src/b.py"}, value(5)],
            5: [write("testsuite.py", "x = 1"), value(5)],
        },
        protect=["check.py", "tests", "src/**/b.*"],
    )
    climb.run(5)
    assert climb.verdicts() == {
        1: "promoted",
        2: "invalid",
        3: "invalid",
        4: "invalid",
        5: "promoted",
    }
    assert climb.verdict(2)["reason"] == "it changes what is protected: check.py"
    assert climb.verdict(3)["reason"] == "it changes what is protected: tests/deep/new.py"
    assert climb.verdict(4)["reason"] == "it changes what is protected: src/b.py"
    for iteration in (2, 3, 4):
        assert climb.of_iteration(iteration, "CheckStarted") == []
    assert "Not to be touched" in climb.prompt(2)


def test_plain_checks_of_an_agents_code_are_marked(toy: Make, sealed: Make) -> None:
    plain, safe = toy({2: [value(9)]}), sealed({2: [value(9)]})
    for climb, forgeable in ((plain, True), (safe, False)):
        climb.run(2)
        status = climb.status()["champion"]
        assert status["forgeable"] is forgeable
        assert ("score can be forged" in status["label"]) is forgeable
        board = climb.call("leaderboard")
        assert board.wait() == 0
        assert ("score can be forged" in board.output) is forgeable
        checked = climb.call("check", "campaign.yaml")
        assert checked.wait() == 0
        assert ("score can be forged" in checked.output) is forgeable


def test_without_a_sandbox_a_sealed_campaign_does_not_start(sealed: Make, tmp_path: Path) -> None:
    climb = sealed({2: [value(9)]})
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "sh", "setpriv", "python3"):
        found = next(Path(p, name) for p in os.environ["PATH"].split(":") if Path(p, name).exists())
        (tools / name).symlink_to(found)
    output = climb.run(2, status=2, PATH=str(tools))
    assert "there is no bwrap on PATH" in output
    assert "--unsealed" in output
    assert not climb.run_dir.exists()

    climb.run(2, "--unsealed", PATH=str(tools))
    assert climb.verdicts() == {1: "promoted", 2: "promoted"}
    assert climb.status()["champion"]["forgeable"] is True


@pytest.fixture
def packed(tmp_path: Path) -> Driver:
    return packed_in(tmp_path)


def test_parameters_are_judged_sealed_as_well(packed: Driver) -> None:
    packed.run("--iterations", "3")
    verdicts = [event["verdict"] for event in of_type(packed.events(), "VerdictReached")]
    assert set(verdicts) <= {"promoted", "rejected"}
    assert packed.leaderboard()["metric"]["forgeable"] is False


@pytest.mark.parametrize(
    "change",
    [
        "judge.py",
        pytest.param("data/truth.txt", marks=pytest.mark.long),
        pytest.param("data/more.txt", marks=pytest.mark.long),
    ],
)
def test_what_judges_is_changed_under_the_run(packed: Driver, change: str) -> None:
    """The run halts, says so and promotes nothing; it goes on once a person has looked."""
    file = packed.folder / "code" / change
    before = file.read_bytes() if file.exists() else None
    # A check that runs outside of the sandbox plays whoever changes it meanwhile.
    meddler = {
        "name": "beside",
        "run": f"test {{iteration}} -ne 3 || test -e met || {{ touch met; echo easy > {change}; }}",
        "shell": True,
    }
    packed.config.write_text(yaml.safe_dump(PARAMETERS | {"checks": [meddler, SEALED]}))
    packed.run("--iterations", "4", "--exit-on-halt", status=3)
    words = f"what judges was changed under the run: {change}"
    assert words in packed.status()["reason"]
    last = of_type(packed.events(), "VerdictReached")[-1]
    assert (last["iteration"], last["verdict"]) == (3, "infra")
    assert last["reason"].startswith(words)

    file.unlink() if before is None else file.write_bytes(before)
    packed("resume")
    packed.run("--iterations", "4")
    assert of_type(packed.events(), "VerdictReached")[-1]["verdict"] in {"promoted", "rejected"}


def test_a_compiled_module_beside_the_judges_is_not_read(sealed: Make) -> None:
    """It is none of the files that are compared, and who has the person's rights can write it."""
    climb = sealed({}, agent={"sandbox": "off"})
    climb.person.write({"rules.py": "WORTH = 1\n", "judge.py": f"import rules\n{JUDGE}"})
    easy = climb.folder / "easy.py"
    easy.write_text("raise SystemExit('the planted one was read')\n")
    place = climb.paths.trees / "judge" / "__pycache__" / "rules.cpython-{}{}.pyc"
    plant = (
        "import pathlib, py_compile, sys;"
        f"place = pathlib.Path({str(place)!r}.format(*sys.version_info[:2]));"
        "place.parent.mkdir(exist_ok=True);"
        f"py_compile.compile({str(easy)!r}, str(place), "
        "invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
    )
    turn: Steps = [{"run": f'{sys.executable} -c "{plant}"'}, value(9)]
    (climb.folder / "script.yaml").write_text(yaml.safe_dump({"iterations": {2: turn}}))
    git(climb.repo, "add", "rules.py")
    git(climb.repo, "commit", "-qm", "Rules", "--", "judge.py", "rules.py")
    climb.base, climb.before = climb.person.head, climb.person.state()
    climb.run(2)
    assert list(place.parent.glob("rules.*.pyc")), "nothing was planted"
    assert climb.verdicts() == {1: "promoted", 2: "promoted"}


ONCE: Json = {
    "checks": [
        {"name": "built", "produce": SEALED["produce"], "judge": SEALED["judge"]},
        {"name": "score", "produced_by": "built", "judge": "{python} -S judge.py"}
        | {"reports": ["score", "drawn", "once"]},
    ],
    "metric": {"name": "score", "direction": "min", "noise": "measured"},
    "referee": {"first_pairs": 4, "most_pairs": 4, "calibrate": 4, "leaders": 1},
}


def test_what_is_measured_is_what_was_accepted_to_the_byte(sealed: Make) -> None:
    """The candidate's code runs once for both checks, also for a champion and at the end."""
    climb = sealed({2: [value(7)], 3: [value(20)]}, **ONCE)
    numbered = PRODUCE + 'json.dump(int.from_bytes(os.urandom(6)), open(out + "x", "w"))\n'
    known = JUDGE.replace(
        '{"score": value}',
        '{"score": value, "drawn": seed % 2**50, "once": once}',
    )
    reads = (
        "import json, os\n"
        'seed = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))["seed"]\n'
        'once = json.load(open(os.environ["CONTROLROOM_PRODUCED"] + "/value.jsonx"))\n'
    )
    climb.person.write({"produce.py": numbered, "judge.py": reads + known})
    git(climb.repo, "commit", "-qm", "Once", "--", "produce.py", "judge.py")
    climb.base, climb.before = climb.person.head, climb.person.state()
    climb.run(3)
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "rejected"}
    assert climb.events("RecheckEnded")[-1]["outcome"] == "held"
    again = [event["report"] for event in climb.events("RecheckChecked")]
    checked = [*climb.events("CheckFinished"), *again]
    assert {event["outcome"] for event in checked} == {"passed"}
    built = {event["product"]: event["metrics"] for event in checked if event["check"] == "built"}
    scored = [event for event in checked if event["check"] == "score"]
    assert {event["product"] for event in scored} <= set(built), "something else was measured"
    assert len({event["metrics"]["once"] for event in scored}) == len(
        {event["product"] for event in scored}
    )
    pairs: dict[tuple[int, int], set[int]] = {}
    for event in climb.events("CheckFinished"):
        if event["half"] and not event["half"]["prepares"]:
            pairs.setdefault((event["iteration"], event["half"]["pair"]), set()).add(event["seed"])
    assert all(len(seeds) == 1 for seeds in pairs.values()), "a pair has one seed"
    assert len(set.union(*pairs.values())) == len(pairs) == 12
    assert "produce" not in {line.split()[5] for line in headers(climb, 2) if " score " in line}


def headers(climb: Toy, iteration: int) -> list[str]:
    """The lines above the output of an iteration's commands."""
    return [line for line in climb.log(iteration).splitlines() if line.startswith("=== ")]
