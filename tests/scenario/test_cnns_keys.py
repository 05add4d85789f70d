"""Keys of llm_driven_cnns that name and brief its two roles, in a run of both."""

from pathlib import Path

from tests.deciding import KEPT, Decider, decided

MENTOR = {"agent": "scripted", "script": "mentor.yaml", "every": 1, "display_name": "Ada"}
OPINION = {
    "course": "on_track",
    "critique": "It goes down.",
    "question": "",
    "advice": "",
    "housekeeping": KEPT | {"todo_new": ["Look at the data"]},
}


def test_roles_have_names_and_missions_with_a_common_one_to_fall_back_on(tmp_path: Path) -> None:
    kept = {"todo_new": ["Try odd values"]}
    driver = Decider(
        tmp_path,
        {1: [decided("run", x=10, kept=kept)], 2: [{"sleep": "1s"}, decided("run", x=17)]},
        worker={"display_name": "Grace", "mission": {"file": "WORKER.md"}},
        mentor=MENTOR | {"sandbox": "off"},
        mission="Beat the baseline.",
        stop={"iterations": 3},
    )
    (tmp_path / "WORKER.md").write_text("Try large steps first.\n")
    driver.script("mentor.yaml", {}, [{"answer": OPINION}])
    driver.run()
    assert "Try large steps first." in driver.prompt(1)
    assert "Beat the baseline." not in driver.prompt(1), "its own mission goes first"
    review = driver.run_dir / "agents" / "r-001" / "prompt.md"
    assert "Beat the baseline." in review.read_text()
    assert {(e["by"], e["text"]) for e in driver.of("TodoAdded")} == {
        ("Grace", "Try odd values"),
        ("Ada", "Look at the data"),
    }
