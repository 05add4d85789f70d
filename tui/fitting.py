"""Making a line of facts fit: what matters least is said shorter, then not at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.ink import EMPTY, Line, Span, width_of


@dataclass(frozen=True, slots=True)
class Field:
    """One fact and the ways to say it, longest first; `rank` 0 is the last to be shortened."""

    forms: tuple[Line, ...]
    rank: int


def fit(fields: Sequence[Field], width: int, gap: int) -> list[Line]:
    """One form of each field, in order, so that together they take at most `width` cells.

    A field without a form left is empty and takes no gap. When even the shortest forms are too
    wide, they are returned as they are.
    """
    chosen = [0] * len(fields)
    while _total(fields, chosen, gap) > width:
        shortenable = [i for i, field in enumerate(fields) if chosen[i] + 1 < len(field.forms)]
        if not shortenable:
            break
        chosen[max(shortenable, key=lambda i: fields[i].rank)] += 1
    return [field.forms[chosen[i]] for i, field in enumerate(fields)]


def joined(forms: Sequence[Line], gap: int) -> Line:
    """The forms that say something, side by side."""
    pieces: list[Span] = []
    for form in forms:
        if form and pieces:
            pieces.append(Span(" " * gap))
        pieces.extend(form)
    return tuple(pieces)


def _total(fields: Sequence[Field], chosen: Sequence[int], gap: int) -> int:
    shown = [field.forms[chosen[i]] for i, field in enumerate(fields)]
    return width_of(joined(shown, gap))


def optional(*forms: Line, rank: int) -> Field:
    """A field that may vanish."""
    return Field((*forms, EMPTY), rank)
