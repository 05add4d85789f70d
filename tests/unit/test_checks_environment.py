"""What `{python}` stands for: found, or made once for each content of its requirements."""

import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import TypeAdapter

from engine.checks.environment import (
    EnvironmentFailedError,
    Interpreter,
    environments_folder,
    find_interpreter,
    prepare,
)
from engine.checks.preflight import missing_requirements
from engine.checks.requirements import RequirementsError, environment_name
from engine.core.campaign.environment import Environment
from engine.executors.local import Local
from engine.runfolder.paths import RunPaths, create_run_folder
from tests.checking import campaign_of

ADAPTER: TypeAdapter[Environment] = TypeAdapter(Environment)

FAKE_UV = """#!/bin/sh
echo "$@" >> "$UV_CALLS"
case "$1" in
    --version) echo uv 1.0 ;;
    venv) sleep 0.3; for last; do :; done; mkdir -p "$last/bin"; ln -s "$REAL" "$last/bin/python" ;;
    pip) [ ! -e "$UV_CALLS.broken" ] || { echo "no such package: nonesuch" >&2; exit 1; } ;;
esac
"""


class Place:
    """A folder with requirements and a uv that only pretends."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls"
        self.requirements = root / "requirements.txt"
        self.requirements.write_text("nothing\n")
        uv = root / "tools" / "uv"
        uv.parent.mkdir()
        uv.write_text(FAKE_UV)
        uv.chmod(0o755)
        self.environ = {
            "PATH": f"{uv.parent}:{os.environ['PATH']}",
            "UV_CALLS": str(self.calls),
            "UV_INDEX_URL": "https://me:pass-w0rd@packages.example/simple",
        }
        self.paths = create_run_folder(root / ".controlroom/runs/one")

    async def prepare(self, paths: RunPaths | None = None, **uv: Any) -> Interpreter:
        environment = ADAPTER.validate_python({"uv": {"requirements": "requirements.txt", **uv}})
        # UV_ variables are handed on; the script takes the Python behind its environments so.
        environ = self.environ | {"UV_REAL": sys.executable}
        return await prepare(
            environment, self.root, paths or self.paths, executor=Local(), environ=environ
        )

    def made(self) -> int:
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return sum(line.startswith("venv") for line in lines)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    script = tmp_path / "tools" / "uv"
    script.write_text(script.read_text().replace("$REAL", "$UV_REAL"))
    return place


@pytest.mark.anyio
async def test_it_is_made_once_and_its_programs_are_found_first(place: Place) -> None:
    first = await place.prepare()
    assert await place.prepare() == first
    assert place.made() == 1
    assert first.folder is not None
    assert Path(first.python) == first.folder / "bin" / "python"
    applied = first.applied({"PATH": "/bin", "HOME": "/h"})
    assert applied == {
        "PATH": f"{first.folder}/bin:/bin",
        "HOME": "/h",
        "VIRTUAL_ENV": str(first.folder),
    }


@pytest.mark.anyio
async def test_other_content_is_another_environment(place: Place) -> None:
    first = await place.prepare()
    place.requirements.write_text("other\n")
    second = await place.prepare()
    third = await place.prepare(python="3.12")
    assert len({first.python, second.python, third.python}) == 3
    assert "venv --python 3.12" in place.calls.read_text()


@pytest.mark.anyio
async def test_makers_at_once(place: Place) -> None:
    """Two engines, each a process: the lock of one process does not hold itself back."""
    program = (
        "import anyio, sys; sys.path[:0] = [sys.argv[1]]\n"
        "from pathlib import Path\n"
        "from tests.unit.test_checks_environment import again\n"
        "anyio.run(again, Path(sys.argv[2]), sys.argv[3])\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    async with anyio.create_task_group() as tasks:
        for name in ("one", "two", "three"):
            command = [sys.executable, "-P", "-c", program, root, str(place.root), name]
            tasks.start_soon(lambda command: anyio.run_process(command, stdout=None), command)
    assert place.made() == 1
    said = {
        (place.root / name).read_text() for name in ("one.python", "two.python", "three.python")
    }
    assert len(said) == 1


async def again(root: Path, name: str) -> None:
    """One of several makers."""
    place = Place.__new__(Place)
    place.root = root
    place.calls = root / "calls"
    place.environ = {
        "PATH": f"{root / 'tools'}:{os.environ['PATH']}",
        "UV_CALLS": str(root / "calls"),
    }
    made = await place.prepare(create_run_folder(root / ".controlroom/runs" / name))
    (root / f"{name}.python").write_text(made.python)


@pytest.mark.anyio
async def test_a_failure_is_told_and_made_good_later(place: Place) -> None:
    broken = place.root / "calls.broken"
    broken.touch()
    with pytest.raises(EnvironmentFailedError, match="no such package: nonesuch") as caught:
        await place.prepare()
    log = place.paths.logs / "environment.log"
    assert str(log) in str(caught.value)
    assert "no such package" in log.read_text()
    broken.unlink()
    assert (await place.prepare()).folder is not None
    # What the failed attempt left is gone.
    folders = [path for path in environments_folder(place.paths).iterdir() if path.is_dir()]
    assert len({path.resolve() for path in folders}) == 1


@pytest.mark.anyio
async def test_credentials_of_an_index_are_not_logged(place: Place) -> None:
    script = place.root / "tools" / "uv"
    script.write_text(script.read_text() + 'echo "index $UV_INDEX_URL"\n')
    await place.prepare()
    log = (place.paths.logs / "environment.log").read_text()
    assert "packages.example" in log
    assert "pass-w0rd" not in log


@pytest.mark.anyio
async def test_a_real_venv(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    (tmp_path / "requirements.txt").write_text("# nothing to install\n")
    environment = ADAPTER.validate_python(
        {"venv": {"requirements": "requirements.txt", "interpreter": sys.executable}}
    )
    paths = create_run_folder(tmp_path / ".controlroom/runs/one")
    made = await prepare(environment, tmp_path, paths, executor=Local())
    said = await anyio.run_process([made.python, "-c", "import sys; print(sys.prefix)"])
    assert said.stdout.decode().strip() == str(made.folder)
    pip = await anyio.run_process([str(made.folder / "bin" / "pip"), "--version"])  # type: ignore[operator]
    assert str(made.folder) in pip.stdout.decode()


def test_an_interpreter_is_found(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"]}
    assert find_interpreter("own", tmp_path, environ) == sys.executable
    assert find_interpreter("path", tmp_path, environ).endswith("python3")
    active = tmp_path / "venv/bin/python"
    active.parent.mkdir(parents=True)
    active.symlink_to(sys.executable)
    with_active = environ | {"VIRTUAL_ENV": str(tmp_path / "venv")}
    assert find_interpreter("path", tmp_path, with_active) == str(active)
    assert find_interpreter("venv/bin/python", tmp_path, environ) == str(active)
    for name in ("python9.99", "nowhere/bin/python"):
        with pytest.raises(EnvironmentFailedError, match="there is no"):
            find_interpreter(name, tmp_path, environ)


def test_the_name_follows_every_included_file(tmp_path: Path) -> None:
    top, below, limits = (tmp_path / name for name in ("top.txt", "below.txt", "limits.txt"))
    top.write_text("a\n-r below.txt\n--constraint=limits.txt # why\n-r https://example.org/x\n")
    below.write_text("b\n-r top.txt\n")
    limits.write_text("c<1\n")
    names = [environment_name("venv", "3.11", top)]
    for path in (below, limits, top):
        path.write_text(path.read_text() + "more\n")
        names.append(environment_name("venv", "3.11", top))
    names.append(environment_name("venv", "3.12", top))
    assert len(set(names)) == 5
    below.unlink()
    with pytest.raises(RequirementsError, match=r"below\.txt cannot be read"):
        environment_name("venv", "3.11", top)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "plain.sh").write_text("true\n")
    campaign = campaign_of(
        {"name": "one", "run": "no-such-program --x", "env": {"pass": ["UNSET_A"]}},
        {"name": "two", "run": "./plain.sh", "env": {"secret": ["UNSET_B", "PIN"]}},
        {"name": "three", "run": "./gone.sh", "metrics": {"x": {"json": "o.json", "path": "x"}}},
        {"name": "four", "run": "{python} x.py | cat", "shell": True},
        {"name": "five", "run": "true", "metrics": {"x": {"json": "{step_dir}/o", "path": "x"}}},
        environment={"interpreter": "python9.99"},
    )
    environ = {"PATH": os.environ["PATH"], "PIN": "123"}
    found = missing_requirements(campaign, tmp_path, environ, slots=2)
    expected = [
        "environment: there is no python9.99 on PATH",
        "check one: the variable UNSET_A is not set",
        "check one: there is no program no-such-program on PATH",
        "check two: the variable UNSET_B is not set",
        "check two: the secret PIN has fewer than 4 characters",
        "plain.sh is not executable",
        "gone.sh; correct `run`",
        "check three: metric x is read from o.json",
    ]
    assert len(found) == len(expected)
    for sentence, part in zip(found, expected, strict=True):
        assert part in sentence
    assert len(missing_requirements(campaign, tmp_path, environ, slots=1)) == len(expected) - 1
    assert missing_requirements(campaign, tmp_path / "gone", environ) == [
        f"root: the folder {tmp_path / 'gone'} does not exist; correct `root`"
    ]


def test_nothing_is_missing(tmp_path: Path) -> None:
    campaign = campaign_of({"run": "true"}, environment={"interpreter": "own"})
    assert missing_requirements(campaign, tmp_path, {"PATH": os.environ["PATH"]}) == []


def test_a_missing_requirements_file_and_a_missing_uv(tmp_path: Path) -> None:
    for kind in ("venv", "uv"):
        campaign = campaign_of({"run": "true"}, environment={kind: {"requirements": "r.txt"}})
        found = missing_requirements(campaign, tmp_path, {"PATH": os.environ["PATH"]})
        assert len(found) == 1
        assert found[0].startswith("environment: ")
