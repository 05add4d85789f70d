"""What a run may spend and what its failures mean, with an agent that plays a script."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.client import Resume, Stop
from tests.coding import SCORE, Steps, Toy, answer, aside, constant, spend, value
from tests.driving import of_type, wait_for

Make = Callable[..., Toy]
Json = dict[str, Any]


def test_a_usage_limit_parks_the_agent_which_resumes_by_itself(toy: Make) -> None:
    climb = toy({"2/1": [value(5), {"limit": "1s"}], "2/2": [value(9)]})
    climb.run(2)
    attempts = climb.of_iteration(2, "AgentStarted", "AgentFinished")
    assert [a.get("outcome") for a in attempts] == [None, "limited", None, "answered"]
    assert _when(attempts[2]["time"]) >= _when(attempts[1]["retry_at"])
    assert climb.verdicts() == {1: "promoted", 2: "promoted"}
    assert climb.shown(climb.branch()) == "VALUE = 9"


def test_a_parked_agent_resumes_by_itself_after_a_restart_too(toy: Make) -> None:
    climb = toy({"2/1": [{"limit": "4s"}], "2/2": [value(9)]})
    engine = climb.start("--iterations", "2")
    limited = climb.wait_event("AgentFinished", outcome="limited")
    assert wait_for(lambda: climb.status()["state"] == "waiting")
    assert climb.status()["until"] == limited["retry_at"]
    climb.send(Stop())
    assert engine.wait() == 0
    assert _when(climb.events()[-1]["time"]) < _when(limited["retry_at"])
    climb.run(2)
    again = climb.of_iteration(2, "AgentStarted")[-1]
    assert again["attempt"] == 2
    assert _when(again["time"]) >= _when(limited["retry_at"])
    assert climb.shown(climb.branch()) == "VALUE = 9"


def test_a_limit_of_unknown_length_is_waited_out_by_and_by(toy: Make) -> None:
    limited: Steps = [{"limit": "unknown"}]
    climb = toy({"2/1": limited, "2/2": limited, "2/3": [value(9)]})
    climb.run(2)
    starts = [_when(event["time"]) for event in climb.of_iteration(2, "AgentStarted")]
    ends = [_when(event["time"]) for event in climb.of_iteration(2, "AgentFinished")]
    assert starts[1] - ends[0] >= 0.1
    assert starts[2] - ends[1] >= 0.2
    assert climb.verdicts()[2] == "promoted"


def test_an_iteration_over_its_budget_ends_within_the_call(toy: Make) -> None:
    many: Steps = [spend(100, 0.1), spend(100, 0.1), value(9), {"hang": True}]
    dear: Steps = [spend(20, 0.25), spend(20, 0.5), value(9), {"hang": True}]
    most = {"tokens": 150, "usd": 0.6}
    climb = toy({2: many, 3: dear, 4: [value(8)]}, budget={"per_iteration": most})
    climb.run(4)
    assert climb.verdicts() == {1: "promoted", 2: "timeout", 3: "timeout", 4: "promoted"}
    finished = climb.events("AgentFinished")[:2]
    assert [event["outcome"] for event in finished] == ["ceiling", "ceiling"]
    assert [event["detail"] for event in finished] == [
        "the budget of the iteration is spent: 200 of 150 tokens",
        "the budget of the iteration is spent: 0.75 of 0.6 USD",
    ]
    assert climb.verdict(2)["consequence"] == "counted"


def test_a_run_over_its_budget_ends_with_3_and_goes_on_with_a_larger_one(toy: Make) -> None:
    calls: Steps = [spend(100, 0.25), spend(100, 0.25), {"hang": True}]
    climb = toy({2: calls, 3: calls, 4: [value(7), spend(10, 0.1)]}, budget={"tokens": 150})
    climb.run(4, status=3)
    (finished,) = climb.events("RunFinished")
    assert (finished["reason"], finished["exit_status"]) == ("budget", 3)
    assert climb.verdicts() == {1: "promoted", 2: "timeout"}
    assert climb.status()["spend"]["tokens"] == 200
    assert "is over" in climb.run(4, status=3)
    with climb.person_at_work():
        climb.write_campaign(budget={"tokens": 9000, "usd": 0.9})
    climb.run(4, status=3)
    assert climb.verdicts()[3] == "timeout"
    assert climb.status()["spend"]["usd"] == pytest.approx(1.0)
    with climb.person_at_work():
        climb.write_campaign(budget={"usd": 9})
    climb.run(4)
    assert climb.verdicts()[4] == "promoted"
    assert climb.status()["spend"]["untold_attempts"] == 0


def test_no_agent_begins_once_the_budget_is_spent(toy: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    climb = toy(
        {
            "2/1": [{"wait_for": str(gate)}, spend(100), {"hang": True}],
            "3/1": [{"limit": "1h"}],
            "3/2": [spend(100)],
        },
        agent={"slots": 2},
        budget={"tokens": 50},
    )
    engine = climb.start("--iterations", "9")
    climb.wait_event("AgentFinished", outcome="limited")
    gate.touch()
    assert engine.wait() == 3
    assert len(climb.events("AgentStarted")) == 2
    assert climb.status()["spend"]["tokens"] == 100
    assert climb.verdicts() == {1: "promoted", 2: "timeout", 3: "inconclusive"}


def test_a_price_that_nobody_knows_is_not_nothing(toy: Make) -> None:
    climb = toy({2: [spend(100), value(9)]}, budget={"usd": 5})
    climb.run(3, status=3)
    assert climb.verdicts() == {1: "promoted", 2: "timeout"}
    (finished,) = climb.of_iteration(2, "AgentFinished")
    assert (finished["outcome"], finished["cost_usd"]) == ("ceiling", None)
    assert "the price of the model is not known" in finished["detail"]
    spent = climb.status()["spend"]
    assert (spent["usd"], spent["tokens"], spent["unpriced_tokens"]) == (0.0, 100, 100)


@pytest.mark.parametrize(
    ("policy", "status", "reason"),
    [
        ({"no_commit": "fail"}, 3, "policy"),
        ({"no_commit": "count-failure", "max_failures": 0}, 3, "failures"),
        ({"no_commit": "allow", "max_failures": 0}, 0, "iterations"),
    ],
)
def test_what_an_agent_without_a_change_means(
    toy: Make, policy: Json, status: int, reason: str
) -> None:
    climb = toy({}, policy=policy)
    climb.run(3, status=status)
    (finished,) = climb.events("RunFinished")
    assert finished["reason"] == reason
    assert len(climb.verdicts()) == (3 if status == 0 else 2)


def test_so_many_failures_and_no_more(toy: Make) -> None:
    wrong: Steps = [value(-1)]
    climb = toy({2: wrong, 3: [value(9)], 4: [], 5: [value(8)]}, policy={"max_failures": 1})
    climb.run(9, status=3)
    assert climb.verdicts() == {
        1: "promoted",
        2: "incorrect",
        3: "promoted",
        4: "no_change",
    }
    (finished,) = climb.events("RunFinished")
    assert (finished["reason"], finished["detail"]) == ("failures", "2 failures; max_failures is 1")


def test_a_check_may_end_the_run_or_be_of_no_weight(toy: Make) -> None:
    wrong: Steps = [value(-1)]
    climb = toy({2: wrong}, checks=[SCORE | {"on_fail": "fail"}], policy={"on_fail": "continue"})
    climb.run(9, status=3)
    assert climb.events("RunFinished")[0]["reason"] == "policy"
    easy = toy({2: wrong}, policy={"on_fail": "continue", "max_failures": 0})
    easy.run(2)
    assert easy.verdict(2)["consequence"] == "none"


def test_a_run_that_a_verdict_ends_is_ended_though_the_engine_dies_then(toy: Make) -> None:
    climb = toy({2: [], 3: [value(9)]}, policy={"no_commit": "fail"})
    climb.killed_at("verdict.recorded", hit=2)
    climb.run(9, status=3)
    assert climb.verdicts() == {1: "promoted", 2: "no_change"}


def test_a_resilient_run_goes_on(toy: Make) -> None:
    flaky: Steps = [value(5), {"fail": {"outcome": "unreachable", "detail": "overloaded"}}]
    climb = toy(
        {2: [], 3: [value(-1)], "4/1": flaky, "4/2": flaky, "4/3": [value(9)]},
        policy={"resilient": True, "no_commit": "fail", "on_fail": "fail", "max_failures": 0},
    )
    climb.run(4)
    assert climb.verdicts() == {1: "promoted", 2: "no_change", 3: "incorrect", 4: "promoted"}


def test_the_same_failure_three_times_halts_until_somebody_looks(toy: Make) -> None:
    def wrong(number: int) -> Steps:
        return [value(-number), {"write": {"file": "more.txt", "text": f"{number}"}}]

    climb = toy({n: wrong(n) for n in (2, 3, 4, 5, 6, 7)})
    engine = climb.start("--iterations", "7")
    wait_for(climb.paths.pause.exists, 60)
    halted = climb.wait_event("RunPaused", halt=True)
    reason = climb.paths.pause.read_text()
    assert "the same failure 3 times in a row" in reason
    assert "not positive" in reason
    assert halted["reason"] == reason.strip()
    assert wait_for(lambda: climb.status()["state"] == "halted")
    assert sorted(climb.verdicts()) == [1, 2, 3, 4]
    climb.send(Resume())
    wait_for(lambda: len(climb.events("RunPaused")) == 2, 60)
    assert sorted(climb.verdicts()) == [1, 2, 3, 4, 5, 6, 7]
    climb.paths.pause.unlink()
    assert engine.wait() == 0


def test_a_halt_outlives_the_engine(toy: Make) -> None:
    climb = toy({n: [value(-1)] for n in (2, 3)}, policy={"same_failure": 2})
    climb.killed_at("verdict.recorded", hit=3)
    assert not climb.paths.pause.exists()
    engine = climb.start("--iterations", "4")
    wait_for(lambda: climb.paths.pause.exists() and climb.status()["state"] == "halted")
    assert sorted(climb.verdicts()) == [1, 2, 3]
    engine.kill()
    engine.wait()
    climb.paths.pause.unlink()
    climb.run(4)
    assert climb.verdicts()[4] == "no_change"


def test_an_agent_without_login_halts_the_run_and_then_has_its_turn(toy: Make) -> None:
    climb = toy({"2/1": [{"fail": {"outcome": "login", "detail": "not logged in"}}], 2: [value(9)]})
    engine = climb.start("--iterations", "2")
    wait_for(climb.paths.pause.exists)
    assert wait_for(lambda: climb.status()["state"] == "halted")
    assert "not logged in" in climb.status()["reason"]
    climb.send(Resume())
    assert engine.wait() == 0
    assert climb.verdicts() == {1: "promoted", 2: "promoted"}


def test_an_answer_that_breaks_a_rule_makes_the_candidate_invalid(toy: Make) -> None:
    """Iteration 2 gains little, so that an escalation stands until one gains more."""
    one = {"idea": "one", "upside": "", "risk": "", "structural": True}
    plain = [one | {"idea": f"{n}", "structural": n == "1"} for n in "123"]
    climb = toy(
        {
            2: [value(9), answer()],
            3: [value(8), answer(shortlist=[one])],
            4: [value(8), answer(hypotheses_tested=["one thing", "and another"])],
            5: [value(8), answer(change_class="scalar")],
            6: [value(8), answer(shortlist=plain, choice=2)],
            7: [value(8), {"answer": "I made it faster."}],
            8: [value(2), answer()],
            9: [value(1), answer(shortlist=plain, choice=2)],
        },
        agent={"answer": "required", "escalate_below": "50%"},
        policy={"same_failure": 0},
    )
    climb.run(9)
    assert climb.verdicts() == {
        1: "promoted",
        2: "promoted",
        3: "invalid",
        4: "invalid",
        5: "invalid",
        6: "invalid",
        7: "invalid",
        8: "promoted",
        9: "promoted",
    }
    reasons = {n: climb.verdict(n)["reason"] for n in (3, 4, 5, 6, 7)}
    assert "the shortlist has 1 different ideas; 3 are asked for" in reasons[3]
    assert "tests 2 hypotheses" in reasons[4]
    assert "a scalar change alone is no candidate" in reasons[5]
    assert "an escalation stands: a change of class scalar is refused" in reasons[5]
    assert "the chosen idea has to be a structural one" in reasons[6]
    assert "no JSON object" in reasons[7]
    escalated = {e["iteration"]: e["escalated"] for e in climb.events("AgentStarted")}
    assert [n for n, stands in escalated.items() if stands] == [3, 4, 5, 6, 7, 8]
    assert climb.of_iteration(5, "CheckStarted") == []
    assert "The chosen idea must be structural" in climb.prompt(4)


def test_a_false_claim_is_shown_beside_what_was_measured(toy: Make) -> None:
    claims = [{"metric": "score", "value": 2}, {"metric": "other", "value": 1}]
    climb = toy(
        {2: [value(20), answer(claims=claims)], 3: [value(7), answer(claims=claims)]},
        agent={"answer": "required"},
    )
    climb.run(3)
    assert climb.verdicts() == {1: "promoted", 2: "rejected", 3: "promoted"}
    for iteration, measured in ((2, 20), (3, 7)):
        told = f"its agent says score 2, measured is {measured}"
        assert climb.verdict(iteration)["reason"].endswith(told)


def test_constants_alone_are_no_answer_to_an_escalation(toy: Make) -> None:
    steps: dict[int | str, Steps] = {
        2: [value(20)],
        3: [constant(5)],
        4: [constant(5), aside(1)],
        5: [constant(4)],
    }
    required = {turn: [*made, answer()] for turn, made in steps.items()}
    climb = toy(required, agent={"answer": "required"})
    climb.run(5)
    assert climb.verdicts() == {
        1: "promoted",
        2: "rejected",
        3: "invalid",
        4: "promoted",
        5: "promoted",
    }
    assert "nothing but constants was changed" in climb.verdict(3)["reason"]
    assert climb.of_iteration(3, "CheckStarted") == []


def test_constants_alone_are_a_candidate_where_no_answer_is_required(toy: Make) -> None:
    climb = toy({2: [value(20)], 3: [constant(5)]})
    climb.run(3)
    assert climb.verdicts() == {1: "promoted", 2: "rejected", 3: "promoted"}


def test_post_checks_run_for_would_be_champions_alone(toy: Make, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    suite = f"""
value=$(sed 's/VALUE = \\([0-9]*\\).*/\\1/' work.py); echo $value >> {ran}
case $value in
  8) exit 1;;
  7) test $(grep -c 7 {ran}) -gt 2 || {{ echo 'connection lost'; exit 1; }};;
esac
"""
    post = {
        "name": "suite",
        "run": suite,
        "shell": True,
        "retries": 2,
        "backoff": "100ms",
        "fails_as": "refused",
        "failures": [{"pattern": "connection lost", "class": "infra"}],
    }
    climb = toy(
        {2: [value(9)], 3: [value(20)], 4: [value(8)], 5: [value(7)]},
        post_checks=[post],
        policy={"post_checks": "continue"},
    )
    climb.run(5)
    assert ran.read_text().split() == ["10", "9", "8", "7", "7", "7"]
    assert climb.verdicts() == {
        1: "promoted",
        2: "promoted",
        3: "rejected",
        4: "refused",
        5: "promoted",
    }
    assert climb.verdict(4)["consequence"] == "none"
    late = of_type(climb.of_iteration(5), "CheckFinished")
    assert [event["verdict"] for event in late] == [None, "infra", "infra", None]
    assert climb.shown(climb.branch()) == "VALUE = 7"


def _when(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
