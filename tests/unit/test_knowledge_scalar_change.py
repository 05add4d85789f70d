"""Changes that alter nothing but constants, told from all others."""

import subprocess
from pathlib import Path

import pytest

from engine.core.parts import FileChange
from engine.knowledge.scalar_change import may_be_scalar, scalar_only

BEFORE = """\
CHUNK = 128
LEAF, RATE = 4, 1e-3
# a remark of 3 words
def f(x, fast=True):
    return x * 2.5 + g(x, 7)
"""


def diff_of(folder: Path, before: dict[str, str | bytes], after: dict[str, str | bytes]) -> str:
    """What git says of the difference between two sets of files."""
    for name, files in (("a", before), ("b", after)):
        (folder / name).mkdir()
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / name / path).write_bytes(data)
    command = ["git", "diff", "--no-index", "a", "b"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


SCALAR = [
    BEFORE.replace("128", "256"),
    BEFORE.replace("1e-3", "5E-4").replace("2.5", ".5"),
    BEFORE.replace("True", "False"),
    BEFORE.replace("128", "64").replace("3 words", "four of them"),
    BEFORE.replace("7", "0x1F"),
    BEFORE.replace("CHUNK = 128", "CHUNK   = 64"),
]
MORE = [
    BEFORE.replace("g(x, 7)", "h(x, 7)"),
    BEFORE.replace("128", "2 * 64"),
    BEFORE.replace("x * 2.5", "2.5 * x"),
    BEFORE + "EXTRA = 1\n",
    BEFORE.replace("LEAF, RATE = 4, 1e-3\n", ""),
    BEFORE.replace("128", "WIDTH"),
    BEFORE.replace("3 words", "4 words"),
    BEFORE.replace("CHUNK = 128", "CHUNK  =  128"),
]


@pytest.mark.parametrize("after", SCALAR)
def test_other_constants_are_a_scalar_change(tmp_path: Path, after: str) -> None:
    assert scalar_only(diff_of(tmp_path, {"x.py": BEFORE}, {"x.py": after}))


def test_a_summary_before_the_files_does_not_matter(tmp_path: Path) -> None:
    summary = " x.py | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
    diff = diff_of(tmp_path, {"x.py": BEFORE}, {"x.py": SCALAR[0]})
    assert scalar_only(summary + diff)
    assert not scalar_only(summary)


@pytest.mark.parametrize("after", MORE)
def test_anything_else_is_none(tmp_path: Path, after: str) -> None:
    assert not scalar_only(diff_of(tmp_path, {"x.py": BEFORE}, {"x.py": after}))


def test_every_file_has_to_be(tmp_path: Path) -> None:
    other = BEFORE.replace("128", "64")
    both = {"x.py": BEFORE, "y.py": BEFORE}
    assert scalar_only(diff_of(tmp_path, both, {"x.py": other, "y.py": other}))
    (tmp_path / "again").mkdir()
    assert not scalar_only(diff_of(tmp_path / "again", both, {"x.py": other, "y.py": MORE[0]}))


def test_new_gone_and_binary_files_are_more(tmp_path: Path) -> None:
    both = {"x.py": BEFORE, "y.py": "A = 1\n"}
    for number, (before, after) in enumerate(
        [
            ({"x.py": BEFORE}, both),
            (both, {"x.py": SCALAR[0]}),
            ({"x.bin": b"\x00\x01"}, {"x.bin": b"\x00\x02"}),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert not scalar_only(diff_of(folder, before, after))  # type: ignore[arg-type]


def test_no_change_is_no_scalar_change() -> None:
    assert not scalar_only("")
    assert not scalar_only("garbage\n@@ of no kind")


@pytest.mark.parametrize(
    ("file", "may"),
    [
        (FileChange(path="x.py", kind="update", added=1, removed=1), True),
        (FileChange(path="x.py", kind="update", added=0, removed=0), True),
        (FileChange(path="x.py", kind="add", added=1, removed=0), False),
        (FileChange(path="x.py", kind="delete", added=0, removed=1), False),
        (FileChange(path="x.bin", kind="update"), False),
    ],
)
def test_what_its_files_say_spares_a_look_at_the_diff(file: FileChange, *, may: bool) -> None:
    plain = FileChange(path="y.py", kind="update", added=2, removed=2)
    assert may_be_scalar([plain, file]) is may
