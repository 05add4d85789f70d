"""A worker's decisions in real runs: what each of them does, and what comes of nonsense."""

import signal
from pathlib import Path

import pytest

from tests.coding import spend
from tests.deciding import Decider, decided
from tests.driving import check_history, wait_for


def test_it_decides_what_runs_until_the_iterations_are_over(tmp_path: Path) -> None:
    kept = {"todo_new": ["Try odd values"], "notes_update": "the optimum is above 10"}
    driver = Decider(
        tmp_path,
        {
            1: [decided("run", x=10, kept=kept)],
            2: [decided("propose", x=17, label="")],
            3: [decided("run", x=18, category="data_sampling")],
        },
    )
    driver.run()
    check_history(driver.events())
    assert driver.values() == [0, 10, 17, 18]
    assert list(driver.verdicts().values()) == ["promoted", "promoted", "promoted", "rejected"]
    assert driver.actions() == ["run", "propose", "run"]
    asked = driver.of("DecisionAsked")
    assert [e["decision"] for e in asked] == ["w-0001", "w-0002", "w-0003"]
    assert asked[0]["reasons"] == ["a slot is free"]
    assert asked[1]["reasons"] == ["c-0002 ended: promoted", "a slot is free"]
    assert [e["text"] for e in driver.of("TodoAdded")] == ["Try odd values"]
    proposed = driver.of("CandidateProposed")[-1]
    assert proposed["chosen"]["decision"] == "w-0003"
    assert proposed["tags"] == ["data_sampling"]
    assert "x at 10 (optimization)" in driver.prompt(2)
    assert "t-0001 (worker," in driver.prompt(2)
    assert "w-0001 run x at 10, taken began c-0002" in driver.prompt(2)


def test_it_stops_a_run_and_shuts_down_however_tersely(tmp_path: Path) -> None:
    terse = {"rationale": "", "label": ""}
    driver = Decider(
        tmp_path,
        {
            1: [decided("run", x=30, monitor_s=0.4)],
            2: [decided("stop_run", run="c-0002", **terse)],
            # All but its action is out of form: it stands all the same.
            3: [{"answer": {"action": "shut_down"}}],
        },
        stop={"iterations": 50},
    )
    driver.run()
    events = driver.events()
    check_history(events)
    assert driver.verdicts() == {1: "promoted", 2: "inconclusive"}
    assert driver.of("VerdictReached")[-1]["reason"] == "stopped by scripted"
    asked = [e["reasons"] for e in driver.of("DecisionAsked")]
    assert asked[1] == ["the monitoring window of c-0002 is over"]
    assert "- c-0002, for 0 s, measure; x at 30 (optimization); x=30" in driver.prompt(2)
    assert "  | step 30" in driver.prompt(2)
    assert driver.actions() == ["run", "stop_run", "shut_down"]
    assert driver.of("DecisionGated")[-1]["decision"] == "w-0001", "no safety action is gated"
    (planned,) = driver.of("FinishPlanned")
    assert (planned["source"], planned["by"], planned["final_rounds"]) == ("worker", "scripted", 0)
    (finished,) = driver.of("RunFinished")
    assert (finished["reason"], finished["exit_status"]) == ("finish", 0)
    assert driver.marked() == []


def test_a_wait_ends_in_its_time_or_when_something_happens(tmp_path: Path) -> None:
    driver = Decider(
        tmp_path,
        {
            1: [decided("wait", wait_s=0.3)],
            2: [decided("wait", wait_s=300)],
            3: [decided("run", x=17)],
        },
        stop={"iterations": 2},
    )
    engine = driver.start()
    wait_for(lambda: driver.begun and len(driver.of("DecisionTaken")) == 2)
    wait_for(lambda: driver.status()["state"] == "waiting")
    assert driver.status()["reason"].startswith("the worker is left alone until ")
    driver("directive", "add", "Look at 17.")
    assert engine.wait(60) == 0
    asked = [e["reasons"] for e in driver.of("DecisionAsked")]
    assert asked == [["a slot is free"], ["its wait is over"], ["directive d-001"]]
    assert "Look at 17." in driver.prompt(3)
    assert driver.verdicts() == {1: "promoted", 2: "promoted"}


