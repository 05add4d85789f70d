"""Directives: presets, files and inline texts, and what is wrong with some."""

import re
from pathlib import Path

import pytest

from engine.knowledge.directives import (
    MOST_CHARACTERS,
    DirectiveError,
    find,
    from_file,
    inline,
    is_path,
    preset,
    presets,
)

LABELS = ("Technique", "When", "How it is judged", "How it fails")


@pytest.mark.parametrize("name", presets())
def test_a_preset_says_technique_when_judged_and_how_it_fails(name: str) -> None:
    found = preset(name)
    assert found.source == f"preset {name}"
    assert len(found.title) > 5
    positions = [found.text.index(f"**{label}.**") for label in LABELS]
    assert positions == sorted(positions)
    lines = found.text.splitlines()
    assert 20 <= len(lines) <= 60
    assert max(map(len, lines)) <= 120
    assert "{{" not in found.text
    assert not re.search(r"(?m)^#", found.text)


def test_at_least_ten_presets_ship() -> None:
    assert len(presets()) >= 10
    assert "triangular-inversion" in presets()


def test_two_presets_fit_whole_into_a_prompt() -> None:
    lengths = sorted((len(preset(name).text) for name in presets()), reverse=True)
    assert sum(lengths[:2]) < 6_000


def test_a_misspelt_preset_is_named() -> None:
    with pytest.raises(DirectiveError) as error:
        preset("triangular-inversoin")
    assert str(error.value) == (
        "no preset 'triangular-inversoin'; did you mean 'triangular-inversion'?"
    )
    with pytest.raises(DirectiveError, match=r"no preset 'zzz'; presets: .*triangular-inversion"):
        preset("zzz")
    with pytest.raises(DirectiveError, match="no preset"):
        preset("")


def test_a_word_with_a_dot_or_a_slash_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "steer.md").write_text("# Go left\n\nTake the left one.\n")
    found = find("steer.md", tmp_path)
    assert (found.title, found.text) == ("Go left", "Take the left one.")
    assert found.source == f"file {tmp_path / 'steer.md'}"
    assert find("./steer.md", Path("/nowhere") / tmp_path).text == "Take the left one."
    assert is_path("a/b")
    assert not is_path("matmul-batching")
    assert find("matmul-batching", tmp_path).source == "preset matmul-batching"


def test_a_file_without_a_heading_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "odd näme.txt"
    path.write_text("## Two\nJust text.\n")
    found = from_file(path)
    assert (found.title, found.text) == ("odd näme", "## Two\nJust text.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty; write what the agent has to do"),
        (b" \n\t\n", "it is empty"),
        (b"# Only a title\n", "it is empty"),
        (b"\x00\x00", "it is empty"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"x" * 6_001, "6001 characters; at most 6000 go into a prompt"),
        (b"x" * 900_000, "longer than 200000 characters"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "d.md"
    path.write_bytes(content)
    with pytest.raises(DirectiveError, match=re.escape(message)) as error:
        from_file(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DirectiveError, match=r"none\.md: cannot be read: No such file"):
        find("none.md", tmp_path)
    with pytest.raises(DirectiveError, match="cannot be read: Is a directory"):
        find("./", tmp_path)
    for odd in ("~nobody-of-that-name/x.md", "a\0b.md", "x" * 5_000 + ".md"):
        with pytest.raises(DirectiveError, match="cannot be read"):
            find(odd, tmp_path)


def test_inline_texts() -> None:
    found = inline("  Try the\npacked form first.  ")
    assert (found.title, found.text) == (
        "Try the packed form first.",
        "Try the\npacked form first.",
    )
    assert inline("x", "A\nB").title == "A B"
    assert inline("y" * MOST_CHARACTERS).source == "inline"
    with pytest.raises(DirectiveError, match="the directive: it is empty"):
        inline(" ")
    with pytest.raises(DirectiveError, match="6001 characters"):
        inline("y" * (MOST_CHARACTERS + 1))
