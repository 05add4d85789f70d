"""What an agent says at the end: read whatever it is, and held to the rules."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.claims import disputed
from engine.core.memory.parts import Housekeeping
from engine.knowledge.answers import Demands, Reading, read_answer, schema
from engine.knowledge.shape import Schema, faults


def good(**changes: Any) -> dict[str, Any]:
    """An answer that breaks no rule, with changes."""
    shortlist = [
        {"idea": f"idea {n}", "upside": "20 %", "risk": "spills", "structural": n == 1}
        for n in (1, 2, 3)
    ]
    return {
        "shortlist": shortlist,
        "choice": 1,
        "hypothesis": "packed blocks shorten the chain",
        "change_class": "structural",
        "prediction": {"metric": "est_ms", "gain_pct": 12.5, "why": "16 products fewer"},
        "hypotheses_tested": ["packed blocks shorten the chain"],
        "summary": "body.py",
        "claims": [{"metric": "est_ms", "value": 0.4}],
        "next_idea": "two chunks",
        "follows": ["r-001"],
        "housekeeping": {
            "todo_new": ["profile the copies"],
            "notes_update": "lanes are 128 wide",
            "data_exploration_update": "",
            "resolve_shared_todo_ids": ["t-0001"],
        },
    } | changes


def rules(content: Any, demands: Demands | None = None) -> list[str]:
    reading = read_answer(json.dumps(content), None, demands or Demands())
    return [problem.rule for problem in reading.problems]


def test_a_good_answer_breaks_no_rule() -> None:
    reading = read_answer(json.dumps(good()), None, Demands())
    assert reading.problems == []
    assert reading.answer is not None
    assert [idea.structural for idea in reading.answer.shortlist] == [True, False, False]
    assert reading.answer.prediction == "est_ms +12.5 %: 16 products fewer"
    assert reading.answer.housekeeping == Housekeeping(
        todo_new=["profile the copies"],
        notes_update="lanes are 128 wide",
        resolve_shared_todo_ids=["t-0001"],
    )


@pytest.mark.parametrize("kept", [None, 3, [], {"todo_new": "x"}, {"todo_new": [3, "do"]}])
def test_however_badly_house_is_kept_the_change_counts(kept: Any) -> None:
    reading = read_answer(json.dumps(good(housekeeping=kept)), None, Demands())
    assert reading.problems == []
    assert reading.answer is not None
    assert reading.answer.housekeeping.todo_new in ([], ["do"])
    assert reading.predicted_pct == 12.5
    assert reading.answer is not None
    assert reading.answer.claims == {"est_ms": 0.4}
    assert reading.next_idea == "two chunks"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(good()),
        f"\n{json.dumps(good(), indent=2)}\n",
        f"I did it.\n\n```json\n{json.dumps(good())}\n```\n",
        f"```\nls\n```\nThen:\n```json\n{json.dumps(good(), indent=1)}\n```\nDone.",
        f"~~~json\n{json.dumps(good())}\n~~~",
        f"Nothing around it:\n{json.dumps(good(), indent=2)}",
        f"```json\n{json.dumps(good(choice=9))}\n```\nNo:\n```json\n{json.dumps(good())}\n```",
        f"{json.dumps(good(choice=9))}\n{json.dumps(good())}",
        'First {"a": 1}\n' + f"{json.dumps(good())}",
    ],
)
def test_the_object_is_found(text: str) -> None:
    assert read_answer(text, None, Demands()).problems == []


def test_what_the_program_gives_as_json_wins() -> None:
    other = json.dumps(good(hypothesis="another"))
    reading = read_answer(json.dumps(good()), other, Demands())
    assert reading.answer is not None
    assert reading.answer.hypothesis == "another"
    reading = read_answer(json.dumps(good()), "torn {", Demands())
    assert reading.problems == []


@pytest.mark.parametrize(
    "text", ["", "done", "{", "[1, 2]", "null", "```json\n{\n```", "[" * 99_999]
)
def test_no_object_is_one_problem(text: str) -> None:
    reading = read_answer(text, None, Demands())
    assert reading.answer is None
    assert [problem.text for problem in reading.problems] == ["the answer holds no JSON object"]


BROKEN: list[tuple[dict[str, Any], list[str]]] = [
    ({"shortlist": good()["shortlist"][:2]}, ["shortlist"]),
    ({"shortlist": [good()["shortlist"][0]] * 3}, ["shortlist"]),
    ({"shortlist": []}, ["shortlist", "structural", "choice"]),
    ({"shortlist": good()["shortlist"][1:], "choice": 2}, ["shortlist", "structural"]),
    ({"choice": 0}, ["choice"]),
    ({"choice": 4}, ["choice"]),
    ({"choice": -1}, ["choice"]),
    ({"hypotheses_tested": ["a", "b"]}, ["hypotheses"]),
    ({"hypotheses_tested": []}, ["hypotheses"]),
    ({"change_class": "scalar"}, ["scalar"]),
    ({"change_class": "tuning"}, ["schema"]),
    ({"choice": "1"}, ["schema", "choice"]),
    ({"choice": True}, ["schema", "choice"]),
    ({"choice": 10**30}, ["choice"]),
    ({"more": 1}, ["schema"]),
    ({"prediction": None}, ["schema"]),
    ({"claims": {"est_ms": 1}}, ["schema"]),
]


@pytest.mark.parametrize(("changes", "broken"), BROKEN)
def test_each_rule_is_looked_at(changes: dict[str, Any], broken: list[str]) -> None:
    assert rules(good(**changes)) == broken


def test_under_an_escalation_only_a_structural_choice_will_do() -> None:
    escalated = Demands(escalated=True)
    assert rules(good(), escalated) == []
    assert rules(good(choice=2), escalated) == ["escalation"]
    assert rules(good(change_class="scaffolding"), escalated) == ["escalation"]
    assert rules(good(change_class="scaffolding")) == []
    assert rules(good(change_class="scalar"), escalated) == ["scalar", "escalation"]


def test_the_shortlist_may_be_longer_or_not_asked_for() -> None:
    assert rules(good(), Demands(shortlist=4)) == ["shortlist"]
    assert rules(good(shortlist=[]), Demands(shortlist=0)) == ["choice"]


def test_faults_of_form_are_told_by_their_path() -> None:
    content = good(shortlist=[{"idea": 3, "upside": "", "risk": "", "structural": "yes"}])
    del content["summary"]
    texts = [p.text for p in read_answer(json.dumps(content), None, Demands()).problems]
    assert texts[:3] == [
        "answer.summary: missing",
        "answer.shortlist[1].idea: must be a text, not 3",
        "answer.shortlist[1].structural: must be true or false, not 'yes'",
    ]


def test_many_faults_of_form_are_counted() -> None:
    reading = read_answer(json.dumps({f"x{n}": n for n in range(100)}), None, Demands())
    texts = [p.text for p in reading.problems if p.rule == "schema"]
    assert len(texts) == 7
    assert texts[-1] == "answer: 103 more faults of form"


def test_claims_are_compared_with_what_was_measured() -> None:
    measured = {"est_ms": 0.40, "spills": 0.0}
    assert disputed({"est_ms": 0.4001, "vmem": 3.0, "spills": 0.0}, measured) == []
    assert disputed({"est_ms": 0.31, "spills": 4}, measured) == [
        "its agent says est_ms 0.31, measured is 0.4",
        "its agent says spills 4, measured is 0",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(good())), JSON), st.sampled_from([True, False]))
def test_whatever_an_object_holds_there_is_a_reading(
    changes: dict[str, Any],
    escalated: bool,  # noqa: FBT001
) -> None:
    text = json.dumps(good() | changes)
    reading = read_answer(text, None, Demands(escalated=escalated))
    assert reading.answer is not None
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(reading), type=Reading) == reading
    assert msgspec.json.decode(msgspec.json.encode(reading), type=Reading) == reading


@settings(deadline=None)
@given(st.text())
def test_whatever_an_agent_says_there_is_a_reading(text: str) -> None:
    read_answer(text, None, Demands())


def test_texts_from_outside_can_be_written() -> None:
    text = json.dumps(good()).replace("body.py", "\\ud800\\u0000 x")
    answer = read_answer(text, None, Demands()).answer
    assert answer is not None
    assert answer.summary == "? x"
    long = read_answer(json.dumps(good(summary="x" * 99_999)), None, Demands()).answer
    assert long is not None
    assert len(long.summary) == 2_000
    huge = json.dumps(good()).replace("12.5", "1" + "0" * 400)
    assert read_answer(huge, None, Demands()).predicted_pct is None


def test_the_schema_keeps_to_the_strict_dialect() -> None:
    """Every object names all its properties as required and allows no others."""

    def look(part: Schema) -> int:
        count = 0
        if part["type"] == "object":
            assert part["additionalProperties"] is False
            assert sorted(part["required"]) == sorted(part["properties"])
            count = 1 + sum(look(inner) for inner in part["properties"].values())
        if part["type"] == "array":
            count = look(part["items"])
        return count

    assert look(schema()) == 5
    assert faults(good(), schema()) == []


def test_a_schema_with_unknown_rules_is_refused() -> None:
    with pytest.raises(ValueError, match="minLength is not supported"):
        faults("x", {"type": "string", "minLength": 3})
    with pytest.raises(ValueError, match="type 'null' is not supported"):
        faults(None, {"type": "null"})
