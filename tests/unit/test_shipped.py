"""What ships beside the code: campaigns that pass `check`, and files that an installation has."""

import json
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

from engine.cli.checking import check

ROOT: Final = Path(__file__).resolve().parents[2]
CAMPAIGNS: Final = [
    "circle-packing.yaml",
    "cnn.yaml",
    "gdn-v5p.yaml",
    "gdn-v5p-agent.yaml",
    "gdn-v5p-scripted.yaml",
]


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_campaign_that_ships_passes_check(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    check(ROOT / "configs" / name, overrides=(), schema=False, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["problems"]) == (True, [])


def test_none_of_them_is_left_out() -> None:
    assert sorted(path.name for path in (ROOT / "configs").glob("*.yaml")) == sorted(CAMPAIGNS)


@pytest.mark.parametrize("folder", ["prompts", "configs"])
def test_every_file_that_ships_is_installed(folder: str) -> None:
    """As `pyproject.toml` has it; agents without their prompts would not start."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages, data = told["packages"]["find"]["include"], [*told["package-data"]["*"], "*.py"]
    files = [path for path in (ROOT / folder).rglob("*.*") if "__pycache__" not in path.parts]
    assert files
    for path in files:
        package = ".".join(path.relative_to(ROOT).parent.parts)
        assert any(fnmatch(package, pattern) for pattern in packages), package
        assert any(fnmatch(path.name, pattern) for pattern in data), path
