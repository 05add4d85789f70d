"""Packages and campaigns for tests of repairs; nothing of them comes from the network."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from tests.driving import Driver

BACKEND = """\
import zipfile
from pathlib import Path
from typing import Any

INFO = "{name}-1.0.dist-info"

def _wheel(folder, files):
    name = "{name}-1.0-py3-none-any.whl"
    files[INFO + "/METADATA"] = "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n"
    files[INFO + "/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    with zipfile.ZipFile(Path(folder, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(INFO + "/RECORD", "")
    return name

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {{"{name}.py": Path("{name}.py").read_text()}})

def build_editable(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {{"{name}.pth": str(Path.cwd())}})
"""

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "{name}"
version = "1.0"
"""


def make_wheel(folder: Path, name: str, module: str) -> None:
    """A wheel of one module that says `VALUE = 3`."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{module}.py", "VALUE = 3\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", wheel)
        archive.writestr(f"{info}/RECORD", "")


def make_repository(folder: Path, name: str, below: str = "") -> str:
    """The commit of a git repository of one package, in a folder below it."""
    place = folder / below
    place.mkdir(parents=True)
    (place / f"{name}.py").write_text("VALUE = 3\n")
    (place / "backend.py").write_text(BACKEND.format(name=name))
    (place / "pyproject.toml").write_text(PROJECT.format(name=name))
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-qm", "one")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


CAMPAIGN = """\
campaign: {name}
environment: {environment}
baseline: {{x: 0}}
metric: {{name: score, direction: min, noise: none}}
space: {{x: {{int: [0, 9]}}}}
checks:
  - name: train
    run: ["{{python}}", "train.py", {module}]
    deadline: 60s
    reports: [score]
repair: {repair}
stop: {{iterations: 1, failures: 1}}
finish: {{report: false}}
"""

UV = "{uv: {requirements: requirements.txt}}"
VENV = "{{venv: {{requirements: requirements.txt, interpreter: {python}}}}}"

QUICK_UV = """#!/bin/sh
case "$1" in
    --version) echo uv 1.0 ;;
    venv) for last; do :; done; exec {python} -m venv --without-pip "$last" ;;
    pip) shift 3; exec {python} -m pip --python "$1" install -r "$3" ;;
esac
"""
"""It does what uv is asked for, by pip: a `venv` of its own takes ten times as long."""

TRAIN = """\
import importlib, json, os, sys
value = importlib.import_module(sys.argv[1]).VALUE
json.dump({"metrics": {"score": value}}, open(os.environ["CONTROLROOM_RESULT"], "w"))
"""


class Lacking(Driver):
    """A campaign whose check imports a module that its environment has not."""

    def __init__(
        self, folder: Path, name: str, module: str, repair: str, *, venv: bool = False
    ) -> None:
        made = VENV.format(python=sys.executable) if venv else UV
        text = CAMPAIGN.format(name=name, module=module, repair=repair, environment=made)
        super().__init__(folder, text, f"{name}-s0")
        (folder / "train.py").write_text(TRAIN)
        (folder / "requirements.txt").write_text("")
        tools = folder / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "uv").write_text(QUICK_UV.format(python=sys.executable))
        (tools / "uv").chmod(0o755)
        self.offline: dict[str, Any] = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder / "wheels"),
            "PIP_NO_CACHE_DIR": "1",
        }
