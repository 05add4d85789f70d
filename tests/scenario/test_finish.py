"""The finish in real runs: in order and on time, whatever candidates do."""

import itertools
import json
import time
from pathlib import Path

from engine.core.finish.times import utc
from tests.driving import check_turns_of, of_type, wait_for
from tests.finishing import (
    FAILING,
    QUICKLY,
    Lively,
    before_deadline,
    ended,
    kinds,
    waiting,
)


def test_freeze_final_round_leaders_report_shutdown_come_in_order(tmp_path: Path) -> None:
    lively = Lively(tmp_path, "{report: true}")
    with lively.running() as engine:
        lively.heard("VerdictReached", 4)
        told = lively.json("finish", "--minutes-left", "2", "--top-k", "2", "--note", "go home")
        assert told["outcome"] == "accepted"
        assert told["finish"]["note"] == "go home"
        ended(engine)
    events = lively.events()
    check_turns_of(events)
    order = ["FinishPlanned", "FinishBegan", "FinalRoundCounted", "FinishMoved", "RecheckEnded"]
    order += ["FinishMoved", "ReportStarted", "ReportWritten", "RunFinished", "EngineStopped"]
    found = kinds(events, *order)
    # Of the two best one may be the baseline, which is not measured for this.
    assert found.count("RecheckEnded") in (1, 2)
    assert [kind for kind, _ in itertools.groupby(found)] == order
    assert before_deadline(events)
    (frozen,) = of_type(events, "FinishBegan")
    begun = [each for each in of_type(events, "IterationStarted") if each["seq"] > frozen["seq"]]
    (round_,) = of_type(events, "FinalRoundCounted")
    assert [each["iteration"] for each in begun] == [round_["iteration"]]
    (written,) = of_type(events, "ReportWritten")
    assert written["missing"] == ""
    assert all((lively.run_dir / each["path"]).is_file() for each in written["files"])
    status = lively.status()
    assert status["state"] == "done"
    assert status["finish"]["phase"] == "done"
    assert status["report"]["state"] == "written"


def test_final_rounds_that_fail_at_once_do_not_count(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    with lively.running() as engine:
        lively.heard("VerdictReached", 2)
        lively.pace(FAILING)
        lively("finish", "--minutes-left", "1")
        ended(engine)
    rounds = of_type(lively.events(), "FinalRoundCounted")
    assert [each["counts"] for each in rounds] == [False] * 3


def test_a_final_round_that_hangs_is_cut_off_in_time(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    lively.pace(waiting("go"))
    with lively.running() as engine:
        lively.hang_in_the_final_round(0.4)
        assert lively.status()["state"] == "finishing"
        ended(engine)
    events = lively.events()
    check_turns_of(events)
    (cut,) = [each for each in of_type(events, "IterationCut") if each["recheck"] is None]
    (verdict,) = [
        e for e in of_type(events, "VerdictReached") if e["iteration"] == cut["iteration"]
    ]
    assert verdict["verdict"] == "inconclusive"
    assert verdict["reason"].startswith("cut off by the finish")
    assert before_deadline(events)
    assert lively.marked() == []


def test_a_restart_in_the_middle_goes_on_with_the_same_plan(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    lively.pace(waiting("go"))
    with lively.running() as engine:
        lively.hang_in_the_final_round(0.5)
        engine.kill()
    with lively.running() as engine:
        ended(engine)
    events = lively.events()
    check_turns_of(events)
    assert len(of_type(events, "FinishPlanned")) == len(of_type(events, "FinishBegan")) == 1
    assert len(of_type(events, "FinalRoundStarted")) == 1
    assert of_type(events, "RunFinished")[0]["reason"] == "finish"


def test_one_that_is_cancelled_thaws_the_run(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    lively.pace(waiting("go"))
    with lively.running():
        lively.heard("CheckStarted")
        lively("finish", "--minutes-left", "60", "--final-rounds", "0")
        lively.heard("FinishBegan")
        lively("finish", "--cancel")
        (tmp_path / "go").touch()
        lively.heard("VerdictReached", 3)
    assert of_type(lively.events(), "FinishMoved") == []


def test_one_that_is_cancelled_while_leaders_are_measured_thaws_it_too(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    with lively.running():
        lively.heard("VerdictReached", 4)
        lively.pace(waiting("go"))
        (last,) = lively.heard("IterationStarted", 5)[-1:]
        lively("finish", "--minutes-left", "60", "--final-rounds", "0")
        lively.pace(waiting("gone"))
        (tmp_path / "go").touch()
        lively.heard("RecheckStarted")
        lively("finish", "--cancel")
        lively.pace(QUICKLY)
        (tmp_path / "gone").touch()
        lively.heard("IterationStarted", last["iteration"] + 4)
    (cancelled,) = of_type(lively.events(), "FinishCancelled")
    assert cancelled["phase"] == "measuring"


def test_a_paused_run_ends_in_time_too(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    with lively.running() as engine:
        lively.heard("VerdictReached", 2)
        lively("pause")
        lively("finish", "--minutes-left", "0.1")
        ended(engine)
    events = lively.events()
    assert of_type(events, "RunFinished")[0]["reason"] == "finish"
    assert of_type(events, "RecheckBegun") == []
    assert before_deadline(events)


def test_for_leaves_time_for_the_finish(tmp_path: Path) -> None:
    lively = Lively(tmp_path, "{minutes: 0.1, report: false}")
    lively.run("--for", "14s")
    events = lively.events()
    (planned,) = of_type(events, "FinishPlanned")
    assert planned["source"] == "for"
    assert before_deadline(events)


def test_a_wish_waits_for_a_run_that_is_not_live(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    lively.run("--iterations", "3")
    told = lively("finish", "--minutes-left", "1", "--final-rounds", "0").stdout
    assert "no engine runs" in told
    assert "no finish is planned" in lively("finish", "--show").stdout
    lively.run()
    assert of_type(lively.events(), "RunFinished")[-1]["reason"] == "finish"


def test_the_file_is_the_wish_as_long_as_it_lies_there(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    file = lively.run_dir / "FINISH_UP.json"
    with lively.running() as engine:
        lively.heard("VerdictReached", 2)
        file.write_text('{"minutes_left": 60, "minuets": 3}')
        (refused,) = lively.heard("FinishRefused")
        assert "minuets" in refused["reason"]
        wait_for(lambda: not file.exists())
        assert (lively.run_dir / refused["kept"]).read_text().startswith('{"minutes_left"')
        at = utc(time.time() + 3000)
        wish = {"activate_at_utc": at, "minutes_left": 60, "activation_mode": "scheduled_at_utc"}
        file.write_text(json.dumps(wish))
        (planned,) = lively.heard("FinishPlanned")
        assert (planned["source"], planned["activate_at"]) == ("file", at)
        file.unlink()
        (cancelled,) = lively.heard("FinishCancelled")
        assert cancelled["reason"] == "the file was removed"
        file.write_text('{"minutes_left": 1, "final_training_rounds_target": 0}')
        ended(engine)
    assert of_type(lively.events(), "RunFinished")[0]["reason"] == "finish"
    assert not file.exists(), "tomorrow's engine finds nothing stale"


def test_contradicting_options_are_refused(tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    lively.run("--iterations", "2")
    for options in (
        ("--in", "1h", "--at", "18:30"),
        ("--show", "--cancel"),
        ("--at", "2001-01-01T00:00"),
        ("--run-hours", "0.5", "--minutes-left", "60"),
        ("--minutes-left", "0"),
    ):
        lively("finish", *options, status=2)
