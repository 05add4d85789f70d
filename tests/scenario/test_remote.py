"""A campaign whose checks run on hosts that are reached by ssh: real ones, on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.driving import QUICK, Driver, check_history, of_type
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
