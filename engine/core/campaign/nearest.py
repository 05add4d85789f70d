"""The known word that a mistyped one was probably meant to be."""

import difflib
from collections.abc import Iterable
from typing import Final

_ALIKE: Final = 0.7


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The word of `known` that is most like `word`, or None when none is like it."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    lower = word.lower()
    close = difflib.get_close_matches(lower, by_lower, n=1, cutoff=_ALIKE)
    if close:
        return by_lower[close[0]]
    begun = [candidate for candidate in by_lower if _begins(lower, candidate)]
    return by_lower[begun[0]] if len(begun) == 1 else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """A fix that names what was probably meant, or says something else."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else otherwise


def _begins(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    return len(short) >= 3 and long.startswith(short)
