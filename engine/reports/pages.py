"""A run's memory as Markdown, for people who look into its folder. Pure."""

from collections.abc import Sequence

from engine.core.memory.parts import Note, Todo
from engine.core.reviews.parts import Review
from engine.core.state import RunState
from engine.knowledge.reviewed import effects_of, effects_words, said_by, said_words
from engine.knowledge.storyline import story_line

STORY_HEAD = "# Storyline\n\n"


def todo_page(state: RunState) -> str:
    """The queue of open work, the oldest first, and what was resolved lately."""
    todos = state.memory.todos.values()
    waiting = [todo for todo in todos if todo.resolved is None]
    done = [todo for todo in todos if todo.resolved is not None]
    lines = [f"- [ ] [{todo.id}] {_owner(todo)}: {_plain(todo.text)}" for todo in waiting]
    lines = lines or ["Nothing is open."]
    if done:
        lines += ["", "## Resolved lately", ""]
        lines += [
            f"- [x] [{todo.id}] {_owner(todo)}: {_plain(todo.text)} (resolved {todo.resolved})"
            for todo in reversed(done)
        ]
    return _page("Open work", lines)


def workpad_page(state: RunState) -> str:
    """The last notes, and what was found out about the data lately; the oldest first."""
    memory = state.memory
    return _page(
        "Workpad",
        ["## Notes", "", *_notes(memory.notes)],
        ["", "## Data Exploration", "", *_notes(memory.explorations)],
    )


def mentor_page(state: RunState) -> str:
    """What the mentor said, the newest last, and what became of it."""
    reviews = [line for review in state.reviews.done for line in _review(state, review)]
    words = effects_words(effects_of(state))
    return _page("Mentor notes", [words, ""] if words else [], reviews or ["No review yet."])


def story_page(state: RunState) -> str:
    """A line for each iteration that has a verdict, in their order."""
    judged = sorted(
        (one for one in state.candidates.values() if one.verdict is not None),
        key=lambda one: one.iteration,
    )
    return STORY_HEAD + "".join(f"- {story_line(state, one)}\n" for one in judged)


def _page(title: str, *parts: Sequence[str]) -> str:
    return "\n".join([f"# {title}", "", *(line for part in parts for line in part)]) + "\n"


def _review(state: RunState, review: Review) -> list[str]:
    why = _plain("; ".join(review.reasons))
    head = f"## {review.id}, after {review.at_iteration} iterations: {why}"
    if review.opinion is None:
        return [head, "", f"It came to nothing: {_plain(review.detail)}", ""]
    course = review.opinion.course.replace("_", " ")
    lines = [f"- {_plain(said_words(one))}" for one in said_by(state, review)]
    text = f"[{review.since}] {course}: {_plain(review.opinion.critique)}"
    return [head, "", text, "", *lines, *([""] if lines else [])]


def _notes(notes: Sequence[Note]) -> list[str]:
    return [f"- [{note.since}] {_plain(note.text)} ({_plain(note.by)})" for note in notes]


def _owner(todo: Todo) -> str:
    where = "" if todo.iteration is None else f", iteration {todo.iteration}"
    return f"{_plain(todo.by)}{where}"


def _plain(text: str) -> str:
    """The text without what would make something else of a line of Markdown."""
    return " ".join(text.split()).replace("<", "&lt;")
