"""The circle-packing campaign: the candidate's program and the judge, run as the engine does."""

import copy
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.core import draws
from engine.core.campaign.load import load_campaign
from engine.core.space import Space

CAMPAIGN = Path(__file__).parents[2] / "configs" / "circle-packing.yaml"
PROGRAMS = CAMPAIGN.parent / "circle_packing"
BASELINE = load_campaign(CAMPAIGN).campaign.baseline
GOOD = BASELINE | {"pattern": "spiral", "start": 1, "kick_1": 7, "kick_2": 8, "kick_3": 9}


@dataclass(frozen=True)
class Ended:
    """What a program printed, its exit status and its result file."""

    status: int
    output: str
    errors: str
    result: dict[str, Any]


def run(program: str, folder: Path, parameters: dict[str, Any] | None = None) -> Ended:
    candidate, result = folder / "candidate.json", folder / f"{program}.json"
    given = {"id": "c1", "parameters": parameters, "seed": 3, "commit": None, "parents": []}
    candidate.write_text(json.dumps(given | {"iteration": 1}), "utf-8")
    contract = {
        "PATH": os.environ["PATH"],
        "CONTROLROOM_CANDIDATE": str(candidate),
        "CONTROLROOM_RESULT": str(result),
        "CONTROLROOM_STEP_DIR": str(folder),
    }
    ended = subprocess.run(
        [sys.executable, f"circle_packing/{program}"],
        cwd=CAMPAIGN.parent,
        env=contract,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    document = json.loads(result.read_text("utf-8"))
    return Ended(ended.returncode, ended.stdout, ended.stderr, document)


def judge(folder: Path, left: str | bytes) -> Ended:
    data = left.encode() if isinstance(left, str) else left
    (folder / "circles.json").write_bytes(data)
    return run("verify.py", folder)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Ended]:
    """The circles of a good candidate, as it left them, and how its program ended."""
    folder = tmp_path_factory.mktemp("packed")
    ended = run("pack.py", folder, GOOD)
    return (folder / "circles.json").read_text("utf-8"), ended


def lattice() -> dict[str, Any]:
    """A packing whose numbers are exact: 26 of the 36 cells of a grid, eighths wide."""
    cells = [(i, j) for i in range(6) for j in range(6)][:26]
    return {"circles": [{"x": (1 + i) / 8, "y": (1 + j) / 8, "r": 1 / 16} for i, j in cells]}


def test_the_program_keeps_the_contract(packed: tuple[str, Ended]) -> None:
    text, ended = packed
    assert (ended.status, ended.errors, ended.result) == (0, "", {"metrics": {}})
    circles = json.loads(text)["circles"]
    assert [sorted(circle) for circle in circles] == [["r", "x", "y"]] * 26


def test_the_judge_reports_what_it_computes(packed: tuple[str, Ended], tmp_path: Path) -> None:
    ended = judge(tmp_path, packed[0])
    radii = [circle["r"] for circle in json.loads(packed[0])["circles"]]
    assert (ended.status, ended.errors) == (0, "")
    assert ended.result == {"metrics": {"sum_radii": math.fsum(radii)}}
    assert ended.result["metrics"]["sum_radii"] > 2.58  # any start, polished, comes that far


def test_the_same_parameters_leave_the_same_bytes(
    packed: tuple[str, Ended], tmp_path: Path
) -> None:
    again = run("pack.py", tmp_path, GOOD)
    assert (tmp_path / "circles.json").read_text("utf-8") == packed[0]
    assert again.output == packed[1].output
    assert judge(tmp_path, packed[0]).output == judge(tmp_path, packed[0]).output


def test_every_kind_of_start_gives_a_valid_packing(tmp_path: Path) -> None:
    space = Space.from_spec(load_campaign(CAMPAIGN).campaign.space)
    points = [space.random(draws.stream("test", number)) for number in range(8)]
    points += [BASELINE, BASELINE | {"spread": 0.0}, BASELINE | {"reach": 0.5, "kick_1": 5}]
    assert {point["pattern"] for point in points} == {"grid", "spiral", "scatter"}
    for point in points:
        assert run("pack.py", tmp_path, point).status == 0
        value = run("verify.py", tmp_path).result["metrics"]["sum_radii"]
        assert 2.5 < value < 2.635984  # the best published: above it the judge would be wrong


def test_a_kick_never_makes_it_worse(tmp_path: Path) -> None:
    values = []
    start = BASELINE | {"pattern": "scatter", "start": 1}
    for kicks in ({}, {"kick_1": 7}, {"kick_1": 7, "kick_2": 8}):
        run("pack.py", tmp_path, start | kicks)
        values.append(run("verify.py", tmp_path).result["metrics"]["sum_radii"])
    assert values == sorted(values)
    assert values[-1] > values[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pattern": "hexagon"}, "pattern is 'hexagon'"),
        ({"start": -1}, "start is -1"),
        ({"kick_2": True}, "kick_2 is True"),
        ({"reach": 0.9}, "reach is 0.9"),
        ({"speed": 1}, "unknown ['speed']"),
    ],
)
def test_bad_parameters_are_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    ended = run("pack.py", tmp_path, BASELINE | change)
    assert ended.status == 1
    assert ended.result["failure"]["class"] == "refused"
    assert words in ended.result["failure"]["detail"]
    assert not (tmp_path / "circles.json").exists()


