"""Every member of a campaign's space: its static estimate, or its correctness.

    python scripts/gdn_family.py [--table assets/gdn-v5p-family.csv] [--jobs 1]
    python scripts/gdn_family.py --check acceptance --table assets/gdn-acceptance.csv [--jobs 1]
    python scripts/gdn_family.py --count

A row of the table is written as soon as it is known, and a member that has one is not costed again:
stop it and start it as you like. A column for every parameter of the space (empty where it is not
active), then the figures and a verdict: ok, or the class of the failure. Costing takes the very
path of the check command, two fresh processes for each member, 5 to 30 s of one core in all.
Checking takes 20 to 100 s; its rows say how many verdicts a member got, and which failed.
"""

import argparse
import csv
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from kernels.gdn.cost import Estimate, estimate  # noqa: E402
from kernels.gdn.failure import Failure  # noqa: E402
from kernels.gdn.member import parse  # noqa: E402

FIGURES = ("est_ms", "kernel_ms", "copies_ms", "cycles", "vmem_mib", "bundles", "spills")
DEADLINE_S = 600.0

KEPT = {"ok", "refused", "compile"}
"""Verdicts that say something about the member; others are tried again."""

Point = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaign", type=Path, default=ROOT / "configs" / "gdn-v5p.yaml")
    parser.add_argument("--table", type=Path, default=ROOT / "assets" / "gdn-v5p-family.csv")
    parser.add_argument("--target", default="v5p")
    parser.add_argument("--jobs", type=int, default=1, help="members at a time, of two processes")
    parser.add_argument("--check", choices=["correctness", "acceptance"])
    parser.add_argument("--count", action="store_true", help="say how many there are, and end")
    options = parser.parse_args()
    names, points = space(options.campaign)
    print(f"{len(points)} members", flush=True)
    if options.count:
        return 0
    os.nice(19)
    if options.check:
        return check_all(names, points, options)
    return cost_all(names, points, options)


def space(campaign: Path) -> tuple[list[str], list[Point]]:
    """The parameters' names, and every point with its active parameters only."""
    spec = yaml.safe_load(campaign.read_text())["space"]
    values = {name: list(_values(parameter)) for name, parameter in spec.items()}
    whole = (
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    )
    distinct = {key(point): point for point in (_active(point, spec) for point in whole)}
    return list(spec), list(distinct.values())


def _values(parameter: dict[str, Any]) -> Iterator[Any]:
    if "choices" in parameter:
        yield from parameter["choices"]
        return
    low, high = parameter["int"]
    while low <= high:
        yield low
        low = low * 2 if parameter.get("step") == "power2" else low + 1


def _active(point: Point, spec: dict[str, Any]) -> Point:
    active: Point = {}
    for name, value in point.items():
        when = spec[name].get("when", {})
        if all(_holds(active, on, allowed) for on, allowed in when.items()):
            active[name] = value
    return active


def _holds(active: Point, on: str, allowed: Any) -> bool:
    return on in active and active[on] in (allowed if isinstance(allowed, list) else [allowed])


def key(point: Point) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(point.items()))


def cost_all(names: list[str], points: list[Point], options: argparse.Namespace) -> int:
    known = read(options.table, names)
    todo = [point for point in points if key(point) not in known]
    print(f"{len(known)} in {options.table}, {len(todo)} to do", flush=True)
    columns = [*names, *FIGURES, "verdict"]
    options.table.parent.mkdir(exist_ok=True)
    with options.table.open("a", newline="") as file, ThreadPoolExecutor(options.jobs) as pool:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if not known and file.tell() == 0:
            writer.writeheader()
        for row in pool.map(lambda p: cost(p, options.target), todo):
            writer.writerow(row)
            file.flush()
    if options.table.exists():
        rewrite(options.table, columns, points, read(options.table, names))
    return 0


def cost(point: Point, target: str) -> Point:
    match estimate(parse(point), target, DEADLINE_S):
        case Failure() as failure:
            return {**point, "verdict": failure.kind}
        case Estimate() as figures:
            return {**point, **{f: getattr(figures, f) for f in FIGURES}, "verdict": "ok"}


def read(table: Path, names: list[str]) -> dict[str, Point]:
    """Rows by their point; a last line that was cut short is left out."""
    if not table.exists():
        return {}
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("verdict", "ok") in KEPT]
    return {key({n: row[n] for n in names if row[n]}): row for row in rows}


def rewrite(table: Path, columns: list[str], points: list[Point], rows: dict[str, Point]) -> None:
    """Puts the rows in the order of the space, so that the file depends on nothing else."""
    part = table.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key(point)] for point in points if key(point) in rows)
    part.replace(table)


def check_all(names: list[str], points: list[Point], options: argparse.Namespace) -> int:
    """Runs the check command on every member without a row; prints those that fail."""
    columns = [*names, "verdicts", "failed"]
    known = read(options.table, names)
    todo = [point for point in points if key(point) not in known]
    print(f"{len(known)} in {options.table}, {len(todo)} to do", flush=True)
    with options.table.open("a", newline="") as file, ThreadPoolExecutor(options.jobs) as pool:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        for row in pool.map(lambda point: check(point, options.check), todo):
            writer.writerow(row)
            file.flush()
    known = read(options.table, names)
    rewrite(options.table, columns, points, known)
    failed = [f"{name}: {row['failed']}" for name, row in known.items() if row["failed"]]
    print("\n".join(failed) or f"all {len(known)} pass {options.check}")
    return 1 if failed else 0


def check(point: Point, name: str) -> Point:
    """The row of a member: how many verdicts it got, and what failed of them."""
    command = [sys.executable, "-m", "kernels.gdn.evaluate", name, "--set"]
    settings = [f"{name}={value}" for name, value in point.items()]
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        done = subprocess.run(
            [*command, *settings], cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "CONTROLROOM_RESULT": str(result)},
        )  # fmt: skip
        told = json.loads(result.read_text()) if result.exists() else {}
    failed = "" if done.returncode == 0 else (told.get("failure") or {}).get("detail", "it crashed")
    return {**point, "verdicts": sum(told.get("tests", {}).values()), "failed": failed}


if __name__ == "__main__":
    sys.exit(main())
