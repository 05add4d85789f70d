"""Final checks: the leaders alone meet them, at the end, and only their judge sees their data."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.driving import Driver, check_turns_of, of_type, wait_for
from tests.sealing import PARAMETERS, SEALED

PRODUCE = """\
import json, os, sys
told = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))
left = {"value": (told["parameters"]["x"] - 3) ** 2 + 1, "seen": os.path.exists(sys.argv[1])}
left["seed"] = told.get("seed", -1)
out = os.environ["CONTROLROOM_PRODUCED"]
json.dump(left, open(os.path.join(out, "left.json"), "w"))
"""
JUDGE = """\
import json, os, sys
left = json.load(open(os.path.join(os.environ["CONTROLROOM_PRODUCED"], "left.json")))
try:
    truth = float(open(sys.argv[1]).read())
except OSError:
    truth = 0.0
score, noise = left["value"], max(0, left["seed"]) % 1000 / 1e5
metrics = {"score": score + noise, "by_truth": score + truth, "seed": left["seed"]}
metrics |= {"made_seeing": int(left["seen"]), "judged_seeing": int(truth > 0)}
report = {"token": os.environ["CONTROLROOM_TOKEN"], "metrics": metrics}
if truth > 50:
    report["failure"] = {"class": "incorrect", "detail": "the truth is too much"}
