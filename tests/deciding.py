"""Driving campaigns whose worker decides over runs, played by a script."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.driving import Driver, of_type

Json = dict[str, Any]
Steps = list[Json]

MEASURE: Final = """\
import json, os, sys, time
given = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))["parameters"]
print("step", given["x"], flush=True)
while given["x"] == 30:
    time.sleep(0.05)
assert given["x"] != 13, "x is unlucky"
score = (given["x"] - 17) ** 2 + 1
json.dump({"metrics": {"score": score}}, open(os.environ["CONTROLROOM_RESULT"], "w"))
"""
"""The score is best at 17; 30 takes for ever, 13 fails."""

WORKER: Final[Json] = {
    "kind": "worker",
    "agent": "scripted",
    "script": "worker.yaml",
    "wait": "200ms",
    "backoff": "100ms",
    "sandbox": "off",
}
CAMPAIGN: Final[Json] = {
    "campaign": "decided",
    "environment": {"interpreter": "own"},
    "baseline": {"x": 0},
    "metric": {"name": "score", "direction": "min", "noise": "none"},
    "space": {"x": {"int": [0, 40]}},
    "checks": [
        {
            "name": "measure",
            "run": "{python} -I -S measure.py",
            "deadline": "30s",
            "reports": ["score"],
        }
    ],
    "stop": {"iterations": 4},
    "finish": {"report": False},
}
KEPT: Final[Json] = {
    "todo_new": [],
    "notes_update": "",
    "data_exploration_update": "",
    "resolve_shared_todo_ids": [],
}


def decided(action: str, **changed: Any) -> Json:
    """The step that answers with a decision, as the prompt demands but for what is changed."""
    x = changed.pop("x", None)
    given: Json = {
        "action": action,
        "rationale": "The last value said that the optimum is further on.",
        "category": "optimization",
        "label": f"x at {x}" if x is not None else "",
        "command": "",
        "folder": "",
        "parameters": [] if x is None else [{"name": "x", "value": str(x)}],
        "run": "",
        "wait_s": 0,
        "monitor_s": 0,
        "follows": [],
        "housekeeping": KEPT | changed.pop("kept", {}),
    }
    return {"answer": given | changed}


class Decider(Driver):
    """A folder with a campaign whose worker plays a script, by the number of its decision.

    Args:
        folder: an empty folder.
        turns: what the worker does, by decision (`3`) or by decision and attempt (`3/2`).
        otherwise: what it does in all other decisions.
        worker: more keys of the worker.
        campaign: more sections of the campaign.
    """

    def __init__(
        self,
        folder: Path,
        turns: Mapping[int | str, Steps],
        *,
        otherwise: Steps | None = None,
        worker: Json | None = None,
        **campaign: Any,
    ) -> None:
        sections = CAMPAIGN | {"proposers": [WORKER | (worker or {})]} | campaign
        super().__init__(folder, yaml.safe_dump(sections), "decided-s0")
        (folder / "measure.py").write_text(MEASURE)
        self.script("worker.yaml", turns, otherwise or [decided("wait", wait_s=300)])

    def script(
        self, name: str, turns: Mapping[int | str, Steps], otherwise: Steps | None = None
    ) -> None:
        """Let an agent play this."""
        played = {str(key): steps for key, steps in turns.items()}
        script = {"iterations": played, "otherwise": otherwise or []}
        (self.folder / name).write_text(yaml.safe_dump(script))

    def prompt(self, number: int, attempt: int = 1) -> str:
        """What the worker was told."""
        name = f"w-{number:04d}" + ("" if attempt == 1 else f"-{attempt}")
        return (self.run_dir / "agents" / name / "prompt.md").read_text()

    def of(self, *types: str) -> list[Json]:
        """The events of some types."""
        return of_type(self.events(), *types)

    def verdicts(self) -> dict[int, str]:
        """The verdicts, by iteration."""
        return {e["iteration"]: e["verdict"] for e in self.of("VerdictReached")}

    def values(self) -> list[Any]:
        """The value of x of all candidates, in their order."""
        return [e["parameters"]["x"] for e in self.of("CandidateProposed")]

    def actions(self) -> list[str]:
        """What was carried out, in its order."""
        return [e["action"] for e in self.of("DecisionTaken")]


def dumped(value: object) -> str:
    """The value as JSON."""
    return json.dumps(value)
