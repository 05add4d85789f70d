"""A worker's decisions: when it is asked, how an answer is read, what the gate says."""

import json
from typing import Any

import msgspec
import pytest

from engine.core import events as e
from engine.core.deciding import decision_id, due, halts, next_moment, rest_s, wait_s
from engine.core.decision_gate import Facts, Ground, gate, key_of, named_run
from engine.core.decision_taking import Means, chosen, judged, taken
from engine.core.decisions import events as d
from engine.core.decisions.parts import (
    KEPT_DECISIONS,
    Chosen,
    Decision,
    GateRules,
    WorkerRules,
)
from engine.core.domains import Integers
from engine.core.event import LogSpan
from engine.core.events import Record
from engine.core.finish.times import unix_s, utc
from engine.core.fold import fold
from engine.core.ids import CandidateId, DecisionId, IterationNumber, ReviewId, candidate_id
from engine.core.memory.parts import Housekeeping
from engine.core.metric import Metric
from engine.core.parts import Tokens
from engine.core.reviewing import signals
from engine.core.reviews.parts import Opinion
from engine.core.space import Space
from engine.core.state import RunState, dump, load
from engine.core.verdict import Verdict
from engine.knowledge.decision_answers import read_decision
from engine.knowledge.decision_prompt import WORKER, Asked, assemble, decision_template
from engine.knowledge.templates import read_text, shipped
from tests.recorded import NOON, created

LOG = LogSpan(path="logs/worker.log")
NOW = unix_s(NOON)
SPACE = Space({"x": Integers(0, 41, 1)})
RULES = WorkerRules(
    monitor_s=300, wait_s=60, backoff_s=20, most_wait_s=1800, halt_after=3, gate=GateRules()
)
COMMANDS = GateRules(commands=True, forbid=("nn-?u-?net",))
GROUND = Ground(space=SPACE)


class Story:
    """A run with a worker, told event by event; each comes a second after the one before."""

    def __init__(self, slots: int = 1, **limits: Any) -> None:
        begun = msgspec.structs.replace(
            created(),
            slots=slots,
            limits=e.Limits(**limits),
            metric=Metric(name="score", direction="min"),
        )
        self.state: RunState | None = None
        self.now_s = NOW
        self.tell(begun)
        self.begin(0)
        self.end(1, "promoted", 9.0)

    @property
    def run(self) -> RunState:
        assert self.state is not None
        return self.state

    def tell(self, *events: e.AnyEvent) -> None:
        for event in events:
            self.now_s += 1
            seq = 1 if self.state is None else self.state.seq + 1
            record = Record(seq=seq, time=utc(self.now_s), event=event, hash=b"")
            self.state = fold(self.state, record)

    def begin(self, x: int, given: Chosen | None = None) -> None:
        number = IterationNumber(self.run.last_iteration + 1)
        made = Decision(action="run", parameters={"x": x}, command=given.command if given else "")
        self.tell(
            e.IterationStarted(iteration=number, slot=0, trace_id="t"),  # type: ignore[arg-type]
            e.CandidateProposed(
                iteration=number,
                candidate=candidate_id(number),
                parameters={"x": x},
                key=key_of(made, SPACE),
                seed=1,
                parents=[],
                tags=[],
                proposer="codex",
                chosen=given,
            ),
        )

    def end(self, number: int, verdict: Verdict, value: float | None = None, why: str = "") -> None:
        self.tell(
            e.VerdictReached(
                iteration=IterationNumber(number),
                candidate=candidate_id(IterationNumber(number)),
                verdict=verdict,
                reason=why or "because",
                value=value,
            )
        )

    def ask(self, reasons: list[str] | None = None) -> DecisionId:
        name = decision_id(self.run.decisions.begun + 1)
        asked = d.DecisionAsked(
            decision=name, at_iteration=IterationNumber(self.run.ended_iterations),
            reasons=reasons or ["r"], agent="codex", model=None, effort=None,
            folder=f"agents/{name}", prompt_sha256="", parts=[], log=LOG,
        )  # fmt: skip
        self.tell(asked)
        return name

    def answer(self, decision: Decision | None, **more: Any) -> DecisionId:
        """An answer, and all that follows it in its transaction."""
        name = self.ask()
        rest = utc(self.now_s + rest_s(self.run, RULES)) if decision is None else ""
        fields: dict[str, Any] = {"outcome": "answered", "detail": "", "rest_until": rest}
        answered = d.DecisionAnswered(
            decision=name, duration_s=1.0, log=LOG, answer=decision, **(fields | more)
        )
        self.tell(answered)
        if decision is not None:
            means = Means(rules=RULES, ground=GROUND, by="codex", now_s=self.now_s)
            self.tell(*judged(self.run, name, decision, means, Facts()))
        return name

    def due(self, later_s: float = 0.0, *, may_begin: bool = True) -> list[str]:
        return due(self.run, self.now_s + later_s, may_begin=may_begin)


