"""The training campaign: its images, its programs, and a small run of it to the report."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.agents.script import read_script
from engine.checks.boxes import Boxes, Ground
from engine.core.campaign.load import load_campaign
from engine.core.decisions.parts import Decision
from engine.core.space import Space
from engine.executors.local import Local
from engine.executors.protocol import Box, Command, Finished, Marker
from engine.knowledge.decision_answers import read_decision
from engine.mentor.reading import read_review
from engine.runfolder.paths import RunPaths
from tests.driving import REPOSITORY, Driver, check_history, of_type

CAMPAIGN = REPOSITORY / "configs" / "cnn.yaml"
PROGRAMS = CAMPAIGN.parent / "cnn"
DATA = REPOSITORY / ".data" / "fashion-mnist"
LOADED = load_campaign(CAMPAIGN)
ENV = LOADED.campaign.env.set
DIGESTS = {
    "test/t10k-images-idx3-ubyte.gz": "cc1d090a38ace84d",
    "test/t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44",
    "train/train-images-idx3-ubyte.gz": "b0564c3eedabfbf8",
    "train/train-labels-idx1-ubyte.gz": "0ae29f65d86684f3",
}


def python(program: str, **env: str) -> Any:
    """What a program prints as JSON, with the campaign's own modules beside it."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROGRAMS,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROGRAMS)} | ENV | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_images_are_the_known_ones_and_their_licence_lies_beside_them() -> None:
    for name, digest in DIGESTS.items():
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest().startswith(digest), name
    licence = (DATA / "LICENCE").read_text()
    assert "Zalando SE" in licence
    assert "Permission is hereby granted, free of charge" in licence


SPLITS = """
import hashlib, json, data
parts = [data.training(), data.validation(), data.open_test()]
seen = [{hashlib.sha256(image.tobytes()).digest() for image in images} for images, _ in parts]
pixels = parts[0][0]
print(json.dumps({
    "sizes": [[len(images), len(labels), len(set(labels.tolist()))] for images, labels in parts],
    "shape": pixels.shape[1:], "shared": [len(a & b) for a in seen for b in seen if a is not b],
    "mean": [pixels.mean() / 255, data.MEAN], "deviation": [pixels.std() / 255, data.DEVIATION],
}))
"""


def test_the_three_parts_share_no_image() -> None:
    told = python(SPLITS)
    assert told["sizes"] == [[50_000, 50_000, 10], [10_000, 10_000, 10], [10_000, 10_000, 10]]
    assert told["shape"] == [28, 28]
    assert told["shared"] == [0] * 6
    assert told["mean"][0] == pytest.approx(told["mean"][1], abs=1e-3)
    assert told["deviation"][0] == pytest.approx(told["deviation"][1], abs=1e-3)


TRAINED = """
import json, numpy as np, data, judge, train
from flax.traverse_util import flatten_dict
from model import network
base = json.loads(GIVEN)
def weights(seed):
    tree, _ = train.trained(base, seed, 512)
    named = flatten_dict(tree["params"], sep="/")
    return tree, {name: np.asarray(each) for name, each in named.items()}
tree, first = weights(1)
_, again = weights(1)
_, other = weights(2)
images, labels = data.validation(200)
by_judge = judge.logits(first, base, images)
by_network = network(base).apply(tree, data.pixels_of(images, base["pixels"]))
errors = [judge.error(each, base, (images, labels)) for each in (first, again, other)]
wrong = dict(first) | {"Dense_1/bias": np.zeros(11, np.float32)}
try:
    judge.error(wrong, base, (images, labels))
    refused = ""
except ValueError as error:
    refused = str(error)
print(json.dumps({
    "same": all(np.array_equal(first[name], again[name]) for name in first),
    "differs": not np.array_equal(first["Dense_0/kernel"], other["Dense_0/kernel"]),
    "apart": float(np.abs(by_judge - np.asarray(by_network)).max()),
    "errors": errors, "refused": refused,
}))
"""


