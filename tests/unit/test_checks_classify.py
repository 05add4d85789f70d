"""From how a check ended to what it makes of the candidate: the table."""

from typing import Any

import pytest

from engine.checks.classify import Observed, classify, classify_judged, classify_produced
from engine.checks.result import Failure, Result
from engine.core.campaign.checks import CheckSpec
from engine.core.events import Tests
from engine.executors.protocol import Exceeded, Finished, NotStarted, TimedOut

OK = Finished(exit_code=0)
BAD = Finished(exit_code=1)
REFUSED = Result(failure=Failure(kind="refused", detail="dynamic trip count"))
UNNAMED = Result(failure=Failure(detail="wrong by 3"))
BROKEN = Result(problem="the result file is wrong: it is not JSON")
GREEN = {"tests": {"passed": 49}}


def spec(**more: Any) -> CheckSpec:
    return CheckSpec.model_validate({"name": "check", "run": "true", **more})


TABLE: list[tuple[dict[str, Any], Observed, str | None, str]] = [
    # how it ended
    ({}, Observed(ended=OK), None, ""),
    ({}, Observed(ended=OK, last_words="loss 1"), None, ""),
    ({}, Observed(ended=BAD, last_words="boom"), "incorrect", "exit status 1: boom"),
    ({"fails_as": "compile"}, Observed(ended=BAD), "compile", "exit status 1"),
    ({"exit": [0, 1]}, Observed(ended=BAD), None, ""),
    ({"exit": [3]}, Observed(ended=OK), "incorrect", "exit status 0"),
    ({}, Observed(ended=NotStarted("no such program")), "infra", "no such program"),
    ({}, Observed(ended=Finished(exit_code=126)), "infra", "exit status 126: the command"),
    ({}, Observed(ended=Finished(exit_code=127)), "infra", "exit status 127: the command"),
    ({"exit": [127]}, Observed(ended=Finished(exit_code=127)), None, ""),
    ({}, Observed(ended=Finished(signal=11)), "incorrect", "ended by SIGSEGV"),
    ({}, Observed(ended=Finished(signal=9)), "infra", "ended by SIGKILL from outside"),
    ({}, Observed(ended=Finished(signal=15)), "infra", "ended by SIGTERM from outside"),
    ({}, Observed(ended=Finished(signal=64)), "incorrect", "ended by SIGRTMAX"),
    (
        {"deadline": "2s"},
        Observed(ended=TimedOut("deadline", 2.1), last_words="step 7"),
        "timeout",
        "killed after its deadline of 2 s: step 7",
    ),
    ({"idle": "3s"}, Observed(ended=TimedOut("idle", 3)), "timeout", "after 3 s without output"),
    ({}, Observed(ended=TimedOut("deadline", 9), result=REFUSED), "timeout", "killed after"),
    # what it says itself
    ({}, Observed(ended=OK, result=REFUSED), "refused", "dynamic trip count"),
    ({}, Observed(ended=BAD, result=REFUSED, pattern="infra"), "refused", "dynamic trip count"),
    ({}, Observed(ended=Finished(signal=9), result=REFUSED), "refused", "dynamic trip count"),
    ({}, Observed(ended=OK, result=UNNAMED), "incorrect", "wrong by 3"),
    ({}, Observed(ended=BAD, result=UNNAMED, pattern="compile"), "compile", "wrong by 3"),
    ({}, Observed(ended=Finished(exit_code=127), result=UNNAMED), "infra", "wrong by 3"),
    ({"fails_as": "invalid"}, Observed(ended=OK, result=UNNAMED), "invalid", "wrong by 3"),
    (
        {},
        Observed(ended=OK, result=Result(failure=Failure(kind="invalid")), last_words="cheat"),
        "invalid",
        "the check reports a failure: cheat",
    ),
    # declared patterns name failures, and make none
    ({}, Observed(ended=OK, pattern="infra"), None, ""),
    ({}, Observed(ended=BAD, pattern="infra", last_words="reset"), "infra", "exit status 1: reset"),
    ({}, Observed(ended=Finished(exit_code=127), pattern="compile"), "compile", "exit status 127"),
    # result files that cannot be used
    ({}, Observed(ended=OK, result=BROKEN), "incorrect", "the result file is wrong"),
    ({"fails_as": "infra"}, Observed(ended=OK, result=BROKEN), "infra", "the result file is wrong"),
    ({}, Observed(ended=BAD, result=BROKEN), "incorrect", "exit status 1"),
    # metrics that have to be there
    (
        {"reports": ["x", "y"]},
        Observed(ended=OK, metrics={"x": 1.0}, missing={"y": "it is not in the result file"}),
        "incorrect",
        "metric y: it is not in the result file",
    ),
    # inventories
    (GREEN, Observed(ended=OK, tests=Tests(passed=49)), None, ""),
    (
        GREEN,
        Observed(ended=OK, tests=Tests(passed=49, skipped=40)),
        "incorrect",
        "tests: 49 passed, 0 failed, 40 skipped; expected are 49 passed, 0 failed, 0 skipped",
    ),
    (GREEN, Observed(ended=OK, tests=Tests(passed=48)), "incorrect", "48 passed"),
    (GREEN, Observed(ended=OK, tests=Tests(passed=50)), "incorrect", "50 passed"),
    (GREEN, Observed(ended=OK, tests=Tests(passed=49, failed=1)), "incorrect", "1 failed"),
    (GREEN, Observed(ended=OK), "incorrect", "it reports no tests"),
    ({}, Observed(ended=OK, tests=Tests(passed=3, skipped=9)), None, ""),
    ({}, Observed(ended=OK, tests=Tests(passed=3, failed=1)), "incorrect", "1 of its tests"),
]


