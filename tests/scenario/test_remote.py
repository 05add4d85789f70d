"""A campaign whose checks run on hosts that are reached by ssh: real ones, on this machine."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.coding import SCORE, Toy, value
from tests.driving import QUICK, Driver, check_history, of_type, wait_for
from tests.sshd import Sshd

MEASURE = """\
import json, os, pathlib
told = json.load(open(os.environ['CONTROLROOM_CANDIDATE']))
p = told['parameters']
points = int(pathlib.Path('data/points.txt').read_text())
score = (p['x'] - points) ** 2 + {'slow': 60, 'quick': 5, 'odd': 30}[p['kind']]
print('score', score, 'in', os.environ['HOME'])
folder = pathlib.Path(os.environ['CONTROLROOM_STEP_DIR'], 'plots')
folder.mkdir()
(folder / 'curve.txt').write_text(f'{score}\\n' * 1000)
json.dump({'metrics': {'score': score}, 'artifacts': ['plots/curve.txt']},
          open(os.environ['CONTROLROOM_RESULT'], 'w'))
"""


def remote(first: Sshd, *others: Sshd, slots: int = 1, more: str = "") -> str:
    """The quick campaign, measured on hosts."""
    config = first.folder.parent / "ssh_config"
    config.write_text("\n".join(each.config.read_text() for each in (first, *others)))
    hosts = ", ".join(each.alias for each in (first, *others))
    head, _, tail = QUICK.partition("  - name: measure\n")
    check = (
        "  - name: measure\n"
        '    run: ["{python}", "measure.py"]\n'
        f"    executor: far\n    deadline: 60s\n    reports: [score]\n{more}"
    )
    executor = (
        f"executors: {{far: {{kind: ssh, hosts: [{hosts}], ssh_config: '{config}', "
        "patience: 20s, leash: 40s}}\n"
    )
    end = tail[tail.index("stop:") :]
    return head.replace("slots: 1", f"slots: {slots}") + check + executor + end


def lay_out(folder: Path) -> None:
    (folder / "measure.py").write_text(MEASURE)
    (folder / "data").mkdir()
    (folder / "data" / "points.txt").write_text("17\n")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[Sshd, Sshd]]:
    pair = Sshd(tmp_path / "one", "one"), Sshd(tmp_path / "two", "two")
    yield pair
    for each in pair:
        each.stop()


def test_checks_on_two_hosts_say_what_they_say_here(
    tmp_path: Path, hosts: tuple[Sshd, Sshd]
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    lay_out(work)
    driver = Driver(work, remote(*hosts, slots=2))
    driver.run("--iterations", "6")
    events = driver.events()
    check_history(events)
    measured = [each for each in of_type(events, "CheckFinished") if each["check"] == "measure"]
    assert [each["outcome"] for each in measured] == ["passed"] * 6
    begun = of_type(events, "CandidateProposed")
    parameters = {each["iteration"]: each["parameters"] for each in begun}
    kinds = {"slow": 60, "quick": 5, "odd": 30}
    for each in measured:
        p = parameters[each["iteration"]]
        assert each["metrics"] == {"score": (p["x"] - 17) ** 2 + kinds[p["kind"]]}
        log = (driver.run_dir / each["log"]["path"]).read_text()
        assert log.startswith(f"score {each['metrics']['score']:.0f} in ")
        (kept,) = each["artifacts"]
        assert (driver.run_dir / kept).read_text().count("\n") == 1000
    used = {
        json.loads(path.read_text())["host"] for path in driver.run_dir.glob("jobs/*/host.json")
    }
    assert used == {"one", "two"}
    for each in hosts:  # nothing stays but what is used again
        (run,) = (each.home / ".controlroom" / "runs").iterdir()
        assert not list((run / "jobs").iterdir())
        assert not list((run / "steps").iterdir())
    device = of_type(events, "EngineStarted")[0]["fingerprint"]["device"]
    assert "far: one, two (python3)" in device


SLOW = """\
import json, os, sys, time
for number in range(30):
    print('line', number, flush=True)
    time.sleep(0.1)