def run_of(x: int = 5, **changed: Any) -> Decision:
    given: dict[str, Any] = {
        "action": "run",
        "rationale": "The optimum is further on, by the last two values.",
        "label": "five",
        "parameters": {"x": x},
    }
    return Decision(**(given | changed))


def test_it_is_asked_when_a_slot_is_free_and_not_while_it_is_asked() -> None:
    story = Story()
    assert story.due() == ["a slot is free"]
    assert story.due(may_begin=False) == []
    story.ask()
    assert story.due() == []


def test_before_the_baseline_and_after_the_end_nobody_asks() -> None:
    story = Story()
    story.run.champion = None
    assert story.due() == []
    over = Story()
    over.run.stopping = "by hand"
    assert over.due() == []
    spent = Story(tokens=10)
    spent.run.spend.tokens = Tokens(input=11)
    assert spent.due() == []


def test_a_decision_that_waits_for_a_slot_is_not_asked_for_again() -> None:
    story = Story()
    name = story.answer(run_of())
    assert story.run.decisions.ready is not None
    assert story.due(3600) == []
    story.begin(5, chosen(name, run_of(), RULES))
    story.tell(d.DecisionTaken(decision=name, action="run", iteration=IterationNumber(2)))
    assert story.run.decisions.ready is None
    assert story.due(290) == [], "its slot is taken"
    assert story.due(301) == ["the monitoring window of c-0002 is over"]
    assert next_moment(story.run, story.now_s) == unix_s(story.run.open[2].since) + 300


def test_a_window_that_is_over_is_told_once() -> None:
    story = Story()
    story.begin(5, Chosen(decision=DecisionId("w-0001"), monitor_s=10))
    story.now_s += 20
    assert story.due() == ["the monitoring window of c-0002 is over"]
    assert story.due(may_begin=False) == ["the monitoring window of c-0002 is over"]
    story.answer(Decision(action="wait", wait_s=100))
    assert story.due(50) == []
    assert story.due(101) == ["its wait is over"]
    story.end(2, "rejected", 10.0)
    assert story.due() == ["c-0002 ended: rejected"]


def test_a_wait_is_over_in_its_time_or_by_what_happens() -> None:
    story = Story()
    story.answer(Decision(action="wait"))
    assert story.due(50) == []
    assert story.due(61) == ["its wait is over"]
    assert next_moment(story.run, story.now_s) == pytest.approx(story.now_s + 60, abs=3)
    assert next_moment(story.run, story.now_s + 100) is None, "what is past wakes nobody"
    todo = {"todo": "t-0001", "text": "x", "by": "ann"}
    story.tell(e.TodoAdded(role="worker", **todo))  # type: ignore[arg-type]
    assert story.due() == []
    story.tell(e.TodoAdded(role="person", **todo))  # type: ignore[arg-type]
    assert story.due() == ["open work t-0001 by ann"]
    assert story.due(61) == ["open work t-0001 by ann", "its wait is over"]


def test_waits_without_news_are_longer_each_time_and_end_some_day() -> None:
    story, waits = Story(), list[float]()
    for _ in range(9):
        waits.append(wait_s(story.run, 1.0, RULES))
        story.answer(Decision(action="wait", wait_s=1.0))
    assert waits == [1, 20, 40, 80, 160, 320, 640, 1280, 1800]
    assert wait_s(story.run, 1e9, RULES) == 1800


