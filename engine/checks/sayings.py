"""What the candidate's half of a sealed check says of the metric: read, shown, never counted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.checks.files import UnreadableError, read_plain, remove
from engine.checks.readers import lines_of
from engine.core.claims import said_in_lines, said_in_result
from engine.core.metric import Metric

RESULT_FILE: Final = ".controlroom-result.json"
"""Where a plain check would write its result: it is taken away again before anything is judged."""

_MOST_BYTES: Final = 1 << 16
_MOST_FILES: Final = 20


def result_place(produced: str) -> str:
    """What the candidate's half is told to be the place of a result."""
    return f"{produced}/{RESULT_FILE}"


def sayings(
    metric: Metric, produced: Path, files: Sequence[str] | None, output: bytes
) -> dict[str, float]:
    """The values of the metric that were said, by where; the result file is removed.

    Args:
        metric: the campaign's.
        produced: the folder of what was left.
        files: what was left there, where that is known.
        output: the last of what was printed.
    """
    said = {"its output": said_in_lines(lines_of(output), metric)}
    place = produced / RESULT_FILE
    said["the result file that it wrote"] = _said_in(place, metric.name)
    remove(place)
    left = files if files is not None else [path.name for path in produced.glob("*.json")]
    for name in [name for name in left if name.endswith(".json")][:_MOST_FILES]:
        if name != RESULT_FILE:
            said[f"{name}, which it left,"] = _said_in(produced / name, metric.name)
    return {where: value for where, value in said.items() if value is not None}


def _said_in(file: Path, name: str) -> float | None:
    try:
        content = read_plain(file, _MOST_BYTES)
    except UnreadableError:
        return None
    return None if content is None else said_in_result(content, name)
