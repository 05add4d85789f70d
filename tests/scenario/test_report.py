"""The report of real runs: ended, alive, killed, damaged; and where not all of it can be made."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.driving import QUICK, Driver, wait_for
from tests.recorded import make_run
from tests.retelling import check_report

PAGES = (
    "final_condensed_story.md",
    "final_paper_report.md",
    "final_leaderboard_top10.md",
    "final_leaderboard_top10.json",
    "final_evidence.json",
)
FIGURES = [
    f"final_figures/{name}.{ending}"
    for name in ("champion", "then_and_again", "spend")
    for ending in ("svg", "png")
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """A run of twelve iterations."""
    driver = Driver(tmp_path_factory.mktemp("ended"))
    driver.run()
    return driver


def pages(folder: Path) -> dict[str, str]:
    """The pages of a report."""
    found = [path for path in folder.iterdir() if path.name.startswith("final_") and path.is_file()]
    return {path.name: path.read_text() for path in found}


def test_a_run_that_ended_is_told_and_every_figure_is_in_its_journal(ended: Driver) -> None:
    told = ended("report").stdout.splitlines()
    artifacts = ended.run_dir / "artifacts"
    assert told == [str(artifacts / name) for name in (*PAGES, *FIGURES)]
    assert all(Path(path).stat().st_size > 500 for path in told)
    events = ended.events()
    assert check_report(pages(artifacts), events) > 150
    paper = (artifacts / "final_paper_report.md").read_text()
    board = ended.leaderboard()["rows"]
    assert f"`{board[0]['candidate']}`, of iteration {board[0]['iteration']}, won" in paper
    assert "12 iterations came to a verdict" in paper
    assert "final_figures/champion.svg" in paper
    assert not list(artifacts.rglob("*.part"))


def test_it_can_be_told_again_elsewhere_as_json(ended: Driver, tmp_path: Path) -> None:
    before = ended.events()
    told = ended.json(
        "report", "quick-s3", "--top-k", "3", "--out", str(tmp_path / "new" / "place")
    )
    assert (told["journal"], told["top_k"], told["figures_failed"]) == ("ok", 3, "")
    assert told["events"] == {"first": 1, "last": before[-1]["seq"]}
    assert ended.events() == before, "a report is no event"
    rows = json.loads((tmp_path / "new" / "place" / "final_leaderboard_top3.json").read_text())
    assert [row["candidate"] for row in rows["rows"]] == [
        row["candidate"] for row in ended.leaderboard()["rows"][:3]
    ]
    again = ended.json("report", "--top-k", "3", "--out", str(tmp_path / "again"))
    assert [each["sha256"] for each in again["files"]] == [each["sha256"] for each in told["files"]]


def test_a_run_that_is_alive_and_then_killed(tmp_path: Path) -> None:
    driver = Driver(tmp_path, QUICK.replace('run: "true"', "run: sleep 0.2"))
    engine = driver.start("--iterations", "2000")
    wait_for(lambda: driver.run_dir.exists() and len(driver.events()) > 30)
    paper = _paper(driver)
    assert "No event says that it is over. Its state, by lock and heartbeat, when this was" in paper
    assert "written: running." in paper
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    assert "written: crashed." in _paper(driver)
    check_report(pages(driver.run_dir / "artifacts"), driver.events())
    driver.run("--iterations", "3")  # ends what the killed engine left behind
    assert driver.marked() == []


def _paper(driver: Driver) -> str:
    driver("report")
    return (driver.run_dir / "artifacts" / "final_paper_report.md").read_text()


def test_a_damaged_journal_is_told_as_far_as_it_is_whole(tmp_path: Path) -> None:
    paths = make_run(tmp_path, count=60)
    content = paths.journal.read_bytes()
    middle = len(content) // 2
    paths.journal.write_bytes(content[:middle] + b"\0" * 4096 + content[middle + 4096 :])
    driver = Driver(tmp_path)
    done = driver("report", "made-s0", "--json", status=5)
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["journal"] != "ok"
    assert "is unusable" in done.stderr
    last = told["events"]["last"]
    assert last < 300
    paper = (paths.artifacts / "final_paper_report.md").read_text()
    assert f"**The journal is damaged after event {last}: “`" in paper


def test_a_run_without_an_event_has_no_report(tmp_path: Path) -> None:
    driver = Driver(tmp_path)
    driver.run_dir.mkdir(parents=True)
    (driver.run_dir / "engine.lock").touch()
    assert "No event of it can be relied on" in driver("report", status=5).stderr
    assert not (driver.run_dir / "artifacts").exists()
    assert "no run" in driver("report", "nowhere", status=2).stderr


def test_what_cannot_be_drawn_costs_the_figures_alone(ended: Driver, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "matplotlib"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('no fonts here')\n")
    out = tmp_path / "out"
    done = ended.really("report", "--out", str(out), PYTHONPATH=str(broken.parent))
    assert done.returncode == 1
    assert "the figures could not be drawn: RuntimeError: no fonts here" in done.stderr
    assert set(pages(out)) == set(PAGES)
    assert "final_figures" not in (out / "final_paper_report.md").read_text()
    check_report(pages(out), ended.events())


def test_where_a_figure_has_no_place_the_pages_are_there(ended: Driver, tmp_path: Path) -> None:
    (tmp_path / "final_figures").write_text("in the way")
    done = ended("report", "--out", str(tmp_path), status=5)
    assert "cannot be written" in done.stderr
    assert set(PAGES) <= set(pages(tmp_path))
