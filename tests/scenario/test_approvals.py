"""An agent asks a person: approved, refused, not answered, cut off, several at once."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.core.commands import Approve, Refuse, Stop
from engine.core.ids import ApprovalId
from tests.coding import Steps, Toy, value
from tests.driving import wait_for

ACP_AGENT = Path(__file__).parents[1] / "acp_agent.py"
Make = Callable[..., Toy]
A1, A2 = ApprovalId("a-001"), ApprovalId("a-002")


def asks(text: str = "May I use 8?", **more: Any) -> dict[str, Any]:
    """The step that asks."""
    return {"ask": {"text": text, "wait": "60s"} | more}


def if_approved(number: int, ask: str = "q-1") -> dict[str, Any]:
    """The step that changes the toy's number, where that was approved."""
    answer = f'"$(cat "$CONTROLROOM_ANSWERS/{ask}")"'
    return {"run": f'test {answer} = approve && echo "VALUE = {number}" > work.py; true'}


ASKING: Steps = [value(9), asks(), if_approved(8)]


def test_what_a_person_approves_is_done(toy: Make) -> None:
    climb = toy({2: ASKING})
    engine = climb.start("--iterations", "2")
    asked = climb.wait_event("ApprovalAsked")
    assert (asked["approval"], asked["iteration"], asked["default"]) == ("a-001", 2, "refuse")
    wait_for(lambda: climb.status()["state"] == "waiting")
    status = climb.status()
    assert status["reason"] == (
        "iteration 2 waits for a person: May I use 8? (controlroom approve a-001, or refuse)"
    )
    assert status["until"] == asked["deadline"]
    assert status["approvals"] == [
        {
            "id": "a-001",
            "iteration": 2,
            "text": "May I use 8?",
            "default": "refuse",
            "until": asked["deadline"],
        }
    ]
    assert climb.answered(climb.send(Approve(approval=A1, reason="try")))["type"] == (
        "CommandAccepted"
    )
    assert engine.wait() == 0
    (answered,) = climb.events("ApprovalAnswered")
    assert (answered["approved"], answered["by"], answered["reason"]) == (True, "ada", "try")
    assert climb.shown(climb.branch()) == "VALUE = 8"
    assert climb.status()["approvals"] == []
    assert "? May I use 8?\n" in climb.log(2)
    assert "approved\n" in climb.log(2)


def test_what_a_person_refuses_is_not_done(toy: Make) -> None:
    climb = toy({2: [value(9), asks(default="approve"), if_approved(8)]})
    engine = climb.start("--iterations", "2")
    climb.wait_event("ApprovalAsked")
    climb.answered(climb.send(Refuse(approval=A1)))
    again = climb.answered(climb.send(Approve(approval=A1)))
    assert engine.wait() == 0
    assert again["type"] == "CommandRefused"
    assert again["reason"] == "a-001 was answered already"
    assert climb.events("ApprovalAnswered")[0]["approved"] is False
    assert climb.shown(climb.branch()) == "VALUE = 9"


@pytest.mark.parametrize(("default", "number"), [("approve", 8), ("refuse", 9)])
def test_after_the_deadline_the_default_holds(toy: Make, default: str, number: int) -> None:
    climb = toy({2: [value(9), asks(wait="1s", default=default), if_approved(8)]})
    climb.run(2)
    asked, answered = climb.of_iteration(2, "ApprovalAsked", "ApprovalAnswered")
    assert (answered["approved"], answered["by"]) == (default == "approve", "the deadline")
    assert 0 <= _when(answered["time"]) - _when(asked["deadline"]) < 5
    assert climb.shown(climb.branch()) == f"VALUE = {number}"


def test_waiting_for_a_person_is_no_silence(toy: Make) -> None:
    climb = toy({2: [value(9), asks(wait="4s"), {"hang": True}]}, agent={"idle": "1s"})
    climb.run(2)
    (finished,) = climb.of_iteration(2, "AgentFinished")
    assert finished["outcome"] == "timeout"
    assert "said nothing for" in finished["detail"]
    assert climb.events("ApprovalAnswered")[0]["by"] == "the deadline"


def test_an_engine_that_died_while_it_waited_asks_anew(toy: Make) -> None:
    climb = toy({2: ASKING})
    engine = climb.start("--iterations", "2")
    climb.wait_event("ApprovalAsked")
    engine.kill()
    engine.wait()
    late = climb.send(Approve(approval=A1))
    engine = climb.start("--iterations", "2")
    climb.wait_event("ApprovalAsked", approval="a-002", attempt=2)
    assert climb.answered(late)["reason"] == "a-001 was answered already"
    climb.answered(climb.send(Approve(approval=A2)))
    assert engine.wait() == 0
    first, second = climb.events("ApprovalAnswered")
    assert (first["approved"], first["by"]) == (False, "the end of the attempt")
    assert (second["approved"], second["by"]) == (True, "ada")
    assert climb.shown(climb.branch()) == "VALUE = 8"


def test_a_drain_does_not_wait_for_people(toy: Make) -> None:
    climb = toy({2: ASKING})
    engine = climb.start("--iterations", "2")
    climb.wait_event("ApprovalAsked")
    climb.send(Stop(now=True))
    assert engine.wait() == 0
    assert climb.events("ApprovalAnswered")[0]["by"] == "the end of the attempt"
    assert climb.status()["approvals"] == []


