"""Champions are confirmed under variants, and leaders measured once more before a run is over."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.core.ids import CandidateId
from tests.coding import SCORE, Toy, value
from tests.confirming import Confirmed, events_of
from tests.crash.test_agent_in_place import files, persons_own
from tests.driving import Driver, check_turns_of, of_type
from tests.noisy import Noisy
from tests.sealing import PARAMETERS, packed_in

Json = dict[str, Any]

NO_MACHINE_ONCE = """\
if shape == "short" and not os.path.exists("tried"):
    open("tried", "w")
    sys.exit("no machine")
"""


def ended(driver: Driver) -> list[Json]:
    return of_type(events_of(driver), "RecheckEnded")


def x_of(driver: Driver) -> dict[str, int]:
    return {
        e["candidate"]: e["parameters"]["x"] for e in of_type(driver.events(), "CandidateProposed")
    }


def test_one_that_fails_under_a_variant_is_demoted_and_one_that_holds_is_stable(
    tmp_path: Path,
) -> None:
    confirmed = Confirmed(tmp_path, hook=NO_MACHINE_ONCE)
    printed = confirmed.run().stdout
    events, parameters = confirmed.events(), x_of(confirmed)
    check_turns_of(events)
    demoted = {event["candidate"] for event in of_type(events, "ChampionDemoted")}
    promoted = {
        e["candidate"] for e in of_type(events, "VerdictReached") if e["verdict"] == "promoted"
    }
    assert demoted == {name for name in promoted if parameters[name] > 10} != set()
    rows = {row["candidate"]: row for row in confirmed.leaderboard()["rows"]}
    best = confirmed.status()["champion"]
    assert parameters[best["candidate"]] <= 10
    assert best["confidence"] == rows[best["candidate"]]["confidence"] == "stable"
    assert best["again"] == best["value"]
    for name in demoted:
        assert rows[name]["confidence"] == "exploratory"
        assert rows[name]["ruled"].startswith("demoted: long: ")
        assert rows[name]["rank"] > len(rows) - len(demoted)
    # The baseline is measured once under each variant, and what the machine failed was repeated.
    halves = [e for e in of_type(events, "RecheckChecked") if e["report"]["half"]]
    assert len(halves) == 2
    failed = [e for e in of_type(events, "RecheckChecked") if e["report"]["outcome"] == "failed"]
    assert [e["report"]["verdict"] for e in failed] == ["infra"]
    assert "is demoted, c-0002 is champion: long: " in printed
    assert f"{best['candidate']}: {best['value']:.6g} ms, measured again at the end: " in printed
    told = confirmed("champion").stdout
    assert "stable" in told
    assert "under long: held" in told
    assert "was demoted: long: " in told
    page = confirmed("show", str(best["iteration"])).stdout
    assert "under long: held" in page
    assert "hold" in confirmed("verify").stdout


def test_slots_work_on_while_a_champion_is_confirmed(tmp_path: Path) -> None:
    wait = "import time; time.sleep(0.6 if shape else 0.1)"
    confirmed = Confirmed(tmp_path, slots=2, hook=wait)
    confirmed.run("--iterations", "10")
    events = confirmed.events()
    check_turns_of(events)
    began, meanwhile = False, 0
    for event in events:
        began = event["type"] == "RecheckBegun" or (began and event["type"] != "RecheckEnded")
        meanwhile += began and event["type"] == "CheckFinished"
    assert meanwhile
    assert confirmed.status()["champion"]["confidence"] == "stable"


def test_a_person_has_the_last_word(tmp_path: Path) -> None:
    """What a person accepts is confirmed too, and stays champion where that fails."""
    confirmed = Confirmed(tmp_path)
    confirmed.run()
    (first, *_) = of_type(confirmed.events(), "ChampionDemoted")
    confirmed("champion", "accept", first["candidate"], "--reason", "long is never used")
    before = len(ended(confirmed))
    confirmed.run("--iterations", "9")
    assert of_type(confirmed.events(), "ChampionAccepted")
    best = confirmed.status()["champion"]
    again = [e for e in ended(confirmed)[before:] if e["purpose"] == "confirm"]
    assert {event["candidate"] for event in again} <= {"c-0009"}
    assert best["candidate"] in {first["candidate"], "c-0009"}
    if best["candidate"] == first["candidate"]:
        assert best["doubt"].startswith("long: ")
        assert "under long: failed" in confirmed("champion").stdout


def test_a_figure_that_does_not_hold_at_the_end_is_told(tmp_path: Path) -> None:
    confirmed = Confirmed(tmp_path)
    text = confirmed.config.read_text()
    confirmed.config.write_text(text.split("confirm:")[0] + "stop: {iterations: 3}\n")
    bench = tmp_path / "bench.py"
    counted = "n = len(os.listdir('seen')); open(f'seen/{n}', 'w'); score += n > 2\n"
    bench.write_text(bench.read_text().replace("json.dump", counted + "json.dump"))
    (tmp_path / "seen").mkdir()
    printed = confirmed.run().stdout
    (end,) = ended(confirmed)
    assert (end["purpose"], end["outcome"], end["changed"]) == ("end", "failed", True)
    assert end["value"] == end["before"] + 1
    assert "it does not hold: " in printed
    best = confirmed.status()["champion"]
    assert (best["confidence"], best["again"]) == ("exploratory", end["value"])
    assert "exploratory, not shown again" in confirmed("leaderboard").stdout
    # A run that was over goes on, and its leader is measured at its new end.
    confirmed.run("--iterations", "4")
    assert len(ended(confirmed)) == 2
    confirmed.run("--iterations", "4")
    assert len(ended(confirmed)) == 2


SHAPED = "0.0 if not x else -0.1 if os.environ.get('SHAPE') else 0.3 * x / 400"
BY_PAIRS = {
    "referee": "{first_pairs: 6, most_pairs: 6, calibrate: 4, baseline_every: 2}",
    "proposers": "[{kind: evolution, slots: 2}]",
    "stop": "{iterations: 5}",
}


def test_pairs_confirm_where_there_is_noise(tmp_path: Path) -> None:
    gain = SHAPED.replace("x", "candidate['parameters']['x']")
    noisy = Noisy(
        tmp_path,
        gain=gain,
        cv=0.003,
        confirm="{variants: [{name: big, env: {SHAPE: big}}]}",
        **BY_PAIRS,
    )
    printed = noisy.run().stdout
    events = events_of(noisy)
    check_turns_of(events)
    confirmations = [event for event in ended(noisy) if event["purpose"] == "confirm"]
    assert {event["outcome"] for event in confirmations} == {"failed"}
    assert {event["decision"]["pairs"] for event in confirmations} == {6}
    assert noisy.status()["champion"]["candidate"] == "c-0001"
    # While pairs are measured, no other check runs.
    running: set[int] = set()
    for event in events:
        match event["type"]:
            case "CheckStarted":
                running.add(event["iteration"])
            case "CheckFinished" | "CheckInterrupted":
                running.discard(event["iteration"])
            case "RecheckStarted":
                assert not event["half"] or not running
            case _:
                pass
    reports = [e["report"]["metrics"] for e in of_type(events, "RecheckChecked")]
    values = [metrics["ms"] for metrics in reports if metrics]
    assert len(values) == len(set(values))
    drift = noisy.status()["baseline"]
    assert drift["drift"] == pytest.approx(0.0, abs=0.01) or drift["drifted"]
    watched = [event for event in ended(noisy) if event["purpose"] == "baseline"]
    assert watched
    assert "the baseline c-0001 measured again: " in printed
    assert "baseline  c-0001 " in noisy("status").stdout
    noisy("verify")


LONG = {"confirm": {"variants": [{"name": "long", "env": {"SHAPE": "long"}}]}}


def test_sealed_checks_confirm_sealed(tmp_path: Path) -> None:
    """The environment of a variant reaches both halves, and the judge still draws its own seed."""
    packed_in(tmp_path)
    campaign = yaml.safe_dump(PARAMETERS | LONG | {"stop": {"iterations": 3}})
    driver = Driver(tmp_path, campaign, name="sealed-s0")
    produce, judge = tmp_path / "code" / "produce.py", tmp_path / "code" / "judge.py"
    worse = " + 1000 * (os.environ.get('SHAPE') == 'long' and x != 9)"
    produce.write_text(produce.read_text().replace("** 2 + 1", f"** 2 + 1{worse}"))
    told = '{"score": value, "long": float(os.environ.get("SHAPE") == "long")}'
    judge.write_text(judge.read_text().replace('{"score": value}', told))
    driver.run()
    events = events_of(driver)
    promoted = [e for e in of_type(events, "VerdictReached") if e["verdict"] == "promoted"][1:]
    demoted = of_type(events, "ChampionDemoted")
    assert [e["candidate"] for e in demoted] == [e["candidate"] for e in promoted] != []
    for event in of_type(events, "RecheckChecked"):
        assert event["report"]["metrics"]["long"] == 1.0
        assert event["report"]["seed"] is not None
    assert not of_type(events, "RecheckEnded")[0]["decision"]


def c(number: int) -> CandidateId:
    return CandidateId(f"c-{number:04d}")


SHAPE: Json = {
    "name": "shape",
    "run": 'if [ "$SHAPE" = long ]; then ! grep -q "VALUE = 7" work.py; fi',
    "shell": True,
}


@pytest.mark.parametrize("mode", ["worktree", pytest.param("in-place", marks=pytest.mark.long)])
def test_the_branch_goes_back_with_the_champion(tmp_path: Path, mode: str) -> None:
    climb = Toy(
        tmp_path / "toy",
        {2: [value(8)], 3: [value(7)], 4: [value(6)]},
        checks=[SHAPE, SCORE],
        confirm={"variants": [{"name": "long", "env": {"SHAPE": "long"}}]},
        workspace={"repo": ".", "mode": mode, "dirty": "stash"},
    )
    own, rest = persons_own(climb), files(climb)
    climb.run(3)
    (demoted,) = climb.events("ChampionDemoted")
    assert (demoted["candidate"], demoted["champion"]) == (c(3), c(2))
    assert climb.status()["champion"]["candidate"] == c(2)
    branch = "HEAD" if mode == "in-place" else climb.branch()
    assert climb.shown(branch) == "VALUE = 8"
    climb.run(4)
    assert climb.verdict(4)["reason"].endswith(f"better than {c(2)} (8)")
    best = climb.status()["champion"]
    assert (best["candidate"], best["confidence"]) == (c(4), "stable")
    branch = "HEAD" if mode == "in-place" else climb.branch()
    assert climb.shown(branch) == "VALUE = 6"
    assert (persons_own(climb), files(climb)) == (own, rest)