def test_a_worker_that_only_waits_neither_ends_the_run_nor_spins(tmp_path: Path) -> None:
    driver = Decider(tmp_path, {}, otherwise=[decided("wait", wait_s=0.001)])
    driver.run("--for", "6s")
    (finished,) = driver.of("RunFinished")
    assert finished["reason"] == "time"
    asked = driver.of("DecisionAsked")
    # 0.1, 0.2, 0.4, 0.8, 1.6 seconds apart, and each answer takes its time.
    assert 3 <= len(asked) <= 7
    assert driver.verdicts() == {1: "promoted"}


def test_an_answer_that_cannot_be_read_is_asked_for_once_more(tmp_path: Path) -> None:
    driver = Decider(
        tmp_path,
        {
            "1/1": [spend(100), {"answer": {"action": "fly"}}],
            "1/2": [spend(50), decided("run", x=17)],
        },
        stop={"iterations": 2},
    )
    driver.run()
    (answered,) = driver.of("DecisionAnswered")
    assert answered["asked_again"][0] == "decision.rationale: missing"
    assert answered["problems"] == []
    assert answered["tokens"]["input"] + answered["tokens"]["output"] == 150
    told = driver.prompt(1, attempt=2)
    assert "## Your last answer could not be used" in told
    assert "- decision.rationale: missing" in told
    assert 'It was: {"action":"fly"}' in told
    assert driver.values() == [0, 17]


def test_nonsense_is_bounded_and_halts_the_run_until_a_person_looks(tmp_path: Path) -> None:
    driver = Decider(
        tmp_path,
        {5: [decided("run", x=17)]},
        otherwise=[{"answer": "I would rather not."}],
        worker={"halt_after": 3},
        stop={"iterations": 2},
    )
    engine = driver.start()
    wait_for(lambda: driver.begun and driver.status()["state"] == "halted", 60)
    reason = driver.status()["reason"]
    assert reason.startswith("3 decisions of the worker in a row came to nothing; the last: ")
    assert reason.endswith("the answer holds no JSON object")
    assert len(driver.of("DecisionAsked")) == 3
    assert "w-0001 could not be used" in driver.prompt(2)
    driver("resume")
    assert engine.wait(60) == 0
    assert driver.verdicts() == {1: "promoted", 2: "promoted"}
    assert len(driver.of("DecisionAsked")) == 5


def test_with_nobody_to_look_such_a_run_ends(tmp_path: Path) -> None:
    driver = Decider(
        tmp_path, {}, otherwise=[{"fail": {"outcome": "unreachable", "detail": "503"}}],
        worker={"halt_after": 2},
    )  # fmt: skip
    driver.run("--exit-on-halt", status=3)
    (finished,) = driver.of("RunFinished")
    assert finished["reason"] == "policy"
    assert finished["detail"].endswith("the last: 503")


def test_what_the_gate_blocks_becomes_a_wait_and_the_worker_is_told(tmp_path: Path) -> None:
    kept = {"notes_update": "13 is unlucky"}
    driver = Decider(
        tmp_path,
        {
            1: [decided("run", x=13)],
            2: [decided("run", x=13, rationale="again", kept=kept)],
            3: [decided("run", x=17)],
        },
        stop={"iterations": 3},
    )
    driver.run()
    blocked = driver.of("DecisionGated")[1]
    assert blocked["blocked"]
    assert [issue["rule"] for issue in blocked["issues"]] == ["rationale", "duplicate"]
    told = driver.prompt(3)
    assert "w-0002 run x at 13 became a wait, the gate did not let it pass: rationale:" in told
    assert "c-0002 was the same: incorrect" in told
    assert "13 is unlucky" in told, "what it wants remembered is not lost"
    assert driver.verdicts() == {1: "promoted", 2: "incorrect", 3: "promoted"}


