"""Open work and notes: what is written down, what is not, and what a prompt says of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import events as e
from engine.core.answering_steering import Refusal
from engine.core.commands import AddTodo, EditTodo, ResolveTodo
from engine.core.fold_memory import fold_memory
from engine.core.housekeeping import MOST_OPEN, Author, housekeeping, todo_command
from engine.core.ids import IterationNumber, TodoId
from engine.core.memory.likeness import alike, meaning
from engine.core.memory.parts import (
    KEPT_NOTES,
    KEPT_RESOLVED,
    LONGEST_NOTE,
    LONGEST_TODO,
    Housekeeping,
    MemoryRules,
    Note,
    Role,
)
from engine.core.state import RunState, dump, load
from engine.knowledge.remembered import note_lines, todo_lines
from tests.agent_runs import run_of

TIME = "2026-01-01T00:00:00.000Z"


def keep(
    state: RunState, wishes: Housekeeping, role: Role = "worker", rules: MemoryRules | None = None
) -> list[e.AnyEvent]:
    """The events of one turn, folded."""
    author = Author(role, "codex", IterationNumber(3))
    events = housekeeping(state, wishes, author, rules or MemoryRules())
    for event in events:
        fold_memory(state, event, TIME)  # type: ignore[arg-type]
    return events


def told(state: RunState, command: AddTodo | EditTodo | ResolveTodo) -> str:
    """What became of a person's command: the event's class, or why it was refused."""
    answer = todo_command(state, command, by="ann")
    if isinstance(answer, Refusal):
        return answer.reason
    for event in answer:
        fold_memory(state, event, TIME)  # type: ignore[arg-type]
    return type(answer[-1]).__name__


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Try batch size 512", "try batch size 768", False),
        ("use lr 3e-4", "use lr 0.0003", True),
        ("use lr 3e-4", "use lr 1e-4", False),
        ("Profile the inner loop of the kernel", "profile inner loops of kernel", True),
        ("Add a test for near-singular keys", "Tests for near-singular keys are to be added", True),
        ("increase the rate after warmup", "decrease the rate after warmup", False),
        ("evaluate unet_34 on held-out data", "evaluate simple_unet on held-out data", False),
        ("remove the copy before the loop", "remove the copy after the loop", False),
        ("check gates -0.1", "check gates 0.1", False),
        ("Überprüfe die Kopie", "überprüfe die kopie", True),
        ("look at the traces", "write the report", False),
        ("", "", True),
    ],
)  # fmt: skip
def test_what_means_the_same(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    assert alike(meaning(one), meaning(other)) is same
    assert alike(meaning(other), meaning(one)) is same


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=200)
def test_any_text_has_a_meaning(one: str, other: str) -> None:
    assert alike(meaning(one), meaning(one.upper().lower())) or one != one.upper().lower()
    assert alike(meaning(one), meaning(other)) == alike(meaning(other), meaning(one))


def test_a_turn_adds_what_it_may_and_says_what_was_left_out() -> None:
    state = run_of([])
    texts = ["profile the kernel", "profiling the kernel", "try bf16", "try fp8", "", " \n "]
    events = keep(state, Housekeeping(todo_new=texts, notes_update="x" * 600))
    said = [(type(each).__name__, getattr(each, "reason", "")) for each in events]
    assert said == [
        ("TodoAdded", ""),
        ("TodoLeftOut", "it is t-0001 already"),
        ("TodoAdded", ""),
        ("TodoLeftOut", "2 may be added in a turn"),
        ("NoteTaken", ""),
    ]
    assert [todo.text for todo in state.memory.open] == ["profile the kernel", "try bf16"]
    assert len(state.memory.notes[0].text) == LONGEST_NOTE


def test_a_backlog_lets_less_in_and_then_nothing() -> None:
    state, rules = run_of([]), MemoryRules(worker=2, mentor=1, backlog=3)
    for number in range(20):
        keep(state, Housekeeping(todo_new=[f"a{number} x", f"b{number} x"]), rules=rules)
    assert len(state.memory.open) == 2 * rules.backlog
    assert not [each for each in keep(state, Housekeeping(todo_new=["new"]), "mentor", rules)
                if isinstance(each, e.TodoAdded)]  # fmt: skip
    assert told(state, AddTodo(text="a person may")) == "TodoAdded"


def test_what_is_resolved_makes_room_and_can_be_said_again() -> None:
    state, rules = run_of([]), MemoryRules(backlog=1)
    keep(state, Housekeeping(todo_new=["profile the kernel"]), rules=rules)
    keep(state, Housekeeping(todo_new=["try bf16"]), rules=rules)
    assert len(state.memory.open) == 2
    wishes = Housekeeping(
        todo_new=["profile the kernel"], resolve_shared_todo_ids=["[t-0001]", "t-0001", "t-9999"]
    )
    events = keep(state, wishes, rules=rules)
    assert [type(each).__name__ for each in events] == ["TodoResolved", "TodoAdded"]
    assert list(state.memory.todos) == ["t-0002", "t-0001", "t-0003"]
    assert state.memory.todos[TodoId("t-0001")].resolved == "by codex"


def test_a_person_is_told_why_not() -> None:
    state = run_of([])
    assert told(state, AddTodo(text="  try\n bf16 ")) == "TodoAdded"
    assert told(state, AddTodo(text="trying bf16")) == "it is t-0001 already: try bf16"
    assert told(state, AddTodo(text=" ")) == "it has no text"
    assert told(state, AddTodo(text="x" * 221)) == f"it has more than {LONGEST_TODO} characters"
    assert (
        told(state, EditTodo(todo=TodoId("t-7"), text="x")) == "there is no open t-7; open: t-0001"
    )
    assert told(state, EditTodo(todo=TodoId("t-0001"), text="try fp8")) == "TodoEdited"
    assert state.memory.open[0].text == "try fp8"
    assert told(state, ResolveTodo(todo=TodoId("t-0001"), reason="done")) == "TodoResolved"
    again = told(state, ResolveTodo(todo=TodoId("t-0001")))
    assert again == "t-0001 is resolved: by ann: done"


def test_a_state_stays_small_however_much_is_written_down() -> None:
    state = run_of([])
    for number in range(MOST_OPEN):
        assert told(state, AddTodo(text=f"item {number}")) == "TodoAdded"
    assert told(state, AddTodo(text="one more")) == f"{MOST_OPEN} are open; resolve some first"
    for number in range(MOST_OPEN):
        told(state, ResolveTodo(todo=TodoId(f"t-{number + 1:04d}")))
        keep(state, Housekeeping(notes_update=f"n{number}", data_exploration_update=f"d{number}"))
    assert len(state.memory.todos) == KEPT_RESOLVED
    assert (len(state.memory.notes), len(state.memory.explorations)) == (KEPT_NOTES, KEPT_NOTES)
    assert state.memory.notes[-1].text == f"n{MOST_OPEN - 1}"
    assert load(dump(state)) == state


def test_the_focus_has_the_oldest_and_the_newest_within_its_budget() -> None:
    state = run_of([])
    for number in range(40):
        told(state, AddTodo(text=f"item {number} {'word ' * 30}"))
    state.last_iteration = IterationNumber(12)
    lines = todo_lines(state.memory, IterationNumber(12), 2_000)
    assert lines[0] == "40 open; here the 4 oldest and the 4 newest:"
    assert [line[2:8] for line in lines[1:]] == [
        *("t-0001", "t-0002", "t-0003", "t-0004"),
        *("t-0037", "t-0038", "t-0039", "t-0040"),
    ]
    assert "(person, 11 iterations old)" in lines[1]
    for most in (60, 200, 700, 2_000):
        short = todo_lines(state.memory, IterationNumber(12), most)
        assert len("\n".join(short)) <= max(most, 90)
        assert short[0].startswith("40 open")
    assert todo_lines(run_of([]).memory, IterationNumber(1), 2_000) == []


def test_of_notes_the_newest_win() -> None:
    notes = [
        Note(text=f"note {n} {'x' * 80}", by="codex", since=TIME, iteration=IterationNumber(n))
        for n in range(30)
    ]
    lines = note_lines(notes, 600)
    assert lines[0] == "(25 older ones are left out)"
    assert lines[-1].startswith("- iteration 29: note 29")
    assert len("\n".join(lines)) <= 600
    assert len(note_lines(notes[:2], 600)) == 2
