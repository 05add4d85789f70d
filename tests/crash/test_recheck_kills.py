"""Killed while champions are measured again: it goes on, and nothing is measured or told twice."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.confirming import Confirmed, events_of
from tests.driving import check_turns_of, of_type
from tests.noisy import Noisy

POINTS = {"recheck.begun": 3, "recheck.started": 4, "recheck.checked": 5, "recheck.ended": 2}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Confirmed:
    """The run that was never killed."""
    confirmed = Confirmed(tmp_path_factory.mktemp("reference"))
    confirmed.run()
    return confirmed


def found(confirmed: Confirmed) -> list[dict[str, Any]]:
    """What measuring again came to, and who was demoted for it."""
    events = of_type(confirmed.events(), "RecheckEnded", "ChampionDemoted")
    return [{key: each[key] for key in each.keys() - {"seq", "time"}} for each in events]


@pytest.mark.parametrize("name", POINTS)
def test_measuring_again_survives_being_killed(
    name: str, tmp_path: Path, reference: Confirmed
) -> None:
    confirmed = Confirmed(tmp_path)
    armed = f"{name}:{POINTS[name]}"
    confirmed.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=armed)
    confirmed.run()
    events = confirmed.events()
    check_turns_of(events)
    assert found(confirmed) == found(reference)
    assert confirmed.leaderboard() == reference.leaderboard()
    reports = of_type(events, "RecheckChecked")
    checks = [(e["recheck"], e["report"]["check"], str(e["report"]["half"])) for e in reports]
    assert len(checks) == len(set(checks))
    cut_off = of_type(events, "RecheckInterrupted")
    assert len(cut_off) == (name == "recheck.started")
    assert confirmed.status()["state"] == "done"
    assert confirmed.marked() == []
    assert not any((confirmed.run_dir / "steps").iterdir())


def test_it_goes_on_with_fewer_slots(tmp_path: Path) -> None:
    """Others wait for the slot that measures again; it must not wait for them."""
    noisy = Noisy(
        tmp_path,
        referee="{first_pairs: 6, most_pairs: 6, calibrate: 4, baseline_every: 2, leaders: 0}",
        proposers="[{kind: evolution, slots: 3}]",
        stop="{iterations: 5}",
    )
    noisy.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT="recheck.checked:7")
    noisy.run("--slots", "1")
    events = events_of(noisy)
    check_turns_of(events)
    reports = of_type(events, "RecheckChecked")
    halves = [(event["recheck"], str(event["report"]["half"])) for event in reports]
    assert len(halves) == len(set(halves))
    assert {event["outcome"] for event in of_type(events, "RecheckEnded")} <= {
        "held",
        "inconclusive",
    }
