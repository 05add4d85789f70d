"""Whether two pieces of work mean the same.

Two texts are alike when they speak of the same numbers, the same names and in the same direction,
and share most of their other words, in whatever order. `try batch 512` and `try batch 768` are
different; so are `raise lr to 3e-4` and `lower lr to 3e-4`.
"""

import re
import unicodedata
from typing import Final

import msgspec

ALIKE: Final = 0.75
"""The least share of words in common (Dice's coefficient) of two texts that are alike."""

_TOKEN: Final = re.compile(
    r"(?:(?<=\s)[+-](?=[\d.]))?"  # a sign belongs to its number
    r"[^\W_][\w./:+]*(?:-[\w./:+]*\d[\w./:+]*)*"  # a hyphen joins a name only where digits follow
)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_STOP: Final = frozenset(
    """
    a an and are as at be by can do for from have if in into is it its let of on one or should so
    some that the them then there this to try was we what when which with would
    """.split()  # noqa: SIM905  (a list of words is read as words)
)
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ers", "ies", "ied", "ed", "es", "er", "s")
_DIRECTIONS: Final = {
    "-": "not no never without disable remove drop decrease lower reduce less fewer smaller shrink",
    "+": "enable add increase raise more larger bigger longer grow",
    "<": "before",
    ">": "after",
}


def _stem(word: str) -> str:
    for ending in (*_ENDINGS, "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_STOPPED: Final = frozenset(map(_stem, _STOP))
_DIRECTION: Final = {
    _stem(word): sign for sign, words in _DIRECTIONS.items() for word in words.split()
}


class Meaning(msgspec.Struct, frozen=True):
    """What a text speaks of."""

    numbers: frozenset[float]
    names: frozenset[str]
    directions: frozenset[str]
    words: frozenset[str]


def meaning(text: str) -> Meaning:
    """What a text speaks of, whatever the order, the case and the endings of its words."""
    numbers: set[float] = set()
    names: set[str] = set()
    directions: set[str] = set()
    words: set[str] = set()
    for token in _tokens(text):
        number = _number(token)
        if number is not None:
            numbers.add(number)
        elif _is_name(token):
            names.add(token)
        elif (stem := _stem(token)) in _DIRECTION:
            directions.add(_DIRECTION[stem])
        elif stem not in _STOPPED:
            words.add(stem)
    return Meaning(frozenset(numbers), frozenset(names), frozenset(directions), frozenset(words))


def alike(one: Meaning, other: Meaning) -> bool:
    """Whether both mean the same."""
    exact = (one.numbers, one.names, one.directions) == (
        other.numbers,
        other.names,
        other.directions,
    )
    return exact and _in_common(one.words, other.words) >= ALIKE


def _in_common(one: frozenset[str], other: frozenset[str]) -> float:
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else 1.0


def _tokens(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [token.rstrip(".:/+") for token in _TOKEN.findall(plain.replace("n't ", " not "))]


def _number(token: str) -> float | None:
    found = _NUMBER.fullmatch(token)
    number = float(token) if found else None
    return None if number in (float("inf"), float("-inf")) else number


def _is_name(token: str) -> bool:
    """Names of files, functions, models and options are not words that may vary."""
    return any(each in "_./:+" or each.isdigit() for each in token)
