"""What commands load. How long they take is measured by scripts/measure_start_up.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.driving import REPOSITORY, Driver

TELLING = """\
import json, sys
from engine.cli.main import main
try:
    main(sys.argv[2:])
except SystemExit as end:
    assert not end.code, end.code
with open(sys.argv[1], "w") as file:
    json.dump(sorted({name.partition(".")[0] for name in sys.modules}), file)
"""
SCREEN_AND_KERNELS = {"textual", "rich", "jax", "jaxlib", "tui", "kernels", "libtpu"}
HEAVY = {"pydantic", "anyio", "sqlite3", "yaml", "asyncio", "numpy", "scipy", "wandb", "asyncssh"}
HEAVY |= {"matplotlib"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """A run of two iterations."""
    driver = Driver(tmp_path_factory.mktemp("finished"))
    driver.run("--iterations", "2")
    return driver


def loaded_by(folder: Path, *words: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after a command."""
    told = folder / "modules.json"
    told.unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-P", "-c", TELLING, str(told), *words],
        cwd=folder,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=120,
    )
    return set(json.loads(told.read_text()))


def test_help_loads_next_to_nothing(finished: Driver) -> None:
    for words in (["--help"], ["run", "--help"], ["status", "--help"], ["report", "--help"]):
        loaded = loaded_by(finished.folder, *words)
        assert "click" in loaded
        assert not loaded & (SCREEN_AND_KERNELS | HEAVY | {"msgspec"})


@pytest.mark.parametrize(
    "command",
    [
        "status", "leaderboard", "events", "logs", "stop", "show 2", "show 2 --json",
        "show 2 --checks", "directive list", "directive add x", "stash list",
    ],
)  # fmt: skip
def test_looking_at_a_run_loads_no_model_and_no_screen(command: str, finished: Driver) -> None:
    loaded = loaded_by(finished.folder, *command.split())
    assert "sqlite3" in loaded
    assert not loaded & (SCREEN_AND_KERNELS | HEAVY - {"sqlite3"})


def test_a_report_loads_what_draws_and_nothing_else_does(finished: Driver) -> None:
    loaded = loaded_by(finished.folder, "report")
    assert "matplotlib" in loaded
    assert not loaded & (SCREEN_AND_KERNELS | {"pydantic", "scipy"})


def test_running_loads_no_screen_and_no_kernel(finished: Driver) -> None:
    words = ["run", "campaign.yaml", "--no-ui", "--new", "--iterations", "2"]
    loaded = loaded_by(finished.folder, *words)
    assert {"anyio", "pydantic"} <= loaded
    assert not loaded & (SCREEN_AND_KERNELS | {"matplotlib"})


def test_checking_the_kernel_campaign_loads_no_kernel(finished: Driver) -> None:
    config = REPOSITORY / "configs" / "gdn-v5p.yaml"
    loaded = loaded_by(finished.folder, "check", str(config))
    assert not loaded & (SCREEN_AND_KERNELS - {"libtpu"})


def test_the_screen_loads_no_kernel_and_no_model(finished: Driver) -> None:
    code = "import json, sys, tui.__main__; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=finished.folder,
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "textual" in loaded
    assert not loaded & {"jax", "jaxlib", "kernels", "pydantic", "numpy", "scipy", "wandb"}