def test_nonsense_is_left_alone_longer_each_time_and_then_halts() -> None:
    story = Story()
    for times, rest in enumerate((20, 40, 80), start=1):
        assert halts(story.run, RULES) is None
        story.answer(None, detail="no JSON")
        assert story.run.decisions.in_vain == times
        assert story.due(rest - 5) == []
        assert story.due(rest + 2) == ["once more"]
    assert halts(story.run, RULES) == (
        "3 decisions of the worker in a row came to nothing; the last: no JSON"
    )
    story.tell(e.RunResumed(by="ann"))
    assert halts(story.run, RULES) is None
    assert story.due() == ["resumed by ann", "a slot is free"]
    never = msgspec.structs.replace(RULES, halt_after=0)
    story.run.decisions.in_vain = 99
    assert halts(story.run, never) is None


def test_what_happens_does_not_break_a_rest() -> None:
    story = Story(slots=2)
    story.begin(3)
    story.answer(None)
    story.end(2, "rejected", 10.0)
    assert story.due() == []
    assert story.due(25) == ["c-0002 ended: rejected", "once more"]


def test_a_provider_s_limit_is_no_nonsense() -> None:
    story = Story()
    story.answer(None, outcome="limited", rest_until=utc(story.now_s + 500))
    assert story.run.decisions.in_vain == 0
    assert story.due(400) == []
    assert story.due(501) == ["once more"]


def test_one_that_was_cut_off_is_asked_again_for_the_same_reasons() -> None:
    story = Story()
    name = story.ask(["directive d-001"])
    story.tell(d.DecisionInterrupted(decision=name, reason="the engine died"))
    assert story.due() == ["directive d-001", "a slot is free"]
    name = story.ask()
    rest = utc(story.now_s + 20)
    story.tell(d.DecisionInterrupted(decision=name, reason="no disk", rest_until=rest))
    assert story.run.decisions.in_vain == 1
    assert story.due() == []


def test_to_stop_what_does_not_run_is_nonsense_too() -> None:
    story = Story()
    story.answer(Decision(action="stop_run", run="c-0099"))
    assert story.run.decisions.in_vain == 1
    assert story.due(10) == []
    (done,) = story.run.decisions.done
    assert done.detail == "there is no run c-0099 under way"


@pytest.mark.parametrize("name", ["c-0002", "2", "#2", "C-0002", "Five", ""])
def test_a_run_is_stopped_by_its_id_its_number_its_label_or_for_being_alone(name: str) -> None:
    story = Story()
    story.begin(5, Chosen(decision=DecisionId("w-0001"), label="five"))
    story.answer(Decision(action="stop_run", run=name))
    assert story.run.open[2].cut == "stopped by codex"
    assert story.run.decisions.in_vain == 0
    story.answer(Decision(action="stop_run", run=name))
    assert story.run.decisions.in_vain == 1, "it is being cut off already"


def test_what_it_means_by_nothing_is_nothing_where_two_run() -> None:
    story = Story(slots=2)
    story.begin(5)
    story.begin(6)
    assert named_run(story.run, "") is None


def test_to_shut_down_is_to_finish_without_final_rounds() -> None:
    story = Story()
    story.answer(Decision(action="shut_down", rationale="Nothing is left."))
    finish = story.run.finish
    assert finish is not None
    assert (finish.plan.source, finish.plan.final_rounds) == ("worker", 0)
    assert finish.plan.note == "Nothing is left."


def issues(
    story: Story, decision: Decision, rules: GateRules | None = None, **facts: str
) -> list[str]:
    completed = GROUND.completed(decision, story.run)
    found = gate(story.run, completed, rules or GateRules(), GROUND, Facts(**facts))
    return [issue.rule for issue in found]


def test_the_gate_lets_sense_pass() -> None:
    story = Story()
    assert issues(story, run_of()) == []
    assert issues(story, run_of(action="propose", label="")) == []
    assert issues(story, run_of(command="python train.py --lr 1"), COMMANDS) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"rationale": "again"}, ["rationale"]),
        ({"label": ""}, ["label"]),
        ({"label": "Run"}, ["label"]),
        ({"command": "python train.py"}, ["command"]),
        ({"folder": "src"}, ["folder"]),
        ({"parameters": {"x": 99}}, ["parameters"]),
        ({"parameters": {"y": 1}}, ["parameters", "duplicate"]),
        ({"parameters": {"x": 0}}, ["duplicate"]),
        ({"parameters": {}}, ["duplicate"]),
    ],
)
def test_the_gate_stops_what_has_no_form_or_sense(
    changed: dict[str, Any], found: list[str]
) -> None:
    assert issues(Story(), run_of(**changed)) == found


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"command": ""}, ["command"]),
        ({"command": "python 'train.py"}, ["command"]),
        ({"command": "nnUNet_train 3"}, ["forbidden"]),
        ({"command": "python3 -m nn-unet"}, ["forbidden"]),
        ({"command": "ls", "folder": "../up"}, ["folder"]),
        ({"command": "ls", "folder": "/tmp"}, ["folder"]),
    ],
)
def test_the_gate_looks_at_commands(changed: dict[str, Any], found: list[str]) -> None:
    assert issues(Story(), run_of(**changed), COMMANDS) == found