def test_its_command_is_what_a_check_runs(tmp_path: Path) -> None:
    train = (
        "import json, sys\n"
        "json.dump({'metrics': {'score': float(sys.argv[1])}}, open(sys.argv[2], 'w'))\n"
    )
    base = "{python} train.py 9 {result}"
    command = "{python} train.py 4 {result}"
    driver = Decider(
        tmp_path,
        {
            1: [decided("run", label="four", command=command, folder="deep")],
            2: [decided("run", label="elsewhere", command=command, folder="../..")],
            3: [decided("run", label="nowhere", command=command, folder="no")],
            4: [decided("run", label="banned", command="rm -rf /")],
            5: [decided("run", label="three", command=command.replace("4", "3"))],
        },
        worker={
            "baseline_command": base,
            "gate": {"forbid": ["rm +-rf"]},
            "halt_after": 0,
        },
        checks=[{"name": "train", "run": "{command}", "reports": ["score"], "deadline": "30s"}],
        space={},
        baseline={},
        stop={"iterations": 3},
    )
    for folder in (tmp_path, tmp_path / "deep"):
        folder.mkdir(exist_ok=True)
        (folder / "train.py").write_text(train)
    driver.run()
    assert list(driver.verdicts().values()) == ["promoted"] * 3
    issues = [[i["rule"] for i in e["issues"]] for e in driver.of("DecisionGated")]
    assert issues == [[], ["folder"], ["folder"], ["forbidden"], []]
    assert driver.of("CandidateProposed")[1]["chosen"]["folder"] == "deep"
    assert driver.status()["champion"]["value"] == 3


def test_two_runs_at_once_and_a_third_is_told_that_no_slot_is_free(tmp_path: Path) -> None:
    driver = Decider(
        tmp_path,
        {
            1: [decided("run", x=30, monitor_s=1.5)],
            2: [decided("run", x=30, label="again", monitor_s=1.2)],
            3: [decided("run", x=17, label="seventeen")],
            4: [decided("stop_run", run="again")],
            5: [decided("shut_down")],
        },
        worker={"slots": 2, "gate": {"duplicates": False}},
        stop={"iterations": 9},
    )
    driver.run()
    gated = driver.of("DecisionGated")
    assert [issue["rule"] for issue in gated[-1]["issues"]] == ["resources"]
    assert driver.actions()[:3] == ["run", "run", "stop_run"]
    assert driver.marked() == []


@pytest.mark.parametrize(
    "failpoint", ["decision.recorded", "decision.ended", "decision.answered", "decision.taken"]
)
def test_killed_while_it_decides_nothing_is_lost_and_nothing_runs_twice(
    tmp_path: Path, failpoint: str
) -> None:
    turn = [spend(100), decided("run", x=17)]
    driver = Decider(tmp_path, {1: turn, 2: turn}, stop={"iterations": 2})
    driver.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=f"{failpoint}:1")
    driver.run()
    events = driver.events()
    check_history(events)
    assert driver.verdicts() == {1: "promoted", 2: "promoted"}
    asked = [e["decision"] for e in driver.of("DecisionAsked")]
    ended = driver.of("DecisionAnswered", "DecisionInterrupted")
    assert [e["decision"] for e in ended] == asked
    early = failpoint in {"decision.recorded", "decision.ended"}
    assert len(asked) == (2 if early else 1)
    spent = {"decision.recorded": 100, "decision.ended": 200}.get(failpoint, 100)
    assert driver.status()["spend"]["tokens"] == spent
    assert len(driver.of("DecisionTaken")) == 1


def test_killed_before_a_run_is_cut_off_it_is_cut_off_afterwards(tmp_path: Path) -> None:
    driver = Decider(
        tmp_path,
        {
            1: [decided("run", x=30, monitor_s=0.3)],
            2: [decided("stop_run", run="c-0002")],
            3: [decided("run", x=17)],
        },
        stop={"iterations": 3},
    )
    driver.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT="decision.taken:2")
    driver.run()
    assert driver.verdicts() == {1: "promoted", 2: "inconclusive", 3: "promoted"}
    assert driver.marked() == []
