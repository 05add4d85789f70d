"""The finish where agents work: one that hangs is cut off, and knows before how long it has."""

from collections.abc import Callable

from engine.core.commands import Finish
from tests.coding import Toy, answer, value
from tests.finishing import before_deadline

Make = Callable[..., Toy]


def test_an_agent_that_hangs_in_its_final_round_is_cut_off(toy: Make) -> None:
    turns = {
        2: [{"sleep": "3s"}, value(9), answer()],
        3: [value(1), {"sleep": "300s"}, answer()],
    }
    climb = toy(turns)
    engine = climb.start("--iterations", "9")
    climb.wait_event("AgentStarted")
    climb.answered(climb.send(Finish(minutes=0.4, final_rounds=1, note="the train leaves")))
    assert engine.wait() == 0
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "inconclusive"}
    (cut,) = climb.events("AgentInterrupted")
    assert cut["reason"].startswith("cut off by the finish")
    assert "this is a final round" in climb.prompt(3)
    assert "the train leaves" in climb.prompt(3)
    (counted,) = climb.events("FinalRoundCounted")
    assert counted["counts"] is False
    assert before_deadline(climb.events())