os.write(int(os.environ["CONTROLROOM_REPORT_FD"]), json.dumps(report).encode())
"""


def world(folder: Path, truth: str = "42", *, report: bool = False) -> Driver:
    (folder / "code").mkdir()
    (folder / "secret").mkdir()
    place = folder / "secret" / "truth.txt"
    place.write_text(truth)
    (folder / "code" / "produce.py").write_text(PRODUCE)
    (folder / "code" / "judge.py").write_text(JUDGE)
    commands = {
        "produce": f"{{python}} -S produce.py {place}",
        "judge": f"{{python}} -S judge.py {place}",
    }
    check = SEALED | commands
    final = check | {"name": "test", "reports": ["by_truth"], "read": ["secret"]}
    campaign = PARAMETERS | {
        "protect": ["judge.py"],
        "checks": [check],
        "finish": {"report": report, "checks": [final]},
        "referee": {"leaders": 2},
        "stop": {"iterations": 5},
    }
    return Driver(folder, yaml.safe_dump(campaign), name="sealed-s0")


def finals(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ended = of_type(events, "RecheckEnded")
    return [each for each in ended if each["purpose"] == "final"]


def test_leaders_alone_are_tested_once_they_were_measured_again(tmp_path: Path) -> None:
    driver = world(tmp_path, report=True)
    driver.run()
    events = driver.events()
    check_turns_of(events)
    purposes = [each["purpose"] for each in of_type(events, "RecheckEnded")]
    assert purposes == sorted(purposes)  # end, then final
    tested = finals(events)
    board = driver.leaderboard()["rows"]
    leaders = [row["candidate"] for row in board[:2]]
    assert [each["candidate"] for each in tested] == list(dict.fromkeys([*leaders, "c-0001"]))
    values = {row["candidate"]: row["value"] for row in board}
    for each in tested:
        assert each["outcome"] == "held"
        assert each["value"] is None
        assert each["metrics"]["by_truth"] == values[each["candidate"]] + 42

    # Only the judge of the final check saw the truth; nothing else ever did.
    for each in of_type(events, "CheckFinished"):
        assert (each["metrics"]["made_seeing"], each["metrics"]["judged_seeing"]) == (0, 0)
    for each in of_type(events, "RecheckChecked"):
        report = each["report"]
        seeing = (report["metrics"]["made_seeing"], report["metrics"]["judged_seeing"])
        assert seeing == (0, int(report["check"] == "test"))

    # The report has the figures, from these very events.
    artifacts = driver.run_dir / "artifacts"
    assert "## The final checks" in (artifacts / "final_paper_report.md").read_text()
    (found,) = artifacts.glob("final_leaderboard_top*.json")
    rows = {row["candidate"]: row for row in json.loads(found.read_text())["rows"]}
    for each in tested:
        final = rows[each["candidate"]]["final_checks"]
        assert final == {"event": each["seq"], "outcome": "held", "metrics": each["metrics"]}
    assert sum(row["final_checks"] is not None for row in rows.values()) == len(tested)
    driver("verify")


def test_one_that_fails_keeps_its_place(tmp_path: Path) -> None:
    driver = world(tmp_path, truth="51")
    driver.run()
    champion = driver.leaderboard()["rows"][0]["candidate"]
    tested = finals(driver.events())
    assert {each["outcome"] for each in tested} == {"failed"}
    assert tested[0]["candidate"] == champion == driver.status()["champion"]["candidate"]
    assert "the truth is too much" in driver("show", champion).stdout


def test_a_run_that_goes_on_is_tested_again_at_its_next_end(tmp_path: Path) -> None:
    driver = world(tmp_path)
    driver.run("--iterations", "2")
    before = finals(driver.events())
    assert before
    driver.run("--iterations", "2")
    assert finals(driver.events()) == before
    driver.run("--iterations", "3")
    assert len(finals(driver.events())) > len(before)


def test_seeds_that_are_told_differ_and_show_noise(tmp_path: Path) -> None:
    driver = world(tmp_path)
    campaign = yaml.safe_load(driver.config.read_text())
    campaign["checks"][0]["seeded"] = True
    campaign["finish"]["checks"][0]["seeded"] = True
    campaign["metric"]["noise"] = "measured"
    campaign["referee"] = {"leaders": 0, "calibrate": 4, "first_pairs": 4, "most_pairs": 4}
    driver.config.write_text(yaml.safe_dump(campaign))
    driver.run("--iterations", "1")
    events = driver.events()
    (noise,) = of_type(events, "NoiseMeasured")
    assert 0 < noise["noise"] < 0.01
    seeds = [each["metrics"]["seed"] for each in of_type(events, "CheckFinished")]
    tested = finals(events)
    assert [each["candidate"] for each in tested] == ["c-0001"]
    seeds.append(tested[0]["metrics"]["seed"])
    assert len(set(seeds)) == len(seeds) == 1 + 8 + 1
    assert all(seed >= 0 for seed in seeds)


def test_what_every_sandbox_shows_is_refused(tmp_path: Path) -> None:
    driver = world(tmp_path)
    campaign = yaml.safe_load(driver.config.read_text())
    (tmp_path / "code" / "hidden").mkdir()
    campaign["finish"]["checks"][0]["read"] = ["code/hidden", "missing"]
    driver.config.write_text(yaml.safe_dump(campaign))
    told = driver("check", str(driver.config), status=2)
    text = told.stdout + told.stderr
    assert "check test: read: every sandbox shows" in text
    assert f"check test: read: there is no {tmp_path / 'missing'}" in text


def test_one_without_time_says_so_and_the_next_end_makes_it_good(tmp_path: Path) -> None:
    driver = world(tmp_path, report=True)
    engine = driver.start("--iterations", "4000")
    wait_for(lambda: driver.begun and len(of_type(driver.events(), "VerdictReached")) > 2)
    driver("finish", "--report-now")
    assert engine.wait(60) == 0
    engine.communicate()
    tested = finals(driver.events())
    champion = driver.status()["champion"]["candidate"]
    assert tested[0]["candidate"] == champion
    assert {each["outcome"] for each in tested} == {"infra"}
    assert "not run: no time was left before the finish" in driver("show", champion).stdout
    said = driver("events").stdout
    assert f"{champion} could not be tested by the final checks: not run" in said
    report = (driver.run_dir / "artifacts" / "final_paper_report.md").read_text()
    assert "no time was left" in report.partition("## The final checks")[2]
    driver("verify")
    number = driver.status()["iteration"]
    driver.run("--iterations", str(number + 1))
    assert finals(driver.events())[len(tested)]["outcome"] == "held"
