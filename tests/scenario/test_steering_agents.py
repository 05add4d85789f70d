"""Directives and stashes by the command line, with and without an engine."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.coding import Toy, value
from tests.driving import CONTROLROOM, QUICK, Driver, of_type, wait_for

Make = Callable[..., Toy]
FIRST = "Solve the triangle\nby blocks of 16."


@pytest.fixture
def rested(driver: Driver) -> Driver:
    """A run at rest after two iterations."""
    driver.run("--iterations", "2")
    return driver


def directives(driver: Driver, *words: str) -> list[dict[str, Any]]:
    """What `directive list --json` says is in force."""
    return driver.json("directive", "list", *words)["directives"]


def waiting(driver: Driver) -> list[str]:
    """The commands about directives that wait for an engine."""
    found = driver.json("directive", "list")["waiting"]
    return [each["command"]["command"] for each in found]


def test_a_directive_for_a_run_at_rest_waits_for_an_engine(rested: Driver) -> None:
    said = rested("directive", "add", FIRST, "--title", "blocks").stdout
    assert said == (
        "directive add quick-s3: no engine runs; the command is kept in the inbox and acts when one"
        " looks\n"
    )
    assert directives(rested) == []
    assert waiting(rested) == ["directive add"]
    assert "directive add by " in rested("directive", "list").stdout
    rested.run("--iterations", "4")
    assert waiting(rested) == []
    (found,) = directives(rested)
    assert (found["id"], found["title"], found["text"]) == ("d-001", "blocks", FIRST)
    assert found["by"] not in ("", "command line")
    (event,) = of_type(rested.events(), "DirectiveAdded")
    assert (event["by"], event["source"]) == (found["by"], "inline")


def test_directives_are_added_edited_and_retired_while_a_run_goes_on(driver: Driver) -> None:
    engine = driver.start("--iterations", "100000")
    wait_for(lambda: driver.begun and driver.status()["state"] == "running")
    done = driver.json("directive", "add", FIRST)
    assert (done["outcome"], done["directive"]) == ("accepted", "d-001")
    said = driver("directive", "add", "--preset", "triangular-inversion").stdout
    assert said == "directive add quick-s3: accepted as d-002; it is in the next prompt\n"
    changed = driver.folder / "new text.md"
    changed.write_text("# Ten\n\nBlocks of 10.\n")
    assert (
        driver.json("directive", "edit", "d-001", "--file", str(changed))["outcome"] == "accepted"
    )
    driver("directive", "retire", "d-002", "--reason", "it is done")
    (first,) = directives(driver)
    assert first["text"] == "Blocks of 10."
    assert first["title"] == "Solve the triangle by blocks of 16."
    second = directives(driver, "--all")[1]
    assert (second["source"], second["retired"]) == ("preset triangular-inversion", "it is done")
    shown = driver("directive", "list", "--all").stdout
    assert "d-001  Solve the triangle by blocks of 16." in shown
    assert "  | Blocks of 10." in shown
    assert "  retired: it is done" in shown
    driver("stop", "--wait")
    engine.communicate(timeout=60)


def test_a_refusal_is_said_with_what_there_is(driver: Driver) -> None:
    engine = driver.start("--iterations", "100000")
    wait_for(lambda: driver.run_dir.is_dir() and driver.status()["state"] == "running")
    refused = driver("directive", "edit", "d-009", "x", status=2)
    assert "refused: there is no directive d-009; there are: none" in refused.stderr
    refused = driver("stash", status=2)
    assert "the campaign has no workspace" in refused.stderr or "name an open" in refused.stderr
    refused = driver("stash", "drop", "s-001", status=2)
    assert "there is no stash s-001; there are: none" in refused.stderr
    driver("stop", "--wait")
    engine.communicate(timeout=60)


def test_a_text_comes_from_standard_input(rested: Driver) -> None:
    def add(text: bytes) -> subprocess.CompletedProcess[bytes]:
        words = [*CONTROLROOM, "directive", "add", "-", "--run", str(rested.run_dir)]
        return subprocess.run(words, cwd="/", input=text, capture_output=True, check=False)

    assert add("Größe → 16\n".encode()).returncode == 0
    assert add(b"\xff\xfe").returncode == 2
    assert add(b"  \n").returncode == 2
    rested.run("--iterations", "3")
    assert [each["text"] for each in directives(rested)] == ["Größe → 16"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give the text, or `-`"),
        (["x", "--preset", "triangular-inversion"], "give the text, or `-`"),
        (["--preset", "triangular-inversoin"], "triangular-inversion"),
        (["--file", "nothere.md"], "nothere.md"),
        (["x" * 6001], "6001 characters; at most 6000"),
    ],
)
def test_what_cannot_be_a_directive_is_refused_at_once(
    words: list[str], said: str, rested: Driver
) -> None:
    refused = rested("directive", "add", *words, status=2)
    assert said in refused.stderr
    assert waiting(rested) == []


def test_garbage_in_the_inbox_is_left_for_the_engine(rested: Driver) -> None:
    inbox = rested.run_dir / "inbox"
    inbox.mkdir(exist_ok=True)
    (inbox / "odd.json").write_bytes(b"{")
    (inbox / "folder.json").mkdir()
    rested("directive", "add", "x")
    assert waiting(rested) == ["directive add"]
    assert (inbox / "odd.json").exists()


def test_the_presets_are_listed(tmp_path: Path) -> None:
    driver = Driver(tmp_path, QUICK)
    assert "triangular-inversion" in driver.json("directive", "presets")["presets"]


def asked(toy: Toy, *words: str, status: int = 0) -> str:
    """What a command prints; fails when it ends otherwise."""
    running = toy.call(*words)
    assert running.wait() == status, running.output
    return running.output


def stashes(toy: Toy) -> list[tuple[str, str]]:
    """The stashes and their states, as `stash list --json` has them."""
    found = json.loads(asked(toy, "stash", "list", "--json"))["stashes"]
    return [(each["id"], each["state"]) for each in found]


def test_an_attempt_is_put_aside_gone_on_with_and_forgotten(toy: Make) -> None:
    half = [value(9), {"say": "half done"}, {"hang": True}]
    made = toy({2: half, "3/1": [{"hang": True}], "3/2": [value(8)], 4: [value(7)]})
    engine = made.start("--iterations", "4")
    made.wait_event("AgentStarted", iteration=2)
    wait_for(lambda: "half done" in made.log(2))
    assert asked(made, "stash", "--reason", "later") == "stash toy-s0: put aside as s-001\n"
    assert stashes(made) == [("s-001", "kept")]
    shown = asked(made, "stash", "list")
    assert shown.startswith("s-001  iteration 2, by ")
    commit = made.kept()["stash/s-001"]
    assert made.shown(commit).startswith("VALUE = 9")
    assert f": later\n       git show {commit[:12]}\n" in shown
    assert "open now: 3" in asked(made, "stash", "--iteration", "2", status=2)
    made.wait_event("AgentStarted", iteration=3)
    assert "accepted" in asked(made, "stash", "restore", "s-001")
    assert stashes(made) == [("s-001", "restoring")]
    assert "waits for a free slot already" in asked(made, "stash", "restore", "s-001", status=2)
    engine.kill()
    engine.wait()
    assert "no engine runs" in asked(made, "stash", "drop", "s-001", "--run", str(made.run_dir))
    assert stashes(made) == [("s-001", "drop pending")]
    assert "drop pending" in asked(made, "stash", "list")
    made.run(4)
    assert stashes(made) == []
    assert asked(made, "stash", "list") == "nothing is put aside\n"
    assert "stash/s-001" not in made.kept()


def test_a_directive_goes_into_the_next_prompt(toy: Make) -> None:
    made = toy({2: [{"hang": True}]})
    engine = made.start("--iterations", "3")
    made.wait_event("AgentStarted", iteration=2)
    asked(made, "directive", "add", "Think of blocks.")
    asked(made, "stash")
    made.wait_event("AgentStarted", iteration=3)
    assert "Think of blocks." in made.prompt(3)
    assert "Think of blocks." not in made.prompt(2)
    assert engine.wait() == 0
