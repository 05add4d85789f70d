"""The real programs as the worker that decides and its mentor, each to a scripted model."""

import json
from pathlib import Path

import pytest

from tests.coding import Json
from tests.deciding import Decider, decided
from tests.driving import REPOSITORY, Driver, of_type
from tests.models.script import Answer, Conversation, Fault, Turn
from tests.models.usage import Usage
from tests.real.test_mentor_programs import OPINION
from tests.real_agents import CLAUDE, CODEX, OWN_PRICES, Program, surroundings

CAMPAIGN = REPOSITORY / "configs" / "cnn.yaml"


def asked_of(program: Program, url: str) -> Json:
    return {"agent": program.name, "idle": "30s"} | program.proposer(url)


@pytest.mark.parametrize("program", [CODEX, pytest.param(CLAUDE, marks=pytest.mark.long)], ids=str)
def test_a_real_program_decides_while_the_mentor_looks(tmp_path: Path, program: Program) -> None:
    prompts: list[str] = []

    def choose(conversation: Conversation) -> Turn | Fault | None:
        if "This is review r-" in conversation.prompt:
            return Turn((Answer(OPINION),), Usage(fresh=500, output=90))
        number = next((n for n in range(1, 30) if f"decision w-{n:04d};" in conversation.prompt), 0)
        if not number:
            return None
        prompts.append(conversation.prompt)
        # The other program holds its model to the schema itself.
        wrong = program is CODEX and number == 2 and "could not" not in conversation.prompt
        given = {"action": "fly"} if wrong else decided("run", x=2 * number)["answer"]
        return Turn((Answer(given),), Usage(fresh=300, output=60))

    with program.serve(choose) as server:
        driver = Decider(
            tmp_path,
            {},
            proposers=[{"kind": "worker"} | asked_of(program, server.url)],
            mentor={"every": 2, "when_stuck": False} | asked_of(program, server.url),
            budget={"prices": OWN_PRICES},
            stop={"iterations": 6},
        )  # fmt: skip
        driver.run(**surroundings(program, tmp_path), status=None)
        events = driver.events()
    assert driver.values() == [0, 2, 4, 6, 8, 10], events[-4:]
    assert set(driver.verdicts().values()) == {"promoted"}
    answered = driver.of("DecisionAnswered")
    assert [e["problems"] for e in answered] == [[]] * 5
    if program is CODEX:
        assert answered[1]["asked_again"][0] == "decision.rationale: missing"
        assert "Your last answer could not be used" in prompts[2]
    schema = json.loads(next(driver.run_dir.glob("agents/w-0001/answer.schema.json")).read_text())
    assert schema["required"][0] == "action"
    started, ended = driver.of("ReviewStarted")[0], driver.of("ReviewFinished")[0]
    assert ended["opinion"]["advice"] == "Take two at once."
    asked = driver.of("DecisionAsked")
    spans = [(one["seq"], other["seq"]) for one, other in zip(asked, answered, strict=True)]
    assert any(a < ended["seq"] and started["seq"] < b for a, b in spans), "both at once"
    assert any("Take two at once" in prompt for prompt in prompts)
    assert driver.status()["spend"]["tokens"] == sum(
        (server.ledger.billed.input, server.ledger.billed.output)
    )


def spans(events: list[Json], begin: str, end: str, key: str) -> list[tuple[int, int]]:
    """From which event to which each of some things went on."""
    ended = {each[key]: each["seq"] for each in of_type(events, end)}
    return [(each["seq"], ended[each[key]]) for each in of_type(events, begin)]


def meets(one: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    """Whether at a moment of the one something else went on."""
    return any(begin < one[1] and one[0] < end for begin, end in others)


@pytest.mark.long
def test_a_real_program_trains_networks_while_the_mentor_looks(tmp_path: Path) -> None:
    changes = {
        1: ("width", "16"),
        2: ("batch", "64"),
        3: ("schedule", "cosine"),
        4: ("blocks", "1"),
    }

    def choose(conversation: Conversation) -> Turn | Fault | None:
        if "This is review r-" in conversation.prompt:
            return Turn((Answer(OPINION),), Usage(fresh=500, output=90))
        told = conversation.prompt
        number = next((n for n in changes if f"decision w-{n:04d};" in told), 0)
        if not number:
            return None
        name, value = changes[number]
        changed = {"parameters": [{"name": name, "value": value}], "label": f"{name} {value}"}
        answer = decided("run", category="optimization", **changed)["answer"]
        return Turn((Answer(answer),), Usage(fresh=300, output=60))

    with CODEX.serve(choose) as server:
        asked = asked_of(CODEX, server.url)
        sections = {
            "proposers": [{"kind": "worker", "slots": 2} | asked],
            "mentor": {"every": 2, "when_stuck": False} | asked,
            "budget": {"prices": OWN_PRICES},
            "metric": {"name": "val_error", "unit": "%", "direction": "min", "noise": "none"},
            "referee": {"leaders": 1},
            "env.set.CNN_IMAGES": "640",
            "env.set.CNN_JUDGED": "500",
        }
        driver = Driver(tmp_path, "", name="cnn-s0")
        words = [f"{name}={json.dumps(value)}" for name, value in sections.items()]
        overrides = [word for each in words for word in ("--set", each)]
        call = ["run", str(CAMPAIGN), "--no-ui", "--run-dir", str(driver.run_dir)]
        person = surroundings(CODEX, tmp_path)
        driver(*call, "--iterations", "5", *overrides, status=0, timeout_s=400, **person)
        events = driver.events()
    assert len(of_type(events, "VerdictReached")) == 5
    proposed = of_type(events, "CandidateProposed")[1:]
    assert [each["chosen"]["label"] for each in proposed] == [
        f"{n} {v}" for n, v in changes.values()
    ]
    started, ended = of_type(events, "ReviewStarted")[0], of_type(events, "ReviewFinished")[0]
    assert ended["opinion"]["advice"] == "Take two at once."
    review = (started["seq"], ended["seq"])
    assert meets(review, spans(events, "DecisionAsked", "DecisionAnswered", "decision")), "decides"
    assert meets(review, spans(events, "CheckStarted", "CheckFinished", "iteration")), "trains"
    assert (driver.run_dir / "artifacts" / "final_paper_report.md").exists()
