"""Syntax errors of YAML in words that say what to do."""

from typing import Final

import yaml

from engine.core.campaign.problems import Problem

_QUOTES: Final = "put a text that holds ': ', ' #' or begins with one of {[@%`*&!|> in quotes"
_HINTS: Final = (
    ("character '\\t'", "a tab, where YAML allows only spaces", "indent with spaces"),
    ("mapping values are not allowed", "a key is not possible here", "correct the indentation, or "
     "put a text that holds ': ' in quotes"),
    ("could not find expected ':'", "a line that is no 'key: value'", "write ': ' after the key, "
     "or indent the line as a part of the text above"),
    ("expected <block end>", "does not belong to what stands above it", "correct the indentation; "
     "put a text that begins with { or [ in quotes"),
    ("but found another document", "a second document begins here", "keep one document, remove the "
     "line ---"),
    ("that cannot start any token", "a text cannot begin with this character", _QUOTES),
    ("found undefined alias", "there is no anchor of this name", "define it with & before, or put "
     "a text that begins with * in quotes"),
    ("found duplicate anchor", "this anchor is there twice", "give it another name"),
)  # fmt: skip
_UNCLOSED: Final = (
    ("flow mapping", "this { is not closed", "write the }, or put the text in quotes"),
    ("flow sequence", "this [ is not closed", "write the ], or put the text in quotes"),
    ("quoted scalar", "this quotation is not closed", "write the closing quotation mark"),
)


def syntax_problem(error: "yaml.YAMLError | RecursionError", text: str, option: str) -> Problem:
    """The error for a person, at the place where the mistake begins."""
    match error:
        case yaml.MarkedYAMLError():
            place, message, fix = _after_bracket(error, text) or _marked(error)
        case yaml.reader.ReaderError():
            place = _place(text, int(error.position))
            message, fix = "a control character, which no text file holds", "remove it"
        case RecursionError():
            place, message, fix = (1, 1), "nested too deeply", "write a flatter file"
        case _:
            place, message, fix = (1, 1), f"not YAML: {error}", "correct it"
    line, column = (0, 0) if option else place
    return Problem(line=line, column=column, message=message, fix=fix, option=option)


def _after_bracket(
    error: "yaml.MarkedYAMLError", text: str
) -> tuple[tuple[int, int], str, str] | None:
    """A command such as `{python} x.py` without quotes: YAML reads its beginning as a mapping."""
    mark = error.problem_mark
    if mark is None or "expected <block end>" not in (error.problem or ""):
        return None
    before = text.splitlines()[mark.line][: mark.column].rstrip()
    bracket = {"}": "{", "]": "["}.get(before[-1:])
    if bracket is None:
        return None
    place = (mark.line + 1, before.rindex(bracket) + 1 if bracket in before else mark.column + 1)
    return place, f"a text cannot begin with {bracket}", "put the whole text in quotes"


def _marked(error: "yaml.MarkedYAMLError") -> tuple[tuple[int, int], str, str]:
    context, problem = error.context or "", error.problem or "not YAML"
    for part, message, fix in _UNCLOSED:
        if part in context and ("expected ',' or" in problem or "end of stream" in problem):
            return _at(error.context_mark or error.problem_mark), message, fix
    for part, message, fix in _HINTS:
        if part in problem:
            return _at(error.problem_mark), message, fix
    return _at(error.problem_mark), f"not YAML: {problem}", _QUOTES


def _at(mark: "yaml.Mark | None") -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _place(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1