def test_a_folder_that_is_not_there_is_a_fact() -> None:
    decision = run_of(command="ls", folder="src")
    assert issues(Story(), decision, COMMANDS, folder="there is no folder 'src'") == ["folder"]


def test_resources_and_budget_are_looked_at() -> None:
    taken = Story()
    taken.begin(9)
    assert issues(taken, run_of()) == ["resources"]
    assert issues(Story(iterations=1), run_of()) == ["budget"]
    spent = Story(usd=1.0)
    spent.run.spend.usd = 2.0
    assert issues(spent, run_of()) == ["budget"]


def test_no_safety_action_is_gated_however_terse() -> None:
    story = Story(usd=1.0)
    story.run.spend.usd = 2.0
    for action in ("stop_run", "shut_down", "wait"):
        assert issues(story, Decision(action=action)) == []


def test_a_run_is_no_duplicate_of_one_that_the_machine_failed_or_that_was_stopped() -> None:
    story = Story()
    story.begin(5)
    story.end(2, "infra", None)
    assert issues(story, run_of()) == []
    story.begin(5)
    story.end(3, "inconclusive", None)
    assert issues(story, run_of()) == []
    story.begin(5)
    story.end(4, "incorrect", None, "it crashed")
    assert issues(story, run_of()) == ["duplicate"]
    assert issues(story, run_of(), GateRules(duplicates=False)) == []


def test_a_command_that_failed_alike_twice_is_refused_with_other_numbers() -> None:
    story = Story()
    for number, seed in ((2, 11), (3, 12)):
        command = f"python train.py --seed {seed}"
        story.begin(1, Chosen(decision=DecisionId("w-0001"), command=command))
        assert issues(story, run_of(command="python train.py --seed 99"), COMMANDS) == ["resources"]
        story.end(number, "incorrect", None, f"CUDA out of memory at step {seed}00")
    same = run_of(command="python train.py --seed 99")
    assert issues(story, same, COMMANDS) == ["failed_alike"]
    assert issues(story, run_of(command="python test.py --seed 99"), COMMANDS) == []


def test_what_a_decision_leaves_is_as_in_the_champion() -> None:
    wide = Ground(space=Space({"x": Integers(0, 41, 1), "y": Integers(0, 9, 1)}), command="base")
    story = Story()
    story.run.candidates[CandidateId("c-0001")].parameters = {"x": 3, "y": 4}
    made = wide.completed(run_of(parameters={"x": 7, "z": 1}), story.run)
    assert made.parameters == {"x": 7, "y": 4, "z": 1}
    assert made.command == "base"


def given(**changed: Any) -> dict[str, Any]:
    kept = {
        "todo_new": ["look at the data"],
        "notes_update": "",
        "data_exploration_update": "",
        "resolve_shared_todo_ids": [],
    }
    plain: dict[str, Any] = {
        "action": "run", "rationale": "why", "category": "loss", "label": "l", "command": "",
        "folder": "", "parameters": [{"name": "x", "value": "7"}], "run": "", "wait_s": 0,
        "monitor_s": 90, "follows": ["r-001"], "housekeeping": kept,
    }  # fmt: skip
    return plain | changed


