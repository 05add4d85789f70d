"""A secondary metric explains; it vetoes where the campaign says so, by what was measured."""

from collections.abc import Callable
from typing import Any, Final

from tests.coding import Steps, Toy, aside, value

Make = Callable[..., Toy]

BOTH: Final[dict[str, Any]] = {
    "name": "both",
    "run": """{python} -S -c '
import json, os, aside, work
figures = {"score": work.VALUE, "memory": aside.ASIDE}
json.dump({"metrics": figures}, open(os.environ["CONTROLROOM_RESULT"], "w"))'""",
    "shell": True,
    "reports": ["score", "memory"],
}
TURNS: Final[dict[int | str, Steps]] = {
    2: [value(5), aside(9)],
    3: [value(8), aside(4)],
    4: [value(7), aside(5)],
}


def test_a_gate_vetoes_and_its_absence_does_not(toy: Make) -> None:
    gated = toy(TURNS, checks=[BOTH], gates={"memory": {"most": 6, "most_rise": "10%"}})
    gated.run(4)
    assert gated.verdicts() == {1: "promoted", 2: "infeasible", 3: "infeasible", 4: "infeasible"}
    assert gated.verdict(2)["reason"].startswith("memory is 9, more than 6")
    assert gated.verdict(3)["reason"] == "memory is 4, more than 10 % above the champion's 0"
    assert gated.status()["champion"]["candidate"] == "c-0001"
    assert gated.verdict(2)["value"] == 5

    free = toy(TURNS, checks=[BOTH])
    free.run(4)
    assert free.verdicts() == {1: "promoted", 2: "promoted", 3: "rejected", 4: "rejected"}


def test_a_baseline_that_fails_its_gate_ends_the_run(toy: Make) -> None:
    climb = toy({}, checks=[BOTH], gates={"score": {"most": 3}})
    output = climb.run(3, status=4)
    assert "score is 10, more than 3" in output
