"""Templates: strict about every name, indifferent to what values hold."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.knowledge.prompt import worker_template
from engine.knowledge.templates import TemplateError, fill, parse, read_text, shipped


def test_a_value_stands_where_its_name_stood() -> None:
    template = parse("a {{one}} b {{ two }} {{one}}", source="t", required=("one", "two"))
    assert fill(template, {"one": "1", "two": "2"}) == "a 1 b 2 1"


@settings(deadline=None)
@given(st.text(), st.text())
def test_what_values_hold_is_left_alone(one: str, two: str) -> None:
    template = parse("<{{one}}|{{two}}>", source="t", required=("one", "two"))
    assert fill(template, {"one": one, "two": two}) == f"<{one}|{two}>"


def test_names_in_values_are_not_filled() -> None:
    template = parse("{{one}} {{two}}", source="t", required=("one", "two"))
    filled = fill(template, {"one": "{{two}} \\1 \\g<0> {{x", "two": "2"})
    assert filled == "{{two}} \\1 \\g<0> {{x 2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.md: the template is empty"),
        ("  \n", "t.md: the template is empty"),
        ("{{one}}\nx {{champoin}}", "t.md:2: {{champoin}} is not known; did you mean 'champion'?"),
        ("{{one}} {{ONE}}", "t.md:1: {{ONE}} is not known; did you mean 'one'?"),
        ("{{one}} {{zzz}}", "t.md:1: {{zzz}} is not known; known names: champion, one"),
        ("nothing", "t.md: the template has no {{one}}; put it where it belongs"),
        ("{{one}} {{", "t.md: '{{' is no name in double braces, as {{name}} is"),
        ("{{one}} {{a b}}", "t.md: '{{a b}}' is no name in double braces, as {{name}} is"),
        ("{{one}} a }}", "t.md: 'a }}' is no name in double braces, as {{name}} is"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        parse(text, source="t.md", required=("one",), free=("champion",))
    assert str(error.value) == message


def test_a_missing_value_is_an_error() -> None:
    template = parse("{{one}}", source="t.md", required=("one",))
    with pytest.raises(TemplateError, match=r"t\.md: no value for one"):
        fill(template, {})


def test_an_empty_value_takes_its_line_with_it() -> None:
    template = parse("a\n\n{{one}}\n\nb {{one}}!\n", source="t", required=("one",))
    assert fill(template, {"one": ""}) == "a\n\nb !\n"
    assert fill(template, {"one": "x"}) == "a\n\nx\n\nb x!\n"


def test_files_that_are_no_templates(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="cannot be read: No such file"):
        read_text(tmp_path / "none.md")
    with pytest.raises(TemplateError, match="cannot be read: Is a directory"):
        read_text(tmp_path)
    (tmp_path / "latin.md").write_bytes(b"gr\xfc\xdfe")
    with pytest.raises(TemplateError, match="not UTF-8 at byte 2"):
        read_text(tmp_path / "latin.md")
    (tmp_path / "long.md").write_text("x" * 200_001)
    with pytest.raises(TemplateError, match="longer than 200000 characters"):
        read_text(tmp_path / "long.md")
    (tmp_path / "windows.md").write_bytes(b"\xef\xbb\xbfa\r\nb")
    assert read_text(tmp_path / "windows.md") == "a\nb"


def test_a_shipped_file_that_is_not_there_is_named() -> None:
    with pytest.raises(TemplateError, match=r"none\.md: not there; the installation lacks"):
        shipped("none.md")


def test_a_worker_template_has_a_place_for_every_part() -> None:
    with pytest.raises(TemplateError, match=r"has no \{\{answer\}\}, \{\{budget\}\}, "):
        worker_template("{{iteration}} {{campaign}}", "own.md")
    assert worker_template("{{iteration}}\n{{briefing}}", "own.md").names == (
        "iteration",
        "briefing",
    )
    with pytest.raises(TemplateError, match=r"did you mean 'iteration'"):
        worker_template("{{ITERATION}} {{briefing}}", "own.md")
