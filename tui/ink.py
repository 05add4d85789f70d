"""Lines of text with a meaning for every piece: what all panes are painted from."""

from typing import Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

Ink = Literal["plain", "quiet", "strong", "accent", "alarm"]
"""`alarm` is for what needs a person; nothing else is red."""

ELLIPSIS = "…"


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    ink: Ink = "plain"


Line = tuple[Span, ...]
EMPTY: Line = ()


def line(text: str, ink: Ink = "plain") -> Line:
    """A line of one piece."""
    return (Span(text, ink),)


def width_of(pieces: Line) -> int:
    """How many cells the line takes."""
    return sum(cell_len(span.text) for span in pieces)


def text_of(pieces: Line) -> str:
    """The line without its inks."""
    return "".join(span.text for span in pieces)


def crop(text: str, width: int) -> str:
    """`text` in at most `width` cells; an ellipsis says that something is missing."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1) + ELLIPSIS


def cell(text: str, width: int) -> str:
    """`text` in exactly `width` cells, at the left."""
    return set_cell_size(crop(text, width), width)


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends of `width` cells; `right` goes when there is no room."""
    gap = width - width_of(left) - width_of(right)
    if not right or gap < 1:
        return left
    return (*left, Span(" " * gap), *right)
