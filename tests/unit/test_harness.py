"""Whether the files that judge are what they were."""

import itertools
import os
from pathlib import Path

import pytest

from engine.checks.harness import Harness


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("judge.py", "data/a.txt", "data/deep/b.txt", "code/work.py", ".git/config"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "data" / "link").symlink_to("a.txt")
    return tmp_path


def test_it_knows_its_files(folder: Path) -> None:
    harness = Harness(folder, ["judge.py", "data/**", "nothing"])
    assert sorted(harness.digests) == ["data/a.txt", "data/deep/b.txt", "data/link", "judge.py"]
    assert harness.changed() == []
    assert harness.trouble() == ""
    assert harness.sha256 == Harness(folder, ["data", "*.py"]).sha256


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda top: (top / "judge.py").write_text("judge.pY"), "judge.py"),
        (lambda top: (top / "judge.py").unlink(), "judge.py"),
        (lambda top: (top / "data/new").mkdir() or (top / "data/new/c").touch(), "data/new/c"),
        (lambda top: (top / "code/work.py").replace(top / "data/a.txt"), "data/a.txt"),
        (lambda top: (top / "data/link").unlink() or (top / "data/link").touch(), "data/link"),
    ],
)  # fmt: skip
def test_every_change_is_seen(folder: Path, change: object, named: str) -> None:
    harness = Harness(folder, ["judge.py", "data/**"])
    assert callable(change)
    change(folder)
    assert harness.changed() == [named]
    assert harness.trouble().startswith(f"what judges was changed under the run: {named} in ")


def test_a_change_that_keeps_size_and_times_is_seen(folder: Path) -> None:
    harness, path = Harness(folder, ["judge.py"]), folder / "judge.py"
    before = path.stat()
    path.write_text("JUDGE.PY")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert harness.changed() == ["judge.py"]


def test_a_change_right_after_it_was_read_is_seen(folder: Path) -> None:
    # Where the clock of the files ticks slowly, most of these leave their stamps as they are.
    path = folder / "judge.py"
    for content in itertools.islice(itertools.cycle(["first", "other"]), 200):
        path.write_text(content)
        harness = Harness(folder, ["judge.py"])
        path.write_text("third")
        assert harness.changed() == ["judge.py"]


def test_a_change_is_told_again_and_again_until_it_is_undone(folder: Path) -> None:
    harness, path = Harness(folder, ["*"]), folder / "judge.py"
    path.write_text("JUDGE.PY")
    assert [harness.changed() for _ in range(3)] == [["judge.py"]] * 3
    path.write_text("judge.py")
    assert harness.changed() == []


def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(folder: Path) -> None:
    harness = Harness(folder, ["*"])
    (folder / "judge.py").unlink()
    os.mkfifo(folder / "judge.py")
    assert harness.changed() == ["judge.py"]
    assert Harness(folder, ["*"]).changed() == []


def test_a_link_to_other_files_with_the_same_content_is_seen(folder: Path) -> None:
    harness = Harness(folder, ["*"])
    os.link(folder / "data" / "a.txt", folder / ".git" / "a.txt")
    (folder / "data" / "link").unlink()
    (folder / "data" / "link").symlink_to("../.git/a.txt")
    assert harness.changed() == ["data/link"]


def test_a_file_that_was_only_touched_is_the_same(folder: Path) -> None:
    harness = Harness(folder, ["judge.py"])
    os.utime(folder / "judge.py")
    assert harness.changed() == []


def test_other_files_are_nobodys_business(folder: Path) -> None:
    harness = Harness(folder, ["*"])
    (folder / ".git" / "config").write_text("other")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "judge.pyc").touch()
    assert harness.changed() == []


def test_only_some_names_are_told(folder: Path) -> None:
    harness = Harness(folder, ["data"])
    for number in range(9):
        (folder / "data" / f"n{number}").touch()
    assert "data/n0, data/n1, data/n2 and 6 more" in harness.trouble()