def test_touching_is_allowed_and_one_rounding_more_is_not(tmp_path: Path) -> None:
    touching = lattice()
    assert judge(tmp_path, json.dumps(touching)).result == {"metrics": {"sum_radii": 26 / 16}}
    touching["circles"][9]["r"] = math.nextafter(1 / 16, 1)
    assert reason(judge(tmp_path, json.dumps(touching))) == "overlap"


def test_claims_are_ignored(tmp_path: Path) -> None:
    claimed = lattice() | {"claimed": {"sum_radii": 9.0, "count": 27}}
    assert judge(tmp_path, json.dumps(claimed)).result == {"metrics": {"sum_radii": 26 / 16}}


def reason(ended: Ended) -> str:
    assert ended.status == 1
    assert ended.result["metrics"] == {}
    assert ended.result["failure"]["class"] == "incorrect"
    assert ended.output == f"refused: {ended.result['failure']['detail']}\n"
    return ended.result["failure"]["detail"].partition(":")[0]


Forgery = Callable[[dict[str, Any]], Any]


def changed(**values: Any) -> Forgery:
    """The lattice with other values in its first circle."""

    def forge(good: dict[str, Any]) -> Any:
        good["circles"][0] |= values
        return good

    return forge


FORGED: dict[str, tuple[str, Forgery]] = {
    "radius grown": ("overlap", changed(r=0.07)),
    "circle doubled": ("overlap", changed(x=0.25)),
    "all on one spot": ("overlap", lambda g: {"circles": [g["circles"][0]] * 26}),
    "over the left side": ("outside", changed(x=0.0624)),
    "over the top": ("outside", changed(y=0.99)),
    "far away": ("outside", changed(x=1.9)),
    "negative radius": ("negative_radius", changed(r=-0.01)),
    "nan": ("not_finite", changed(r=math.nan)),
    "infinite": ("not_finite", changed(x=math.inf)),
    "a large number": ("huge_number", changed(r=1e300)),
    "a large whole number": ("huge_number", changed(r=10**400)),
    "a text": ("not_a_number", changed(r="0.1")),
    "true": ("not_a_number", changed(r=True)),
    "nothing": ("not_a_number", changed(r=None)),
    "an extra key in a circle": ("extra_key", changed(weight=1)),
    "an extra key": ("extra_key", lambda g: g | {"sum_radii": 9}),
    "one circle fewer": ("wrong_count", lambda g: {"circles": g["circles"][:25]}),
    "one circle more": ("wrong_count", lambda g: {"circles": [*g["circles"], {}]}),
    "a list": ("wrong_shape", lambda g: g["circles"]),
    "a circle that is a list": ("wrong_shape", lambda _: {"circles": [[0.5, 0.5, 0.1]] * 26}),
    "a circle without radius": ("wrong_shape", lambda _: {"circles": [{"x": 0.5, "y": 0.5}] * 26}),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_packing_is_refused_by_name(name: str, tmp_path: Path) -> None:
    expected, forge = FORGED[name]
    assert reason(judge(tmp_path, json.dumps(forge(copy.deepcopy(lattice()))))) == expected


@pytest.mark.parametrize(
    ("expected", "left"),
    [
        ("not_json", b"26 circles"),
        ("not_json", b"\xff\xfe"),
        ("not_json", b"[" * 60_000),
        ("not_json", b'{"circles": [' + b"1" * 5_000 + b"]}"),
        ("too_large", b" " * 70_000),
        ("not_finite", b'{"circles": [1e999, NaN]}'),
        ("duplicate_key", b'{"circles": [], "circles": []}'),
        ("not_finite", json.dumps(lattice()).replace("0.0625", "1e999", 1).encode()),
    ],
)
def test_a_broken_file_is_refused_by_name(expected: str, left: bytes, tmp_path: Path) -> None:
    assert reason(judge(tmp_path, left)) == expected


def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path) -> None:
    left = tmp_path / "circles.json"
    assert reason(run("verify.py", tmp_path)) == "missing"
    os.mkfifo(left)
    assert reason(run("verify.py", tmp_path)) == "not_a_file"
    left.unlink()
    (tmp_path / "elsewhere").write_text(json.dumps(lattice()), "utf-8")
    left.symlink_to(tmp_path / "elsewhere")
    assert reason(run("verify.py", tmp_path)) == "not_a_file"


def test_the_judge_imports_nothing_of_the_candidate() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(PROGRAMS)!r}); import verify; print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "scipy", "polish", "pack", "random"} & set(ended.stdout.split())
