"""The real programs as agents of whole campaigns, through the command, to scripted models."""

import threading
from typing import Final

import pytest

from tests.coding import Toy, answer
from tests.models.script import (
    Answer,
    Conversation,
    Create,
    Fault,
    Read,
    Refusal,
    Say,
    Shell,
    Think,
    Turn,
)
from tests.models.server import ModelServer
from tests.models.usage import Usage
from tests.real_agents import (
    CLAUDE,
    CODEX,
    KEY,
    Hiring,
    Program,
    Story,
    by_iteration,
    edits,
    words_on_command_lines,
)
from tests.workspaces import git

DONE: Final = Turn((Answer(answer()["answer"]),), Usage(fresh=3, cached=1100, output=80))
DEAR: Final = Usage(fresh=91, cached=1700, cache_written=55, output=700, reasoning=600)
LOOK: Final = (
    "(env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; "
    "cat $(find .. ~ $CODEX_HOME $CLAUDE_CONFIG_DIR -type f)) 2>/dev/null "
    "| grep -a 'sk-not-[a]-key'; printf 'I have %s' looked"
)
STORY: Final[Story] = {
    2: [Turn((Think("**Less**"), Say("I read it."), Read("work.py")), DEAR), edits(10, 9)[1], DONE],
    3: [*edits(9, 20), Turn((Create("notes.md", "worse\n"),)), DONE],
    4: [Turn((Say("Looking."), Read("work.py"))), DONE],
    5: [*edits(9, -1), DONE],
    6: [Turn((Shell(LOOK),), DEAR), Refusal(status=400, message="out of order", times=None)],
}


class Night:
    """A run of a real program with five iterations after the baseline, and what its model saw."""

    def __init__(self, program: Program, toy: Toy, server: ModelServer, *, shown: bool) -> None:
        self.program = program
        self.toy = toy
        self.server = server
        self.shown = shown

    def seen(self) -> str:
        """All that went to the model."""
        return "".join(call.body.decode() for call in self.server.ledger.calls)


class Watched:
    """A choice that looks at all command lines each time that it is asked."""

    def __init__(self, story: Story) -> None:
        self._choose = by_iteration(story)
        self.shown = threading.Event()

    def __call__(self, conversation: Conversation) -> Turn | Fault | None:
        if any(KEY in words for words in words_on_command_lines()):
            self.shown.set()
        return self._choose(conversation)


@pytest.mark.parametrize("program", [CODEX, CLAUDE], ids=str)
def test_a_real_program_makes_five_iterations(hiring: Hiring, program: Program) -> None:
    watched = Watched(STORY)
    toy, server = hiring(program, watched)
    toy.run(6, status=0, **hiring.person)
    night = Night(program, toy, server, shown=watched.shown.is_set())
    each_verdict_is_the_one_that_was_earned(night)
    what_was_spent_is_what_the_service_billed(night)
    what_an_iteration_spent_is_told_with_it(night)
    the_key_is_shown_to_the_service_alone(night)
    tools_do_not_see_the_key(night)
    answers_prompts_and_transcripts_are_kept(night)
    what_was_refused_lies_under_refs(night)


def each_verdict_is_the_one_that_was_earned(night: Night) -> None:
    assert night.toy.verdicts() == {
        1: "promoted",
        2: "promoted",
        3: "rejected",
        4: "no_change",
        5: "incorrect",
        6: "infra",
    }
    assert "out of order" in night.toy.verdict(6)["reason"]
    assert night.toy.branch() == night.toy.champion_commit()
    assert night.toy.shown(night.toy.branch()) == "VALUE = 9"


def what_was_spent_is_what_the_service_billed(night: Night) -> None:
    billed, ended = night.server.ledger.billed, night.toy.events("AgentFinished")
    assert [event["iteration"] for event in ended] == [2, 3, 4, 5, 6]
    told = {name: sum(event["tokens"][name] for event in ended) for name in ended[0]["tokens"]}
    assert told == {
        "input": billed.input,
        "cached_input": billed.cached,
        "cache_write": billed.cache_written,
        "output": billed.output,
        "reasoning": billed.reasoning,
    }
    usd = night.server.ledger.cost_usd(night.program.prices)
    assert sum(event["cost_usd"] for event in ended) == pytest.approx(usd, abs=1e-9)
    spend = night.toy.status()["spend"]
    assert spend["tokens"] == billed.input + billed.output
    assert spend["usd"] == pytest.approx(usd, abs=1e-6)
    assert spend["unpriced_tokens"] == 0


def what_an_iteration_spent_is_told_with_it(night: Night) -> None:
    (second,) = night.toy.of_iteration(2, "AgentFinished")
    calls = [DEAR, Usage(), DONE.usage]
    assert second["tokens"]["input"] == sum(call.input for call in calls)
    assert second["cost_usd"] == pytest.approx(sum(map(night.program.prices.cost_usd, calls)))
    (sixth,) = night.toy.of_iteration(6, "AgentFinished")
    assert sixth["tokens"]["output"] == DEAR.output


def the_key_is_shown_to_the_service_alone(night: Night) -> None:
    headers = [call.headers for call in night.server.ledger.calls]
    assert all(any(KEY in value for value in each.values()) for each in headers)
    files = [path for path in night.toy.run_dir.rglob("*") if path.is_file()]
    assert len(files) > 40
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in night.toy.started[0].output
    assert KEY not in git(night.toy.repo, "log", "--all", "-p")
    assert not night.shown, "it was on a command line"


def tools_do_not_see_the_key(night: Night) -> None:
    assert "I have looked" in night.seen()
    assert KEY not in night.seen()


def answers_prompts_and_transcripts_are_kept(night: Night) -> None:
    for number in (2, 3, 4, 5):
        assert (night.toy.paths.attempt(number, 1) / "answer.json").exists()
        assert night.toy.of_iteration(number, "AgentFinished")[0]["answer"]["choice"] == 1
    assert "I read it." in night.toy.transcript(2)
    assert "I read it." in night.toy.log(2)
    assert "out of order" in night.toy.transcript(6)
    assert len({night.toy.prompt(number) for number in range(2, 7)}) == 5


def what_was_refused_lies_under_refs(night: Night) -> None:
    kept = night.toy.kept()
    assert night.toy.shown(kept["candidates/00003"]) == "VALUE = 20"
    assert night.toy.shown(kept["candidates/00003"], "notes.md") == "worse"
    assert night.toy.shown(kept["candidates/00005"]) == "VALUE = -1"
    assert night.toy.processes() == []
