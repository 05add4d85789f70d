"""Defects of llm_driven_cnns in what a worker decides: each case, and what is right here."""

from typing import Any

import pytest

from engine.core import events as e
from engine.core.deciding import decision_id
from engine.core.decision_gate import Facts, Ground, gate
from engine.core.decision_taking import Means, judged
from engine.core.decisions import events as d
from engine.core.decisions.parts import Decision, GateRules, WorkerRules
from engine.core.event import LogSpan
from engine.core.events import Record
from engine.core.finish.times import unix_s
from engine.core.fold import fold
from engine.core.ids import IterationNumber
from engine.core.reviewing import due, signals
from engine.core.reviews.parts import MentorRules
from engine.core.space import Space
from engine.core.state import RunState
from engine.knowledge.decision_answers import read_decision
from tests.agent_runs import Turn, run_of
from tests.deciding import decided, dumped
from tests.recorded import NOON

SPACE = Space({})
FORBIDDEN = GateRules(rationale=20, forbid=(r"nn-?u-?net",), duplicates=True, commands=True)


def busy() -> RunState:
    """A run in which a training goes on, in its one slot."""
    return run_of([Turn(value=2.5), Turn(verdict=None)])


def read(action: str, **changed: Any) -> Any:
    reading = read_decision(dumped(decided(action, **changed)["answer"]), None, SPACE)
    assert reading.decision is not None, reading.problems
    return reading.decision


@pytest.mark.parametrize("category", ["optimization", "other"])
def test_v1_a_category_is_never_made_of_words(category: str) -> None:
    """To wait `for the batch to finish` became data sampling; `lr` anywhere, optimization."""
    words = "Wait for the batch to finish; the window of lr and dice loss says nothing yet."
    assert read("wait", rationale=words, category=category).category == category
    invented = dumped(decided("wait", rationale=words, category="batch")["answer"])
    reading = read_decision(invented, None, SPACE)
    assert reading.decision is None
    assert "category" in "; ".join(reading.problems)


@pytest.mark.parametrize("action", ["stop_run", "shut_down", "wait"])
@pytest.mark.parametrize("rationale", ["", "done"])
def test_v2_a_terse_stop_stops(action: str, rationale: str) -> None:
    """A stop with a short reason became a wait, and the wait a launch."""
    decision = read(action, rationale=rationale, label="", run="c-0003")
    ground = Ground(space=SPACE)
    assert gate(busy(), decision, FORBIDDEN, ground, Facts(folder="it is not there")) == []
    assert decision.action == action


@pytest.mark.parametrize(
    "command",
    [
        "nnUNetv2_train 1 2d 0",
        "python3 -m nnunetv2.run.run_training",
        "nnUNet_train 2d Trainer 1 0",
        "cd /tmp && nn-u-net fit",
        "sh -c 'NNUNET_train 3d'",
    ],
)
def test_v3_what_is_forbidden_is_forbidden_however_it_is_called(command: str) -> None:
    """python3 in place of python, or the name of the first version, slipped through."""
    decision = read("run", command=command, label="a baseline of theirs")
    found = gate(run_of([Turn(value=2.5)]), decision, FORBIDDEN, Ground(space=SPACE), Facts())
    (issue,) = [one for one in found if one.rule == "forbidden"]
    assert "nn-?u-?net" in issue.text
    allowed = read("run", command="python3 -m unet.train", label="another width")
    found = gate(run_of([Turn(value=2.5)]), allowed, FORBIDDEN, Ground(space=SPACE), Facts())
    assert not [one for one in found if one.rule == "forbidden"]


def waited(state: RunState) -> RunState:
    """The state after the worker was asked once more, and waits."""
    name, log = decision_id(state.decisions.begun + 1), LogSpan(path="logs/worker.log")
    asked = d.DecisionAsked(
        decision=name, at_iteration=IterationNumber(state.ended_iterations), reasons=["r"],
        agent="codex", model=None, effort=None, folder=f"agents/{name}", prompt_sha256="",
        parts=[], log=log,
    )  # fmt: skip
    wait = Decision(action="wait", rationale="it trains", wait_s=60)
    answered = d.DecisionAnswered(
        decision=name, outcome="answered", detail="", duration_s=1.0, log=log, answer=wait
    )
    state = told(told(state, asked), answered)
    rules = WorkerRules(
        monitor_s=300, wait_s=60, backoff_s=20, most_wait_s=1800, halt_after=3, gate=GateRules()
    )
    means = Means(rules=rules, ground=Ground(space=SPACE), by="codex", now_s=unix_s(NOON))
    for event in judged(state, name, wait, means, Facts()):
        state = told(state, event)
    return state


def told(state: RunState, event: e.AnyEvent) -> RunState:
    return fold(state, Record(seq=state.seq + 1, time=NOON, event=event, hash=b""))


def test_v4_waits_of_a_worker_call_no_mentor() -> None:
    """A worker that waited while training went on forced a review in each cycle."""
    state = run_of([Turn(verdict="promoted", value=1.5), Turn(verdict=None)])
    rules, before = MentorRules(every=4, when_stuck=True, stuck_after=5, failures=3), signals(state)
    for _ in range(30):
        state = waited(state)
        assert due(state, rules) == []
    assert signals(state) == before
    assert state.decisions.begun == 30
