"""The real programs as worker and mentor at once, each to a scripted model of its own mind."""

import pytest

from tests.coding import answer
from tests.models.script import Answer, Conversation, Fault, Turn
from tests.models.usage import Usage
from tests.real_agents import CLAUDE, CODEX, Hiring, Program, by_iteration, edits

OPINION = {
    "course": "off_track",
    "critique": "c-0002 and c-0003 gained one each.",
    "question": "",
    "advice": "Take two at once.",
    "housekeeping": {
        "todo_new": ["Take two at once"],
        "notes_update": "One at a time works.",
        "data_exploration_update": "",
        "resolve_shared_todo_ids": [],
    },
}
FOLLOWED = answer(follows=["r-001"])["answer"]


@pytest.mark.long  # in CI: test_worker_programs
@pytest.mark.parametrize("program", [CODEX, pytest.param(CLAUDE, marks=pytest.mark.long)], ids=str)
def test_worker_and_mentor_work_at_once(hiring: Hiring, program: Program) -> None:
    done = Turn((Answer(FOLLOWED),), Usage(fresh=3, cached=1100, output=80))
    work = by_iteration({n: [*edits(12 - n, 11 - n), done] for n in range(2, 8)})
    seen: list[str] = []

    def choose(conversation: Conversation) -> Turn | Fault | None:
        if "This is review r-" not in conversation.prompt:
            return work(conversation)
        seen.append(conversation.prompt)
        return Turn((Answer(OPINION),), Usage(fresh=500, output=90))

    toy, server = hiring(program, choose, mentor={"every": 3})
    toy.run(7, status=0, **hiring.person)
    assert list(toy.verdicts().values()) == ["promoted"] * 7
    started, ended = toy.events("ReviewStarted")[0], toy.events("ReviewFinished")[0]
    assert (ended["outcome"], ended["problems"]) == ("answered", [])
    assert ended["opinion"]["advice"] == "Take two at once."
    between = [e["type"] for e in toy.events() if started["seq"] < e["seq"] < ended["seq"]]
    assert {"AgentStarted", "AgentFinished", "CheckStarted"} & set(between), "the work went on"
    assert "off_track" not in toy.prompt(3)
    heard = [n for n in range(4, 8) if "Review r-001" in toy.prompt(n)]
    assert heard
    assert "Take two at once" in toy.prompt(heard[-1])
    assert "c-0003" in seen[0]
    assert toy.status()["spend"]["tokens"] == sum(
        (server.ledger.billed.input, server.ledger.billed.output)
    )
