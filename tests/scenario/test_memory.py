"""Open work, notes and the storyline in real runs: written down, told, read, changed, kept."""

from collections.abc import Callable

from engine.loop.pages import STORY_PAGE, TODO_PAGE, WORKPAD_PAGE
from tests.coding import Steps, Toy, answer, value
from tests.driving import Driver, of_type, wait_for

Make = Callable[..., Toy]


def keeping(number: int, *todos: str, note: str = "", resolved: tuple[str, ...] = ()) -> Steps:
    """A turn that changes the number and keeps house."""
    kept = {
        "todo_new": list(todos),
        "notes_update": note,
        "data_exploration_update": f"{note} data" if note else "",
        "resolve_shared_todo_ids": list(resolved),
    }
    return [value(number), answer(housekeeping=kept)]


TURNS: dict[int | str, Steps] = {
    2: keeping(9, "Profile the copies", "try blocks of 512", note="lanes are 128 wide"),
    3: keeping(8, "try blocks of 768", "profiling of copies", "one more", resolved=("t-0002",)),
    4: [value(0), answer()],
    5: keeping(7, note="smaller is better"),
}


def test_what_a_turn_leaves_is_in_the_next_prompts_and_on_the_pages(
    toy: Callable[..., Toy],
) -> None:
    climb = toy(TURNS, agent={"answer": "required"})
    climb.run(5)
    assert "## Open work" not in climb.prompt(2)
    third = climb.prompt(3)
    assert "- t-0001 (worker, 1 iteration old): Profile the copies" in third
    assert "- iteration 2: lanes are 128 wide\n" in third
    assert "## About the data\n\n- iteration 2: lanes are 128 wide data" in third
    assert "try blocks of 768" in climb.prompt(4)
    assert "try blocks of 512" not in climb.prompt(4)
    assert "## What failed last" not in climb.prompt(4)
    assert "## What failed last\n\nc-0004, the iteration before this one" in climb.prompt(5)
    left = [(e["text"], e["reason"]) for e in climb.events("TodoLeftOut")]
    assert left == [("profiling of copies", "it is t-0001 already")]
    page = (climb.paths.artifacts / TODO_PAGE).read_text()
    assert "- [ ] [t-0001] scripted, iteration 2: Profile the copies\n" in page
    assert "- [x] [t-0002] scripted, iteration 2: try blocks of 512 (resolved by scripted)" in page
    workpad = (climb.paths.artifacts / WORKPAD_PAGE).read_text()
    assert workpad.index("## Notes") < workpad.index("smaller is better")
    story = (climb.paths.artifacts / STORY_PAGE).read_text().splitlines()[2:]
    assert [line.split(" | ")[2] for line in story] == [
        "promoted", "promoted", "promoted", "incorrect", "promoted",
    ]  # fmt: skip
    assert "a smaller number is a smaller score" in story[1]


def test_pages_that_an_engine_died_before_are_made_again(toy: Callable[..., Toy]) -> None:
    climb = toy(TURNS, agent={"answer": "required"})
    climb.killed_at("verdict.recorded", hit=3)
    (climb.paths.artifacts / TODO_PAGE).unlink(missing_ok=True)
    story = climb.paths.artifacts / STORY_PAGE
    story.write_text(story.read_text()[:-7] if story.exists() else "torn")
    climb.run(5)
    assert [line[2:6] for line in story.read_text().splitlines()[2:]] == [
        "0001", "0002", "0003", "0004", "0005",
    ]  # fmt: skip
    assert "Profile the copies" in (climb.paths.artifacts / TODO_PAGE).read_text()
    added = [event["todo"] for event in climb.events("TodoAdded")]
    assert added == list(dict.fromkeys(added)), "written down twice"


def test_a_person_keeps_the_queue_too(driver: Driver) -> None:
    engine = driver.start("--iterations", "100000")
    wait_for(lambda: driver.begun and driver.status()["state"] == "running")
    assert driver("todo").stdout == "nothing to do\n"
    done = driver.json("todo", "add", "look at  the\ncorners")
    assert (done["outcome"], done["todo"]) == ("accepted", "t-0001")
    again = driver("todo", "add", "looking at corners", status=2)
    assert "it is t-0001 already: look at the corners" in again.stderr
    assert driver("todo", "edit", "t-0001", "look at the edges").stdout.endswith("accepted\n")
    driver("todo", "add", "write it up")
    listed = driver("todo", "list").stdout
    assert "t-0001  look at the edges\n  by " in listed
    assert (
        "there is no open t-7; open: t-0001, t-0002"
        in driver("todo", "resolve", "t-7", status=2).stderr
    )
    driver("todo", "resolve", "t-0001", "--reason", "round ones are best")
    assert [todo["id"] for todo in driver.json("todo", "list")["todos"]] == ["t-0002"]
    both = driver.json("todo", "list", "--all")["todos"]
    assert [todo["id"] for todo in both] == ["t-0002", "t-0001"]
    assert both[1]["resolved"].endswith(": round ones are best")
    driver("stop", "--wait")
    engine.communicate(timeout=60)
    assert "waits in the inbox" not in driver("todo").stdout
    driver("todo", "add", "for later")
    assert "todo add by " in driver("todo").stdout
    assert len(of_type(driver.events(), "TodoAdded")) == 2
