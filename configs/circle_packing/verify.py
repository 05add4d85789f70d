"""The judge: reads the circles, checks them exactly, and reports the sum of their radii.

Tolerance 0. A float is a whole number over a power of two, so every comparison here is made
in whole numbers, without rounding: each circle lies within the unit square, no two overlap
(touching is allowed), and no radius is negative. Only `circles` is read; a claim about the
result (a `claimed` key, say) is ignored. Nothing is imported from the candidate.

Every refusal starts with its name: missing, not_a_file, too_large, not_json, not_finite,
duplicate_key, wrong_shape, extra_key, wrong_count, not_a_number, huge_number,
negative_radius, outside, overlap.
"""

import json
import math
import os
import stat
import sys
from pathlib import Path
from typing import Any, NoReturn

COUNT = 26
MAX_BYTES = 65_536
# Every finite float times this is a whole number.
UNIT = 1 << 1074


class RefusedError(Exception):
    """The circles are not a valid packing; the text starts with the reason's name."""


def refuse(name: str, detail: str) -> NoReturn:
    """Never returns: the packing is refused for this reason."""
    raise RefusedError(f"{name}: {detail}")


def judged(path: Path) -> float:
    """The sum of radii of the packing in this file.

    Raises:
        RefusedError: when the file or the packing breaks a rule.
    """
    circles = [_circle(i, row) for i, row in enumerate(_rows(_document(path)))]
    exact = [(_whole(x), _whole(y), _whole(r)) for x, y, r in circles]
    for i, circle in enumerate(exact):
        _check_walls(i, circle)
    for i, one in enumerate(exact):
        for j in range(i):
            _check_apart((j, i), exact[j], one)
    return math.fsum(r for _, _, r in circles)


def _document(path: Path) -> Any:
    try:
        return json.loads(
            _text(path), parse_constant=_not_finite, object_pairs_hook=_without_duplicates
        )
    except (ValueError, RecursionError) as problem:
        refuse("not_json", str(problem))


def _text(path: Path) -> str:
    try:
        # Non-blocking and no links: a pipe or a link left here must not hold or mislead the judge.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        refuse("missing", "the candidate left no circles.json")
    except OSError as problem:
        refuse("not_a_file", f"circles.json cannot be read ({problem.strerror})")
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            refuse("not_a_file", "circles.json is not a plain file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        refuse("too_large", f"circles.json has more than {MAX_BYTES} bytes")
    return data.decode("utf-8")


def _not_finite(text: str) -> NoReturn:
    refuse("not_finite", f"{text} is no coordinate")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        refuse("duplicate_key", "a key appears twice in one object")
    return found


def _rows(document: Any) -> list[Any]:
    if not isinstance(document, dict) or not isinstance(document.get("circles"), list):
        refuse("wrong_shape", 'the file is not {"circles": [...]}')
    extra = sorted(set(document) - {"circles", "claimed"})
    if extra:
        refuse("extra_key", f"{extra[0]!r} beside circles")
    if len(document["circles"]) != COUNT:
        refuse("wrong_count", f"{len(document['circles'])} circles instead of {COUNT}")
    return document["circles"]


def _circle(index: int, row: Any) -> tuple[float, float, float]:
    if not isinstance(row, dict):
        refuse("wrong_shape", f'circle {index} is not {{"x": ..., "y": ..., "r": ...}}')
    if set(row) - {"x", "y", "r"}:
        refuse("extra_key", f"{min(set(row) - {'x', 'y', 'r'})!r} in circle {index}")
    if len(row) != 3:
        refuse("wrong_shape", f"circle {index} lacks one of x, y, r")
    return _value(index, row["x"]), _value(index, row["y"]), _value(index, row["r"])


def _value(index: int, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse("not_a_number", f"a value of circle {index} is a {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        refuse("not_finite", f"a value of circle {index} is beyond a float")
    if not -2 <= value <= 2:
        refuse("huge_number", f"a value of circle {index} is not within -2 to 2")
    return float(value)


def _whole(value: float) -> int:
    top, bottom = value.as_integer_ratio()
    return top * (UNIT // bottom)


def _check_walls(index: int, circle: tuple[int, int, int]) -> None:
    x, y, r = circle
    if r < 0:
        refuse("negative_radius", f"circle {index}")
    if min(x, y) < r or max(x, y) + r > UNIT:
        refuse("outside", f"circle {index} leaves the unit square")


def _check_apart(
    pair: tuple[int, int], one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    reach = one[2] + other[2]
    if (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 < reach * reach:
        refuse("overlap", f"circles {pair[0]} and {pair[1]}")


def main() -> int:
    """Exit status 0 with the metric, 1 with the failure, in the result file."""
    result = Path(os.environ["CONTROLROOM_RESULT"])
    try:
        sum_radii = judged(Path(os.environ["CONTROLROOM_STEP_DIR"], "circles.json"))
    except RefusedError as reason:
        failure = {"class": "incorrect", "detail": str(reason)}
        result.write_text(json.dumps({"metrics": {}, "failure": failure}), "utf-8")
        print(f"refused: {reason}")
        return 1
    result.write_text(json.dumps({"metrics": {"sum_radii": sum_radii}}), "utf-8")
    print(f"valid: sum_radii {sum_radii!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