def test_a_seed_decides_the_weights_and_the_judge_computes_the_same_network(
    tmp_path: Path,
) -> None:
    # Three blocks halve odd sizes, too; the rest is what the baseline leaves out.
    changed = {"blocks": 3, "dropout": 0.2, "pixels": "standard", "pool": "mean"}
    changed |= {"augment": "both", "schedule": "cosine", "batch": 64}
    given = json.dumps(dict(LOADED.campaign.baseline) | changed)
    compiled_once = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    told = python(f"GIVEN = {given!r}\n{TRAINED}", **compiled_once)
    assert told["same"]
    assert told["differs"]
    assert told["apart"] < 1e-4
    assert told["errors"][0] == told["errors"][1]
    assert all(0 <= error <= 100 for error in told["errors"])
    assert "(11,)" in told["refused"]


class Heard:
    """A log that is kept in memory."""

    def __init__(self) -> None:
        self.text = ""

    async def write(self, data: bytes) -> None:
        self.text += data.decode()

    async def flush(self) -> None:
        pass


def boxes(tmp_path: Path) -> tuple[Box, Box, Box]:
    """Those of a training, of its judge, and of the final check's judge."""
    paths = RunPaths(tmp_path / "run")
    made = Boxes(LOADED.campaign.sandbox, CAMPAIGN.parent, sys.executable, paths)
    ground = Ground.of_campaign(LOADED.root.resolve(), LOADED.campaign.protect)
    told, left = tmp_path / "told", tmp_path / "left"
    told.mkdir()
    left.mkdir()
    (final,) = LOADED.campaign.final_checks
    judge = made.judge(ground, told, left)
    return made.produce(ground, told, left), judge, made.judge(ground, told, left, final.read)


LOOKING = "import data; data.training(9); print(len(data.open_test(5)[1]), 'seen')"


def test_no_sandbox_but_the_final_judges_shows_the_test_split(tmp_path: Path) -> None:
    async def looked(box: Box) -> tuple[object, str]:
        heard = Heard()
        command = Command(
            run=(sys.executable, "-c", LOOKING),
            cwd=PROGRAMS,
            env={"PYTHONPATH": str(PROGRAMS)},
            marker=Marker(str(tmp_path), f"{tmp_path}#looking"),
            deadline_s=60,
            box=box,
        )
        return await Local().run(command, log=heard), heard.text

    training, judge, final = boxes(tmp_path)
    for box in (training, judge):
        ended, text = anyio.run(looked, box)
        assert isinstance(ended, Finished)
        assert ended.exit_code == 1
        assert "NoDataError" in text
        assert "t10k" in text
    ended, text = anyio.run(looked, final)
    assert (ended, text) == (Finished(exit_code=0), "5 seen\n")


def few(folder: Path, images: int, *more: str) -> tuple[Driver, list[str]]:
    """A run of the campaign that trains on few images; and how it is called."""
    driver = Driver(folder, "", name="cnn-s0")
    less = [f"env.set.CNN_IMAGES='{images}'", "env.set.CNN_JUDGED='500'", *more]
    overrides = [word for each in less for word in ("--set", each)]
    return driver, ["run", str(CAMPAIGN), "--no-ui", "--run-dir", str(driver.run_dir), *overrides]


def small(folder: Path, *more: str) -> tuple[Driver, list[str]]:
    """The same, on as few as there is anything to see by."""
    return few(folder, 640, *more)


def said(script: str, turn: str) -> str:
    """What a script that ships answers in a turn."""
    steps = read_script(CAMPAIGN.parent / "scripts" / script).steps(int(turn), 1)
    return next(json.dumps(step.value) for step in steps if step.kind == "answer")


def test_what_the_scripted_pair_says_is_in_order() -> None:
    space = Space.from_spec(LOADED.campaign.space)
    script = read_script(CAMPAIGN.parent / "scripts" / "cnn-worker.yaml")
    decisions: list[Decision] = []
    for turn in [*script.turns, "99"]:
        reading = read_decision(said("cnn-worker.yaml", turn), None, space)
        assert reading.decision is not None
        assert reading.problems == []
        decisions.append(reading.decision)
        for name, value in reading.decision.parameters.items():
            assert not space.domain(name).problem(value), (turn, name)
    begun = [each for each in decisions if each.action in ("run", "propose")]
    assert len(begun) >= 9, "enough for ten iterations"
    assert {"run", "propose", "wait", "shut_down"} == {each.action for each in decisions}
    assert {each.category for each in begun} >= {
        "augmentation", "preprocessing", "data_sampling", "loss", "model_arch", "optimization",
    }  # fmt: skip
    assert len({each.label for each in begun}) == len(begun)
    assert all(len(each.rationale) >= 60 for each in decisions)
    for turn in ("1", "2", "99"):
        assert read_review(said("cnn-mentor.yaml", turn), None).problems == []


