"""Placeholders in commands: which braces count, and that values stay one word."""

import subprocess

import pytest

from engine.core.campaign.placeholders import fill, fill_shell, placeholders


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{python} x.py {param.block-size}", ["python", "param.block-size"]),
        ("awk '{print $1}' {a: 1} {} { python } {1}", []),
        ("${HOME} ${home}", []),
        ('{"a": {"b": 1}}', []),
        ("{{python}} {python}", ["python"]),
        ("{{{python}}}", []),
    ],
)
def test_only_braces_around_a_name_count(text: str, names: list[str]) -> None:
    assert placeholders(text) == names


def test_filling() -> None:
    values = {"python": "/a b/python", "param.x": "{seed}"}
    assert fill("{python} {{python}} {param.x} {'k': 1}", values) == (
        "/a b/python {python} {seed} {'k': 1}"
    )


def test_a_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("{seed}", {})


@pytest.mark.parametrize(
    "value", ["a b", "'", '"', "$(echo no)", "`no`", "; exit 3", "*", "", "é\n"]
)
def test_a_value_is_one_word_for_the_shell(value: str) -> None:
    line = fill_shell("printf '%s|' {seed} end", {"seed": value})
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True)
    assert done.stdout.decode() == f"{value}|end|"
