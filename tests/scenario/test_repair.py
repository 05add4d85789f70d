"""A check that lacks a package or a model, by the real command: what is done, and what is told."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.driving import Driver, check_turns_of, of_type
from tests.repairing import Lacking, make_repository, make_wheel

MODEL = """\
campaign: {name}
environment: {{interpreter: own}}
baseline: {{{baseline}}}
metric: {{name: score, direction: min, noise: none}}
space: {space}
checks:
  - name: train
    run: ["{{python}}", "-I", "-S", train.py{config}]
    deadline: 20s
    reports: [score]
repair: {repair}
stop: {{iterations: {iterations}, failures: 9}}
finish: {{report: false}}
"""

KNOWS = """\
import json, os, re, sys
parameters = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))["parameters"]
model = parameters.get("model")
if len(sys.argv) > 1:
    model = re.search(r"^model:\\n  name: \\"?(\\w+)", open(sys.argv[2]).read(), re.M)[1]
if model != "small":
    raise SystemExit(f"ValueError: Unsupported model.name: '{model}'")
json.dump({"metrics": {"score": 3}}, open(os.environ["CONTROLROOM_RESULT"], "w"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One working folder: its environments are made once for all that need the same."""
    found = tmp_path_factory.mktemp("repairs")
    make_wheel(found / "wheels", "gizmo_pack", "gizmo")
    return found


def outcomes(events: list[dict[str, Any]]) -> list[Any]:
    return [event["outcome"] for event in of_type(events, "CheckFinished")]


def test_nothing_is_installed_unasked(folder: Path) -> None:
    driver = Lacking(folder, "unasked", "gizmo", "{modules: {gizmo: gizmo_pack}, guess: true}")
    driver.run(status=4, **driver.offline)
    events = driver.events()
    (skipped,) = of_type(events, "RepairSkipped")
    assert skipped["found"]["name"] == "gizmo"
    assert "unasked" in skipped["reason"]
    assert of_type(events, "RepairStarted") == []
    assert outcomes(events) == ["failed"]
    assert len(links(folder)) == 1


def links(folder: Path) -> list[Path]:
    """The environments that were made."""
    return [path for path in (folder / ".controlroom/environments").iterdir() if path.is_symlink()]


def test_a_package_is_installed_once_into_an_environment_of_its_own(folder: Path) -> None:
    driver = Lacking(folder, "wheel", "gizmo", "{install: true, modules: {gizmo: [gizmo_pack]}}")
    driver.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT="repair.ended:1", **driver.offline)
    driver.run(**driver.offline)
    events = driver.events()
    check_turns_of(events)
    assert outcomes(events) == ["failed", "passed"]
    first, second = of_type(events, "RepairStarted")
    assert (first["repair"], first["attempt"]) == ("p-0001", 1)
    assert (second["repair"], second["attempt"]) == ("p-0001", 2)
    (finished,) = of_type(events, "RepairFinished")
    assert finished["lines"] == ["gizmo_pack"]
    assert "gizmo_pack" in (driver.run_dir / finished["requirements"]).read_text()
    assert (folder / "requirements.txt").read_text() == ""
    assert len(links(folder)) == 2
    assert "p-0001 repaired" in driver("events").stdout
    # Another engine stands on what the last one has made, and measures in no other environment.
    driver.run("--iterations", "2", **driver.offline)
    events = driver.events()
    assert outcomes(events) == ["failed", "passed", "passed"]
    assert len(links(folder)) == 2
    fingerprint = of_type(events, "EngineStarted")[-1]["fingerprint"]["environment"]
    assert "repaired" in fingerprint
    assert of_type(events, "ChampionMeasured") == []


@pytest.mark.long
def test_a_package_is_installed_by_venv_and_pip_too(folder: Path) -> None:
    repair = "{install: true, modules: {gizmo: [gizmo_pack]}}"
    driver = Lacking(folder, "venv", "gizmo", repair, venv=True)
    driver.run(**driver.offline)
    assert outcomes(driver.events()) == ["failed", "passed"]


def test_a_wrong_guess_fails_alone(folder: Path) -> None:
    driver = Lacking(
        folder, "guess", "no_such_thing", "{install: true, guess: true, python: '3.11'}"
    )
    driver.run(status=4, **driver.offline)
    events = driver.events()
    (finished,) = of_type(events, "RepairFinished")
    assert finished["outcome"] == "failed"
    assert [each["way"]["packages"] for each in finished["tried"]] == [["no-such-thing"]]
    assert "no-such-thing" in finished["tried"][0]["detail"]
    log = (driver.run_dir / finished["log"]["path"]).read_bytes()
    told = log[finished["log"]["start"] : finished["log"]["end"]].decode()
    assert "venv --python 3.11" in told
    assert "no-such-thing" in told


def test_an_environment_that_takes_too_long_is_given_up(folder: Path) -> None:
    repair = "{install: true, modules: {gizmo: [gizmo_pack, more]}, deadline: 0.01s}"
    driver = Lacking(folder, "slow", "gizmo", repair)
    driver.run(status=4, **driver.offline)
    (finished,) = of_type(driver.events(), "RepairFinished")
    assert finished["outcome"] == "failed"
    assert "not made within 0.01 s" in finished["tried"][0]["detail"]
    assert driver.marked() == []


def test_without_a_retry_the_failure_stands(folder: Path) -> None:
    repair = "{install: true, retry: false, modules: {gizmo: [gizmo_pack]}}"
    driver = Lacking(folder, "once", "gizmo", repair)
    driver.run(status=4, **driver.offline)
    events = driver.events()
    assert outcomes(events) == ["failed"]
    (finished,) = of_type(events, "RepairFinished")
    assert (finished["outcome"], finished["again"]) == ("repaired", False)


def test_a_repository_helps_where_its_package_cannot_be_had(folder: Path) -> None:
    commit = make_repository(folder / "source", "widget", "python")
    repair = (
        "{install: true, modules: {widget: widget_pack}, "
        "clones: {widget: {repo: source, ref: main, subdir: python}}}"
    )
    driver = Lacking(folder, "clone", "widget", repair)
    driver.run(**driver.offline)
    events = driver.events()
    assert outcomes(events) == ["failed", "passed"]
    (finished,) = of_type(events, "RepairFinished")
    assert [each["worked"] for each in finished["tried"]] == [False, True]
    (line,) = finished["lines"]
    assert line.startswith("-e git+file://")
    assert line.endswith(f"@{commit}#egg=widget&subdirectory=python")


def fallen_back(driver: Driver) -> list[dict[str, Any]]:
    events = driver.events()
    check_turns_of(events)
    assert outcomes(events) == ["failed", "passed"]
    return of_type(events, "RepairFinished")


def test_another_model_is_put_into_a_copy_of_the_configuration(tmp_path: Path) -> None:
    text = MODEL.format(
        name="copy",
        baseline="x: 0",
        space="{x: {int: [0, 9]}}",
        config=", --config, net.yaml",
        repair="{fallbacks: {big: small}}",
        iterations=1,
    )
    driver = Driver(tmp_path, text, "copy-s0")
    original = "data:\n  name: big\nmodel:\n  name: big  # a comment\n"
    (tmp_path / "net.yaml").write_text(original)
    (tmp_path / "train.py").write_text(KNOWS)
    driver.run()
    (finished,) = fallen_back(driver)
    assert (tmp_path / "net.yaml").read_text() == original
    (copy,) = (driver.run_dir / "repairs" / "p-0001").iterdir()
    assert copy.read_text() == original.replace("  name: big  #", '  name: "small"  #')
    assert finished["fallback"]["to"] == "small"
    (row,) = driver.leaderboard()["rows"]
    assert "repaired" in row["tags"]


def test_another_model_is_put_into_the_parameter(tmp_path: Path) -> None:
    text = MODEL.format(
        name="parameter",
        baseline="model: big",
        space="{model: {choices: [big, small]}}",
        config="",
        repair="{fallbacks: {big: small}, install: true, model_packages: {big: [gizmo]}}",
        iterations=1,
    )
    driver = Driver(tmp_path, text, "parameter-s0")
    (tmp_path / "train.py").write_text(KNOWS)
    driver.run()
    (finished,) = fallen_back(driver)
    assert finished["fallback"]["parameter"] == "model"
    assert finished["lines"] == []
    page = driver("show", "1").stdout
    assert "repairs\n  p-0001: train lacks the model big: repaired in " in page
    assert "small instead of big (model)" in page
    repairs = {"begun": 1, "repaired": 1, "failed": 0, "skipped": 0, "open": None}
    assert driver.status()["repairs"] == repairs