def test_an_answer_in_the_right_form_is_a_decision() -> None:
    told = Decision(
        action="run", rationale="why", category="loss", label="l", parameters={"x": 7},
        monitor_s=90, follows=["r-001"], housekeeping=Housekeeping(todo_new=["look at the data"]),
    )  # fmt: skip
    for text, structured in (
        (json.dumps(given()), None),
        (f"So:\n```json\n{json.dumps(given())}\n```\n", None),
        ("words", json.dumps(given())),
    ):
        reading = read_decision(text, structured, SPACE)
        assert (reading.decision, reading.problems) == (told, [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the answer holds no JSON object"),
        ("[1]", "the answer holds no JSON object"),
        (json.dumps(given(action="launch")), "'launch' is not one of run, propose, stop_run"),
        (json.dumps(given(category="batch")), "decision.category: 'batch' is not one of"),
        (json.dumps(given(parameters={"x": 7})), "decision.parameters: must be a list"),
        (json.dumps(given(more=1)), "decision: 'more' is not known"),
        (json.dumps({"action": "wait"}), "decision.rationale: missing"),
    ],
)
def test_anything_else_is_none_and_says_why(text: str, problem: str) -> None:
    reading = read_decision(text, None, SPACE)
    assert reading.decision is None
    assert any(problem in each for each in reading.problems)


@pytest.mark.parametrize("action", ["stop_run", "shut_down"])
def test_what_stops_something_stands_whatever_else_is_wrong(action: str) -> None:
    reading = read_decision(json.dumps({"action": action, "run": "c-0007"}), None, SPACE)
    assert reading.decision is not None
    assert (reading.decision.action, reading.decision.run) == (action, "c-0007")
    assert reading.problems


@pytest.mark.parametrize(
    ("text", "value"), [("7", 7), ("7.0", 7.0), ("true", True), ("adam", "adam"), ('"7"', "7")]
)
def test_values_are_read_as_json_or_as_the_words_that_they_are(text: str, value: object) -> None:
    for name in ("x", "unknown"):
        answered = json.dumps(given(parameters=[{"name": name, "value": text}]))
        decision = read_decision(answered, None, SPACE).decision
        assert decision is not None
        if name == "unknown" or text == "7":
            assert decision.parameters == {name: value}
            assert type(decision.parameters[name]) is type(value)


def test_the_prompt_is_the_same_to_the_byte_and_within_its_budget() -> None:
    path = shipped(WORKER)
    template = decision_template(read_text(path), str(path))
    story = Story(slots=2)
    for number in range(2, 40):
        story.begin(
            number, Chosen(decision=DecisionId("w-0001"), label="l" * 900, command="c " * 900)
        )
        story.end(number, "incorrect", None, "r " * 900)
        story.answer(run_of(rationale="no", label="x" * 120, command="y " * 4000))
    story.begin(40, Chosen(label="z" * 300))
    asked = Asked(
        decision=DecisionId("w-0099"), reasons=["r" * 900], now_s=story.now_s, commands=True,
        mission="m " * 9000, tails={story.run.last_iteration: ["t " * 900] * 4},
    )  # fmt: skip
    prompt = assemble(template, story.run, asked)
    assert prompt == assemble(template, story.run, asked)
    assert len(prompt.text) < 32_000
    assert "1 of 2 slots are free." in prompt.text
    assert "became a wait, the gate did not let it pass: rationale:" in prompt.text
    assert "## Your mission" in prompt.text


def test_a_state_keeps_few_decisions_and_can_be_kept() -> None:
    story = Story()
    for _ in range(KEPT_DECISIONS + 5):
        story.answer(Decision(action="wait"), tokens=Tokens(input=10), cost_usd=0.5)
    made = story.run.decisions
    assert len(made.done) == KEPT_DECISIONS
    assert (made.tokens.total, made.usd) == (450, 22.5)
    assert (story.run.spend.tokens.total, story.run.spend.usd) == (450, 22.5)
    assert load(dump(story.run)) == story.run


def test_what_a_run_follows_is_remembered() -> None:
    story = Story()
    begun = e.ReviewStarted(
        review=ReviewId("r-001"), at_iteration=IterationNumber(1), reasons=["r"], mode="standard",
        signals=signals(story.run), agent="codex", model=None, effort=None, folder="agents/r-001",
        prompt_sha256="", parts=[], log=LOG,
    )  # fmt: skip
    said = Opinion(course="off_track", critique="Slow.", advice="Take five.")
    ended = e.ReviewFinished(
        review=ReviewId("r-001"), outcome="answered", detail="", duration_s=1, log=LOG, opinion=said
    )
    story.tell(begun, ended)
    decision = run_of(follows=["r-001", "r-999"])
    name = story.answer(decision)
    story.begin(5, chosen(name, decision, RULES))
    story.tell(taken(name, decision, IterationNumber(2), CandidateId("c-0002")))
    assert story.run.reviews.done[0].followed_by == ["c-0002"]
