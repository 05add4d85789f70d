"""A canvas of braille dots: two across and four down in every cell."""

from typing import Final

from tui.ink import Ink, Line, Span

_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Canvas:
    """Dots by pixel; the ink of a cell is that of what was drawn last in it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bits = [[0] * width for _ in range(height)]
        self._inks: list[list[Ink]] = [["plain"] * width for _ in range(height)]

    def dot(self, x: int, y: int, ink: Ink) -> None:
        """A dot at pixel `x`, `y` from the upper left; outside of the canvas nothing happens."""
        column, row = x // 2, y // 4
        if 0 <= column < self.width and 0 <= row < self.height:
            self._bits[row][column] |= _DOTS[y % 4][x % 2]
            self._inks[row][column] = ink

    def rule(self, row: int, ink: Ink) -> None:
        """A dashed line through the cells of a row that are empty."""
        for column in range(self.width):
            if not self._bits[row][column]:
                self._bits[row][column] = -1
                self._inks[row][column] = ink

    def write(self, row: int, text: str, ink: Ink) -> bool:
        """Text at the right end of a row, if no dot is there."""
        start = self.width - len(text)
        if start < 0 or any(bits > 0 for bits in self._bits[row][start:]):
            return False
        for offset, character in enumerate(text):
            self._bits[row][start + offset] = -ord(character) - 1
            self._inks[row][start + offset] = ink
        return True

    def line(self, row: int) -> Line:
        """A row of cells as spans."""
        spans: list[Span] = []
        text, ink = "", self._inks[row][0]
        for bits, cell_ink in zip(self._bits[row], self._inks[row], strict=True):
            if cell_ink != ink:
                spans.append(Span(text, ink))
                text, ink = "", cell_ink
            text += _character(bits)
        return (*spans, Span(text, ink))


def _character(bits: int) -> str:
    if bits == 0:
        return " "
    if bits == -1:
        return "╌"
    return chr(-bits - 1) if bits < 0 else chr(0x2800 + bits)