def test_a_small_run_ends_with_the_test_error_of_the_leaders(tmp_path: Path) -> None:
    driver, call = small(tmp_path, "metric.noise=none", "referee={leaders: 0}", "mentor.every=1")
    driver(*call, "--iterations", "2", timeout_s=280)
    events = driver.events()
    checked = of_type(events, "CheckFinished")
    assert {each["check"] for each in checked} == {"train"}
    assert all(set(each["metrics"]) == {"val_error", "train_s"} for each in checked)
    tested = [each for each in of_type(events, "RecheckEnded") if each["purpose"] == "final"]
    champion = driver.status()["champion"]["candidate"]
    assert tested[0]["candidate"] == champion
    assert "c-0001" in [each["candidate"] for each in tested]
    assert all(0 < each["metrics"]["test_error"] < 100 for each in tested)
    report = (driver.run_dir / "artifacts" / "final_paper_report.md").read_text()
    section = report.partition("## The final checks")[2].partition("\n## ")[0]
    for each in tested:
        assert each["candidate"] in section
        assert f"{each['metrics']['test_error']:.6g}" in section
    last = max(each["seq"] for each in of_type(events, "VerdictReached"))
    assert min(each["seq"] for each in tested) > last

    chosen = [each["chosen"] for each in of_type(events, "CandidateProposed") if each["chosen"]]
    assert [each["decision"] for each in chosen] == ["w-0001"]
    assert "worker" in {each["by"] for each in of_type(events, "TodoAdded")}


@pytest.mark.long
def test_the_scripted_pair_works_for_ten_iterations(tmp_path: Path) -> None:
    driver, call = few(tmp_path, 2000, "metric.noise=none", "referee={leaders: 2}")
    driver(*call, "--iterations", "10", timeout_s=1500)
    events = driver.events()
    check_history(events)
    assert len(of_type(events, "VerdictReached")) == 10
    gated = of_type(events, "DecisionGated")
    assert [each["issues"] for each in gated] == [[]] * len(gated)
    begun = [each for each in of_type(events, "DecisionTaken") if each["candidate"]]
    assert len(begun) == 9
    reviews = of_type(events, "ReviewFinished")
    assert [each["outcome"] for each in reviews] == ["answered"] * 2
    assert {each["by"] for each in of_type(events, "TodoAdded")} == {"worker", "mentor"}
    assert {each["by"] for each in of_type(events, "NoteTaken")} == {"worker", "mentor"}
    finished = of_type(events, "RunFinished")[-1]
    assert (finished["reason"], finished["exit_status"]) == ("iterations", 0)
    artifacts = driver.run_dir / "artifacts"
    report = (artifacts / "final_paper_report.md").read_text()
    assert "## The final checks" in report
    for page in ("shared_todo.md", "workpad.md", "mentor_notes.md", "storyline.md"):
        assert (artifacts / page).stat().st_size > 200, page
    lines = (artifacts / "storyline.md").read_text().splitlines()
    assert sum(line.startswith("- 0") for line in lines) == 10
    driver("verify")


@pytest.mark.long
def test_gains_are_judged_against_what_another_seed_is_worth(tmp_path: Path) -> None:
    driver, call = small(tmp_path, "proposers=[{kind: evolution, slots: 2}]")
    driver(*call, "--iterations", "4", timeout_s=3000)
    events = driver.events()
    (noise,) = of_type(events, "NoiseMeasured")
    assert noise["noise"] > 0
    judged = [each for each in of_type(events, "VerdictReached") if each["iteration"] > 1]
    assert len(judged) == 3
    assert all(each["decision"]["pairs"] >= 4 for each in judged if each["decision"])