def test_two_ask_at_once(toy: Make) -> None:
    climb = toy(
        {2: [value(9), asks("two?"), if_approved(8)], 3: [value(7), asks("three?"), value(6)]},
        agent={"slots": 2},
    )
    engine = climb.start("--iterations", "3")
    wait_for(lambda: len(climb.events("ApprovalAsked")) == 2)
    names = {each["text"]: each["approval"] for each in climb.events("ApprovalAsked")}
    assert set(names.values()) == {"a-001", "a-002"}
    climb.answered(climb.send(Refuse(approval=ApprovalId(names["three?"]))))
    climb.wait_said('"refused"', 3)
    assert [each["text"] for each in climb.status()["approvals"]] == ["two?"]
    climb.answered(climb.send(Approve(approval=ApprovalId(names["two?"]))))
    assert engine.wait() == 0
    approved = {each["iteration"]: each["approved"] for each in climb.events("ApprovalAnswered")}
    assert approved == {2: True, 3: False}


def test_a_flood_of_questions_and_bad_names_ends(toy: Make) -> None:
    questions = "".join(
        f'{{"type":"asks","id":"f-{n}","text":"?","default":"approve","wait_s":0}}\n'
        for n in range(150)
    )
    odd = '{"type":"asks","id":"../../prompt.md","text":"?","wait_s":0}\n'
    steps: Steps = [
        {"print": (questions + odd).strip()},
        {"run": 'until [ "$(ls "$CONTROLROOM_ANSWERS" | wc -l)" = 150 ]; do sleep 0.05; done'},
        value(9),
    ]
    climb = toy({2: steps})
    climb.run(2)
    assert len(climb.events("ApprovalAsked")) == 100
    assert len(climb.events("ApprovalAnswered")) == 100
    folder = climb.paths.attempt(2, 1)
    assert sorted(path.name for path in folder.glob("answers/*")) == sorted(
        f"f-{n}" for n in range(150)
    )
    assert (folder / "answers/f-149").read_text() == "approve"
    assert climb.prompt(2) not in ("approve", "refuse")
    assert "nobody is asked" in climb.log(2)


def test_an_agent_that_cannot_be_told_does_no_harm(toy: Make) -> None:
    breaks = 'rm -rf "$CONTROLROOM_ANSWERS"; : > "$CONTROLROOM_ANSWERS"'
    question = '{"type":"asks","id":"q","text":"?","default":"approve","wait_s":0}'
    answered = "until grep -q ApprovalAnswered ../../journal.sqlite*; do sleep 0.05; done; sleep 1"
    steps: Steps = [{"run": breaks}, {"print": question}, {"run": answered}, value(9)]
    climb = toy({2: steps}, agent={"sandbox": "off"})  # in one it could not break anything
    climb.run(2)
    assert climb.verdicts()[2] == "promoted"
    assert climb.events("ApprovalAnswered")[0]["by"] == "the deadline"


def test_an_agent_behind_the_protocol_asks_by_it(toy: Make, tmp_path: Path) -> None:
    steps = [["edit", "work.py", "VALUE = 9\n"], ["permit", "git push"], ["say", "Done."]]
    script = tmp_path / "steps.json"
    script.write_text(json.dumps(steps))
    command = [sys.executable, str(ACP_AGENT), str(script)]
    climb = toy({}, proposers=[{"kind": "agent", "agent": "acp", "command": command}])
    engine = climb.start("--iterations", "2")
    assert climb.wait_event("ApprovalAsked")["text"] == "execute: Run it: git push"
    climb.answered(climb.send(Refuse(approval=A1)))
    assert engine.wait() == 0
    assert climb.shown(climb.branch()) == "VALUE = 9"
    assert "[reject_once]" in climb.log(2)
    assert climb.verdicts()[2] == "promoted"


def test_the_command_line(toy: Make) -> None:
    climb = toy({2: ASKING, 3: [value(7), asks("Once\nmore?"), if_approved(6)]})
    engine = climb.start("--iterations", "3")
    climb.wait_event("ApprovalAsked")
    shown = _said(climb, "approvals")
    assert shown.startswith("a-001  iteration 2, refuse at 20")
    assert shown.endswith(" UTC\n  | May I use 8?\n")
    assert _said(climb, "approve", "a-001") == f"approve {climb.run_dir.name}: accepted\n"
    climb.wait_event("ApprovalAsked", approval="a-002")
    assert '"text": "Once\\nmore?"' in _said(climb, "approvals", "--json")
    refused = _said(climb, "refuse", "a-002", "--reason", "no more", "--json")
    assert '"approval": "a-002"' in refused
    assert engine.wait() == 0
    assert _said(climb, "approvals") == "nothing is asked\n"
    assert climb.events("ApprovalAnswered")[1]["reason"] == "no more"
    lines = _said(climb, "events")
    assert "a-002: the agent asks a person: Once; without an answer by " in lines
    assert "a-002 refused by " in lines


def _said(climb: Toy, *words: str) -> str:
    running = climb.call(*words)
    assert running.wait() == 0, running.output
    return running.output


def _when(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
