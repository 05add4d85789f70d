"""Patterns of protected paths."""

import pytest

from engine.core.patterns import matching

PATHS = ["tests/a.py", "tests/deep/er/b.py", "testsuite.py", "src/tests/c.py", "a+b/c.py", "x.yaml"]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("tests", ["tests/a.py", "tests/deep/er/b.py"]),
        ("tests/", ["tests/a.py", "tests/deep/er/b.py"]),
        ("./tests/**", ["tests/a.py", "tests/deep/er/b.py"]),
        ("tests/*.py", ["tests/a.py"]),
        ("tests/**/*.py", ["tests/a.py", "tests/deep/er/b.py"]),
        ("**/tests", ["tests/a.py", "tests/deep/er/b.py", "src/tests/c.py"]),
        ("**/*.py", [path for path in PATHS if path.endswith(".py")]),
        ("test?uite.py", ["testsuite.py"]),
        ("a+b", ["a+b/c.py"]),
        ("*", PATHS),
        ("**", PATHS),
        ("x.yam", []),
    ],
)
def test_a_pattern_means_these(pattern: str, meant: list[str]) -> None:
    assert matching([pattern], PATHS) == meant


def test_several_patterns_mean_what_any_of_them_means() -> None:
    assert matching(["x.yaml", "tests/*"], PATHS) == ["tests/a.py", "tests/deep/er/b.py", "x.yaml"]
    assert matching([], PATHS) == []


def test_an_odd_name_hides_nothing() -> None:
    assert matching(["tests/**"], ["tests/a\nb.py", "tests/\u00e9"]) == [
        "tests/a\nb.py",
        "tests/\u00e9",
    ]