json.dump({'metrics': {'score': 7}}, open(os.environ['CONTROLROOM_RESULT'], 'w'))
"""
PRINTED = "".join(f"line {number}\n" for number in range(30))


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Sshd]:
    made = Sshd(tmp_path / "one", "one")
    yield made
    made.stop()


def at_work(driver: Driver, log: str) -> bool:
    path = driver.run_dir / log
    return path.exists() and "line 4\n" in path.read_text()


def test_a_killed_engine_goes_on_with_what_runs_on_a_host(tmp_path: Path, one: Sshd) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "measure.py").write_text(SLOW)
    driver = Driver(work, remote(one))
    engine = driver.start("--iterations", "1")
    wait_for(lambda: at_work(driver, "jobs/j-0001/log"), 60)
    engine.kill()
    engine.communicate()
    assert on_hosts(driver), "it goes on without an engine"
    driver.run("--iterations", "1")
    events = driver.events()
    check_history(events)
    (again,) = of_type(events, "JobReattached")
    assert again["log_bytes"] >= len("line 0\n") * 5
    (measured,) = [e for e in of_type(events, "CheckFinished") if e["check"] == "measure"]
    assert (measured["attempt"], measured["outcome"], measured["exit_code"]) == (1, "passed", 0)
    assert (driver.run_dir / "jobs" / "j-0001" / "log").read_text() == PRINTED
    (begun,) = of_type(events, "JobStarted")
    assert begun["host"] == "one"
    assert "Linux" in begun["device"]
    assert not on_hosts(driver)


def test_a_stop_leaves_nothing_on_a_host_and_a_job_can_be_ended_there(
    tmp_path: Path, one: Sshd
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "measure.py").write_text(SLOW.replace("range(30)", "range(30000)"))
    driver = Driver(work, remote(one))
    engine = driver.start("--iterations", "2")
    wait_for(lambda: at_work(driver, "jobs/j-0001/log"), 60)
    assert " on one  running for " in driver("job").stdout
    driver("job", "stop", "j-0001", "--reason", "the wrong data")
    wait_for(lambda: over(driver), 60)
    driver("stop", "--now", status=None)
    engine.communicate(timeout=60)
    assert not on_hosts(driver)
    ended = of_type(driver.events(), "JobEnded")
    assert ended[0]["outcome"] == "stopped"
    assert "the wrong data" in ended[0]["detail"]


def over(driver: Driver) -> bool:
    return (driver.run_dir / "jobs" / "j-0001" / "exit.json").exists()


def test_hosts_that_are_away_fail_no_candidate(tmp_path: Path, hosts: tuple[Sshd, Sshd]) -> None:
    work = tmp_path / "work"
    work.mkdir()
    lay_out(work)
    driver = Driver(work, remote(*hosts).replace("patience: 20s", "patience: 3s"))
    hosts[0].stop()
    driver.run("--iterations", "1")
    assert {e["host"] for e in of_type(driver.events(), "JobStarted")} == {"two"}
    hosts[1].stop()
    driver.run("--iterations", "2", status=None)
    verdicts = of_type(driver.events(), "VerdictReached")
    assert verdicts[1]["verdict"] == "infra"
    failed = of_type(driver.events(), "CheckFinished")[-1]
    assert "no host can be used" in failed["detail"]
    assert "one: no connection" in failed["detail"]


def on_hosts(driver: Driver) -> list[int]:
    """The processes of the run on its hosts, which are this machine: all that carry its mark."""
    mark = f":{driver.run_dir.resolve()}\0".encode()
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                named = b"CONTROLROOM_JOBS=" in (told := (entry / "environ").read_bytes())
                if named and mark in told:
                    found.append(int(entry.name))
    return found


def test_a_campaign_runs_elsewhere_without_a_change_to_its_file(tmp_path: Path, one: Sshd) -> None:
    work = tmp_path / "work"
    work.mkdir()
    driver = Driver(work, QUICK)
    home = tmp_path / "person"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text(one.config.read_text())
    driver.run("--iterations", "2", "--on", "ssh://one", HOME=str(home))
    begun = of_type(driver.events(), "JobStarted")
    assert {each["host"] for each in begun} == {"one"}
    assert len(begun) >= 4, "each check of each iteration"
    driver.run("--iterations", "2", "--on", "ray://one", status=2)
    told = driver.run("--iterations", "2", "--on", "nowhere", status=2).stderr
    assert "there is no such executor, but local; for a host write ssh://nowhere" in told


def test_the_doctor_says_what_is_wrong_with_a_host(tmp_path: Path, one: Sshd) -> None:
    driver = Driver(tmp_path, remote(one))
    look = ("doctor", "--executor", "far", "--config", str(driver.config))
    told = driver(*look).stdout
    assert "ok  one            reached as" in told
    assert "ok  one disk" in told
    one.known_hosts.write_text("")
    told = driver(*look, status=3).stdout
    assert told.startswith("--  one  host key\n")
    assert f"ssh-keyscan -p {one.port} 127.0.0.1 >> ~/.ssh/known_hosts" in told
    told = driver("doctor", "--executor", "fer", "--config", str(driver.config), status=2).stderr
    assert "has no such executor, but local, far" in told


def test_a_secret_reaches_the_check_and_no_file(tmp_path: Path, one: Sshd) -> None:
    work = tmp_path / "work"
    work.mkdir()
    lay_out(work)
    look = "import os\nkey = os.environ['A_KEY']\nprint('it is', key)\nassert key[:5] == 'plant'\n"
    (work / "measure.py").write_text(look + MEASURE)
    driver = Driver(work, remote(one, more="    env: {secret: [A_KEY]}\n"))
    driver.run("--iterations", "1", A_KEY="planted-4711-secret")
    log = (driver.run_dir / "jobs" / "j-0001" / "log").read_text()
    assert log.startswith("it is [secret A_KEY]\n")
    for top in (driver.run_dir, one.folder):
        for path in top.rglob("*"):
            if path.is_file():
                assert b"planted-4711" not in path.read_bytes(), path


def test_the_code_of_each_candidate_is_what_runs_on_a_host(
    tmp_path: Path, one: Sshd, toy: Callable[..., Toy]
) -> None:
    far = {"kind": "ssh", "hosts": ["one"], "ssh_config": str(one.config)}
    climb = toy(
        {2: [value(8)], 3: [value(9)]},
        checks=[SCORE | {"executor": "far"}],
        executors={"far": far},
    )
    climb.run(3)
    scores = [each["metrics"] for each in climb.events("CheckFinished")]
    assert scores[:3] == [{"score": 10}, {"score": 8}, {"score": 9}]
    assert {each["host"] for each in climb.events("JobStarted")} == {"one"}
    (run,) = (one.home / ".controlroom" / "runs").iterdir()
    trees = list((run / "trees").iterdir())
    values = {(tree / "work.py").read_text().split()[2] for tree in trees}
    assert values == {"10", "8", "9"}


def test_a_host_with_an_unknown_key_is_not_waited_for(tmp_path: Path, one: Sshd) -> None:
    work = tmp_path / "work"
    work.mkdir()
    lay_out(work)
    driver = Driver(
        work, remote(one).replace("patience: 20s, leash: 40s", "patience: 1h, leash: 2h")
    )
    one.known_hosts.write_text("")
    driver.run("--iterations", "1", status=None)
    (failed,) = [e for e in of_type(driver.events(), "CheckFinished") if e["check"] == "measure"]
    assert failed["verdict"] == "infra"
    assert f"ssh-keyscan -p {one.port}" in failed["detail"]


def test_patterns_that_match_nothing_are_no_candidates_fault(tmp_path: Path, one: Sshd) -> None:
    work = tmp_path / "work"
    work.mkdir()
    lay_out(work)
    driver = Driver(work, remote(one).replace("patience: 20s", "send: ['src/**'], patience: 20s"))
    driver.run("--iterations", "1", status=None)
    (failed,) = [e for e in of_type(driver.events(), "CheckFinished") if e["check"] == "measure"]
    assert failed["verdict"] == "infra"
    assert "matches src/**: correct `send`" in failed["detail"]
