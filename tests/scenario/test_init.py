"""`init` looks at a repository and writes a campaign that passes `check` and runs."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli.init import campaign_text, look
from engine.cli.tunables import tunables_of
from engine.core.campaign.load import load_campaign
from engine.core.space import Space
from tests.driving import Driver, check_history, of_type
from tests.recorded import digests

WRONG = 2

TRAINING = """\
import argparse

parser = argparse.ArgumentParser(description="trains for some epochs (a few)")
parser.add_argument("--lr", type=float, default=3e-4, help="the step (of the optimizer)")
parser.add_argument("-b", "--batch-size", type=int, default=48)
parser.add_argument("--momentum", default=0.9, type=float)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument(
    "--weight_decay",
    help="a line of its own (really)",
    default=0.0,
    type=float,
)
a = parser.parse_args()
loss = abs(a.lr - 1e-3) + a.batch_size / 1000 + abs(a.momentum - 0.5) + a.weight_decay
for epoch in range(a.epochs):
    print(f"epoch {epoch} val_loss={loss + 1 / (epoch + 1):.6f}", flush=True)
"""


def empty(folder: Path) -> None:
    assert folder.is_dir()


def package(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "thing"\nversion = "0"\n')
    (folder / "thing").mkdir()
    (folder / "thing" / "__init__.py").write_text("def twice(x):\n    return 2 * x\n")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_thing.py").write_text(
        "from thing import twice\n\ndef test_twice():\n    assert twice(2) == 4\n"
    )


def training(folder: Path) -> None:
    (folder / "train.py").write_text(TRAINING)


def training_with_tests(folder: Path) -> None:
    training(folder)
    (folder / "test_train.py").write_text("def test_it():\n    assert True\n")


def written(folder: Path) -> Driver:
    """A driver for the campaign that `init` wrote."""
    driver = Driver(folder)
    driver.config.unlink()
    driver("init", str(folder))
    assert driver.config.exists()
    return driver


@pytest.mark.parametrize(
    "kind", [empty, package, training, pytest.param(training_with_tests, marks=pytest.mark.long)]
)
def test_what_init_writes_runs(kind: Callable[[Path], None], tmp_path: Path) -> None:
    kind(tmp_path)
    before = digests(tmp_path)
    driver = written(tmp_path)
    before |= {"campaign.yaml": digests(tmp_path)["campaign.yaml"]}
    assert digests(tmp_path) == before
    # What is found on PATH as python has what the repository needs.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    driver("check", "campaign.yaml", PATH=path)
    driver.run("--iterations", "3", PATH=path)
    events = driver.events()
    check_history(events)
    assert len(of_type(events, "VerdictReached")) == 3
    board = driver.leaderboard()
    assert board["rows"][0]["value"] is not None
    again = driver("init", ".", status=WRONG)
    assert "left as it is" in again.stderr
    assert digests(tmp_path)["campaign.yaml"] == before["campaign.yaml"]


def test_the_options_of_a_training_program_are_the_space(tmp_path: Path) -> None:
    training(tmp_path)
    campaign = load_campaign(written(tmp_path).config).campaign
    assert campaign.baseline == {
        "lr": 3e-4, "batch_size": 48, "momentum": 0.9, "weight_decay": 0.0,
    }  # fmt: skip
    (check,) = campaign.checks
    assert "--batch-size {param.batch_size}" in str(check.run)
    assert "--weight_decay {param.weight_decay}" in str(check.run)
    assert "epochs" not in campaign.space


def test_another_file_in_another_folder(tmp_path: Path) -> None:
    repository = tmp_path / "the repository"
    repository.mkdir()
    training(repository)
    driver = Driver(tmp_path)
    driver("init", "the repository", "--output", "mine.yaml")
    assert list(repository.iterdir()) == [repository / "train.py"]
    driver("run", "mine.yaml", "--no-ui", "--iterations", "2")
    assert driver.status()["champion"] is not None
    said = driver("init", "the repository").stdout
    assert "'the repository/campaign.yaml'" in said


NAMES = [
    "my repo (v2)", "123", "ü", "-", "a: b", "#x", "null", "true", "1e5", "0x10", "yes", "...",
    "x" * 90, "日本", "a'b", 'a"b', "~", "{x}", " lead", "a\tb", "a\nb", "-x", "_x", ".hidden",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    path = folder / "campaign.yaml"
    path.write_text(campaign_text(look(folder), path))
    assert load_campaign(path).root == folder.resolve()


DEFAULTS = [
    "0", "0.0", "1e-3", "1e-8", "3e-4", "0.1", "0.9", "0.99", "0.999", "1", "1.0", "2", "48",
    "100", "128", "1e6", "-1", "0.5", "1e-12", ".5", "5.", "1_000", "2**5", "None", "True",
    "float('nan')", "1e400", "'adam'", "LR",
]  # fmt: skip
OPTIONS = ["lr", "learning_rate", "weight-decay", "momentum", "dropout", "batch-size", "batch"]


@pytest.mark.parametrize("option", OPTIONS)
def test_any_default_gives_a_campaign_without_mistakes(option: str, tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    for default in DEFAULTS:
        (tmp_path / "train.py").write_text(
            f"# lr\nparser.add_argument('--{option}', type=float, default={default})\n"
        )
        path.write_text(campaign_text(look(tmp_path), path))
        campaign = load_campaign(path).campaign
        assert Space.from_spec(campaign.space).check(campaign.baseline) == []


@pytest.mark.parametrize("source", ["", "def (", "\0", "x = 1", "add_argument('--lr', default=1)"])
def test_what_is_no_program_has_no_options(source: str) -> None:
    assert tunables_of(source) == ()


def test_a_repository_of_git_is_left_clean(tmp_path: Path) -> None:
    """Only the campaign file is new; runs are kept out of git."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(tmp_path)]
    package(tmp_path)
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "begin"]):
        subprocess.run([*git, *words], check=True)
    driver = written(tmp_path)
    driver.run("--iterations", "1")
    found = subprocess.run([*git, "status", "--short"], check=True, capture_output=True, text=True)
    assert found.stdout.split() == ["??", "campaign.yaml"]
