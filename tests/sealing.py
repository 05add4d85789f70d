"""Campaigns with a sealed check: of an agent's code, and of parameters without a repository."""

from pathlib import Path
from typing import Any

import yaml

from tests.coding import Toy
from tests.driving import Driver
from tests.workspaces import git

Json = dict[str, Any]

PRODUCE = """\
import json, os, aside, work
out = os.path.join(os.environ["CONTROLROOM_PRODUCED"], "value.json")
json.dump(work.VALUE + aside.ASIDE, open(out, "w"))
"""
JUDGE = """\
import json, os
value = json.load(open(os.path.join(os.environ["CONTROLROOM_PRODUCED"], "value.json")))
report = {"token": os.environ["CONTROLROOM_TOKEN"], "metrics": {"score": value}}
if value <= 0:
    report["failure"] = {"class": "incorrect", "detail": "not positive"}
os.write(int(os.environ["CONTROLROOM_REPORT_FD"]), json.dumps(report).encode())
"""
SEALED: Json = {
    "name": "score",
    "produce": "{python} -S produce.py",
    "judge": "{python} -S judge.py",
    "deadline": "30s",
    "reports": ["score"],
}


PARAMETERS: Json = {
    "campaign": "sealed",
    "finish": {"report": False},
    "root": "code",
    "metric": {"name": "score", "direction": "min"},
    "space": {"x": {"float": [0, 10]}},
    "baseline": {"x": 9.0},
    "proposers": [{"kind": "evolution", "slots": 1}],
    "protect": ["judge.py", "data/**"],
    "checks": [SEALED],
}
BY_PARAMETER = """\
import json, os
x = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))["parameters"]["x"]
out = os.path.join(os.environ["CONTROLROOM_PRODUCED"], "value.json")
json.dump((x - 3) ** 2 + 1, open(out, "w"))
"""


def with_sealed_check(climb: Toy) -> Toy:
    """The toy, with the two programs of its sealed check committed by the person."""
    climb.person.write({"produce.py": PRODUCE, "judge.py": JUDGE})
    git(climb.repo, "add", "produce.py", "judge.py")
    git(climb.repo, "commit", "-qm", "A sealed check", "--", "produce.py", "judge.py")
    climb.base, climb.before = climb.person.head, climb.person.state()
    return climb


def packed_in(folder: Path) -> Driver:
    """A search over a parameter whose check is sealed, without a repository."""
    code = folder / "code"
    (code / "data").mkdir(parents=True)
    (code / "produce.py").write_text(BY_PARAMETER)
    (code / "judge.py").write_text(JUDGE)
    (code / "data" / "truth.txt").write_text("42")
    return Driver(folder, yaml.safe_dump(PARAMETERS), name="sealed-s0")
