"""The study script, as a person runs it, on a made-up family."""

import csv
import math
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "replay_study.py"
CAMPAIGN = """
campaign: made-up
baseline: {form: plain, heads: 1, stages: 1, deep: false}
metric: {name: ms, direction: DIRECTION}
space:
  form: {choices: [plain, blocked, "8"]}
  block: {choices: [8, 16, 32, 64], when: {form: blocked}}
  heads: {int: [1, 16], step: power2}
  stages: {int: [1, 8]}
  deep: {choices: [true, false]}
proposers: [{kind: evolution}]
checks: [{name: cost, run: "true", reports: [ms]}]
"""


def rows(sign: int):
    """The whole family of 480; a value that falls smoothly to one place, and some failures."""
    for form, block, heads, stages, deep in product(
        ["plain", "blocked", "8"], ["", 8, 16, 32, 64], [1, 2, 4, 8, 16], range(1, 9), [True, False]
    ):
        if (form == "blocked") != (block != ""):
            continue
        form_cost = {"plain": 2.0, "blocked": abs(math.log2((block or 8) / 32)), "8": 3.0}[form]
        value = 10 + form_cost + abs(math.log2(heads) - 3) + 0.5 * abs(stages - 6) + deep
        failed = stages * heads > 100 or (form == "8" and deep)
        yield {
            "form": form,
            "block": block,
            "heads": heads,
            "stages": stages,
            "deep": deep,
            "ms": "" if failed else sign * value,
            "verdict": "compile" if failed else "ok",
        }


MEASURED = sum(row["verdict"] == "ok" for row in rows(1))


def study(folder: Path, direction: str, *options: str, dropped: int = 0) -> str:
    table, campaign = folder / "family.csv", folder / "campaign.yaml"
    family = list(rows(1 if direction == "min" else -1))[dropped:]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, family[0])
        writer.writeheader()
        writer.writerows([*family, family[0] | {"heads": 3}])
    campaign.write_text(CAMPAIGN.replace("DIRECTION", direction))
    done = subprocess.run(
        [sys.executable, SCRIPT, table, "--campaign", campaign, "--budgets", "20,60,600", *options],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def cells(line: str) -> list[tuple[float, float, float]]:
    number = r"(-?[\d.]+|inf)"
    found = re.findall(rf"{number} \({number} to {number}\)", line)
    return [(float(a), float(b), float(c)) for a, b, c in found]


@pytest.mark.parametrize(("direction", "sign"), [("min", 1), ("max", -1)])
def test_a_study_of_a_whole_family(tmp_path: Path, direction: str, sign: int):
    text = study(tmp_path, direction, "--seeds", "5")
    assert f"480 configurations, {MEASURED} of them measured" in text
    assert f"ms from {10 * sign} (best)" in text
    assert "Rows outside the space: 1; proposals that the table lacks: 0." in text
    [at_60] = [cells(line) for line in text.splitlines() if line.startswith("| 60 |")]
    evolution, random = at_60
    assert sign * evolution[0] < sign * random[0]
    # An exhausted space has shown its optimum to every search.
    assert f"| 600 | {10 * sign} ({10 * sign} to {10 * sign}) |" in text
    needed = {line.split()[1]: cells(line)[0] for line in text.splitlines() if " of 5 |" in line}
    assert needed["evolution"][0] < needed["random"][0]
    assert text.count("| 5 of 5 |") == 2


def test_what_the_table_lacks_is_counted(tmp_path: Path):
    text = study(tmp_path, "min", "--seeds", "2", dropped=10)
    assert "470 configurations" in text
    # Two seeds of two searches each meet all ten.
    assert "proposals that the table lacks: 40." in text


def test_what_was_not_reached_is_said(tmp_path: Path):
    options = ("--seeds", "3", "--budgets", "2")
    text = study(tmp_path, "min", *options)
    assert text == study(tmp_path, "min", *options)
    assert "| random | > 2 (> 2 to > 2) | 0 of 3 |" in text