@pytest.mark.parametrize(("settings", "seen", "verdict", "detail"), TABLE)
def test_the_table(
    settings: dict[str, Any], seen: Observed, verdict: str | None, detail: str
) -> None:
    judged = classify(spec(**settings), seen)
    assert judged.verdict == verdict
    assert detail in judged.detail
    assert bool(judged.detail) == bool(detail)


SEALED = {"run": None, "produce": "p", "judge": "j"}
BLAMES: list[tuple[dict[str, Any], Observed, str]] = [
    ({}, Observed(ended=BAD, pattern="infra"), "incorrect"),
    ({}, Observed(ended=BAD, pattern="flaky"), "incorrect"),
    ({"fails_as": "compile"}, Observed(ended=BAD, pattern="infra"), "compile"),
    ({"fails_as": "infra"}, Observed(ended=BAD), "incorrect"),
    ({}, Observed(ended=BAD, pattern="compile"), "compile"),
    ({}, Observed(ended=Finished(exit_code=127)), "incorrect"),
    ({}, Observed(ended=Finished(signal=9)), "incorrect"),
    ({}, Observed(ended=NotStarted("./build.sh is not executable")), "incorrect"),
    ({"fails_as": "compile"}, Observed(ended=NotStarted("the folder is gone")), "compile"),
    ({}, Observed(ended=TimedOut("deadline", 9)), "timeout"),
    ({"fails_as": "flaky"}, Observed(ended=Exceeded("memory", 9)), "incorrect"),
    ({}, Observed(ended=Finished(exit_code=0, background=1)), "invalid"),
]


@pytest.mark.parametrize(("settings", "seen", "verdict"), BLAMES)
def test_a_candidate_cannot_say_that_it_was_the_machine(
    settings: dict[str, Any], seen: Observed, verdict: str
) -> None:
    judged = classify_produced(spec(**SEALED, **settings), seen)
    assert (judged.verdict, judged.own) == (verdict, True)


def test_that_there_is_no_bubblewrap_is_the_machines() -> None:
    judged = classify_produced(spec(**SEALED), Observed(ended=NotStarted("no bwrap", machine=True)))
    assert (judged.verdict, judged.own) == ("infra", False)


@pytest.mark.parametrize(
    ("seen", "own"),
    [
        (Observed(ended=OK, result=REFUSED), True),
        (Observed(ended=BAD), True),
        (Observed(ended=Finished(signal=9)), False),
        (Observed(ended=BAD, pattern="infra"), False),
        (Observed(ended=OK), False),
    ],
)
def test_what_the_judge_refuses_is_the_candidates_own_doing(seen: Observed, *, own: bool) -> None:
    assert classify_judged(spec(**SEALED), seen).own is own
