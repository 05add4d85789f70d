"""What is wrong with a campaign file, where, and what to do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

MOST_SHOWN: Final = 50

Place = tuple[str | int, ...]
"""Keys and list positions that lead to a value: `("checks", 0, "run")`."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A mistake in campaign data, at a place in the data; `at_key`: in the key, not the value."""

    place: Place
    message: str
    fix: str
    at_key: bool = False


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A mistake in a campaign file.

    `line` and `column` count from 1; both are 0 where the mistake is in `option`, an override of
    the command line, or in the file as a whole.
    """

    line: int
    column: int
    message: str
    fix: str
    option: str = ""

    def render(self, path: str) -> str:
        """One line for a person: where, what, and what to do."""
        place = f"{path}:{self.line}:{self.column}" if self.line else path
        return f"{self.option or place}: {self.message}; {self.fix}"


class CampaignError(Exception):
    """A campaign that cannot be used, with everything that is wrong with it."""

    def __init__(self, path: Path | str, problems: Sequence[Problem]) -> None:
        super().__init__(path, problems)
        self.path = str(path)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = [problem.render(self.path) for problem in self.problems[:MOST_SHOWN]]
        more = len(self.problems) - len(lines)
        return "\n".join([*lines, f"{self.path}: {more} more"] if more > 0 else lines)
