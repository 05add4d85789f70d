"""Runs that are told by flags what their campaign does not say."""

from collections.abc import Callable

from tests.coding import Toy, answer, value
from tests.driving import of_type, wait_for

Make = Callable[..., Toy]
SEED = [
    "--model", "gpt-5.3-codex",
    "--effort", "xhigh",
    "--resilient",
    "--directive-preset", "triangular-inversion",
    "--dirty-policy", "stash",
    "--prompt-file", "../prompt.md",
    "--directive", 'Keep "work.py" short.\nAlways.',
    "--no-commit-policy", "count-failure",
    "--post-check", "{python} -S -c 'import work; assert work.VALUE != 8'",
    "--post-check", "true",
]  # fmt: skip
"""The loop that this one is measured by was called like this, flag by flag.

Without what comes with a leased device, and with a directive of its own.
"""
PROMPT = "One change, one hypothesis.\n\n{{briefing}}\n"


def with_prompt(made: Toy) -> Toy:
    """The person has a prompt of their own, beside the repository."""
    (made.folder / "prompt.md").write_text(PROMPT)
    return made


def test_the_flags_reach_prompts_checks_and_the_remembered_campaign(toy: Make) -> None:
    made = with_prompt(toy({2: [value(9), answer()], 3: [value(8), answer()]}))
    made.run(3, *SEED)
    assert made.verdicts() == {1: "promoted", 2: "promoted", 3: "incorrect"}
    (created,) = made.events("RunCreated")
    document = created["document"]
    assert document["policy"]["resilient"] is True
    assert document["proposers"][0]["effort"] == "xhigh"
    assert [each["name"] for each in document["post_checks"]] == ["post-check-1", "post-check-2"]
    prompt = made.prompt(2)
    assert 'Keep "work.py" short.\nAlways.' in prompt
    assert "triangular" in prompt.lower()
    (first,) = made.of_iteration(2, "AgentStarted")
    assert (first["model"], first["effort"]) == ("gpt-5.3-codex", "xhigh")
    assert prompt.startswith("One change, one hypothesis.")
    assert document["workspace"]["dirty"] == "stash"


def test_the_same_flags_go_on_with_a_run_and_others_are_asked_about(toy: Make) -> None:
    made = with_prompt(toy({}, policy={"same_failure": 0}))
    made.run(2, *SEED)
    made.run(3, *SEED)
    assert len(made.events("EngineStarted")) == 2
    output = made.run(4, *SEED, "--effort", "low", status=2)
    assert "proposers" in output
    assert "--accept-changes" in output
    made.run(4, *SEED, "--effort", "low", "--accept-changes")


def test_an_engine_in_the_background_gets_the_flags(toy: Make) -> None:
    made = with_prompt(toy({}))
    words = ["run", "campaign.yaml", "--detach", "--iterations", "2", "--exit-on-halt", *SEED]
    started = made.call(*words)
    assert started.wait() == 0, started.output
    wait_for(lambda: made.status()["state"] == "done")
    (created,) = made.events("RunCreated")
    assert created["limits"]["exit_on_halt"] is True
    titles = [event["title"] for event in made.events("DirectiveAdded")]
    assert titles == ["Shorten the triangular inverse", 'Keep "work.py" short. Always.']


def test_a_halt_ends_the_engine_where_that_is_asked(toy: Make) -> None:
    made = toy({number: [value(-1)] for number in range(2, 9)})
    output = made.run(9, "--exit-on-halt", status=3)
    assert "the same failure 3 times in a row" in output
    assert made.status()["state"] == "done"
    assert not made.paths.pause.exists()
    assert len(of_type(made.events(), "VerdictReached")) == 4


def test_a_halt_keeps_the_engine_up_otherwise(toy: Make) -> None:
    made = toy({number: [value(-1)] for number in range(2, 9)})
    engine = made.start("--iterations", "9")
    made.wait_event("RunPaused", halt=True)
    wait_for(lambda: made.status()["state"] == "halted")
    status = made.call("status")
    assert status.wait() == 0
    assert "halted: the same failure 3 times in a row" in status.output
    assert engine.poll() is None
    resumed = made.call("resume")
    assert resumed.wait() == 0
    made.wait_event("RunResumed")
