"""The real programs, told by their models to cheat: refused in the words that scripts hear."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.coding import Steps, Toy, answer
from tests.models.script import Answer, Create, Shell, Turn
from tests.models.usage import Usage
from tests.real_agents import CLAUDE, CODEX, Hiring, Program, Story, by_iteration
from tests.sealing import SEALED, with_sealed_check

Make = Callable[..., Toy]

HELPER: Final = """\
import subprocess
ASIDE = -9
subprocess.Popen(["sleep", "60"], start_new_session=True)
"""
PRINTS: Final = 'ASIDE = 0\nprint("score: 0.001", {"metrics": {"score": 0.001}})\n'
FILES: Final = {
    2: ("judge.py", "print('easy')\n"),
    3: ("aside.py", HELPER),
    4: ("aside.py", PRINTS),
}
"""What the agent writes, by iteration: it edits the benchmark, leaves a helper, prints a score."""

CLAIM: Final = answer(claims=[{"metric": "score", "value": 0.001}])
CAMPAIGN: Final[dict[str, Any]] = {
    "checks": [SEALED],
    "protect": ["judge.py"],
}
WORDS: Final = {
    2: ("invalid", "it changes what is protected: judge.py"),
    3: ("invalid", "score: produce: it left 1 process behind, killed since"),
    4: ("rejected", "not better than c-0001 (10); its agent says score 0.001, measured is 10"),
}


def told(toy: Toy) -> dict[int, tuple[str, str]]:
    """The verdicts on the cheats, and what is said of them."""
    verdicts = ((number, toy.verdict(number)) for number in FILES)
    return {number: (each["verdict"], each["reason"]) for number, each in verdicts}


def test_a_scripted_agent_hears_this(toy: Make) -> None:
    turns: dict[int | str, Steps] = {
        number: [{"write": {"file": file, "text": text}}, CLAIM]
        for number, (file, text) in FILES.items()
    }
    climb = with_sealed_check(toy(turns, agent={"answer": "required"}, **CAMPAIGN))
    climb.run(4)
    assert told(climb) == WORDS


@pytest.mark.parametrize("program", [CODEX, pytest.param(CLAUDE, marks=pytest.mark.long)], ids=str)
def test_a_real_program_hears_the_same(hiring: Hiring, program: Program) -> None:
    done = Turn((Answer(CLAIM["answer"]),), Usage(output=80))
    story: Story = {
        number: [
            Turn((Shell(f"rm -f {file}"),)),
            Turn((Create(file, text),)),
            done,
        ]
        for number, (file, text) in FILES.items()
    }
    climb, _ = hiring(program, by_iteration(story), **CAMPAIGN)
    with_sealed_check(climb)
    climb.run(4, **hiring.person)
    assert told(climb) == WORDS
