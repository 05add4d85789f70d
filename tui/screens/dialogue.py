"""Small questions and cards over the room, answered by keys alone.

No buttons: closing a modal with several of them can deadlock
(https://github.com/Textualize/textual/issues/6578).
"""

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from engine.core.memory.parts import LONGEST_TODO
from tui.actions import ACTIONS
from tui.clock import Clock
from tui.views.choices import ChoicesView, choice_lines
from tui.views.finish import FinishView, plan_lines


class Dialogue(ModalScreen[bool]):
    """A card with text; a subclass says which keys answer it."""

    def __init__(self, text: Content) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> Iterator[Widget]:
        """The card."""
        yield Static(self._text, classes="dialogue-text")


class AskStop(Dialogue):
    """Asks whether the run shall be stopped; anything but `y` keeps it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "stop"),
        Binding("n,escape,enter,q,ctrl+c", "answer(False)", "keep it running"),
    ]

    def __init__(self, run: str, open_steps: int) -> None:
        steps = {0: "No step runs.", 1: "One step runs"}.get(open_steps, f"{open_steps} steps run")
        tail = " and has ten seconds to end." if open_steps == 1 else ""
        tail = " and have ten seconds to end." if open_steps > 1 else tail
        super().__init__(
            Content.assemble(
                (f"Stop the run {run}?\n\n", "bold"),
                f"{steps}{tail}\n",
                "What is cut off is done again when the run is resumed;\n",
                "nothing that was recorded is lost.\n\n",
                ("y", "$accent"),
                " stop     ",
                ("n", "$accent"),
                " keep it running",
            )
        )

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - called by a binding
        """Closes the card with the answer."""
        self.dismiss(yes)


class AskFinish(ModalScreen[str]):
    """The finish of the run: what it would be, or the plan with its clock, and cancelling it.

    It closes with `now`, `minutes`, `report`, `cancel`, or nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('now')", "begin"),
        Binding("m", "answer('minutes')", "other minutes"),
        Binding("r", "answer('report')", "report at once"),
        Binding("c", "answer('cancel')", "cancel it"),
        Binding("n,escape,enter,q,ctrl+c", "answer('')", "leave it"),
    ]

    def __init__(self, run: str, look: Callable[[], FinishView], clock: Clock) -> None:
        super().__init__()
        self._run, self._look, self._clock = run, look, clock
        self._card = Static(classes="dialogue-text")

    def compose(self) -> Iterator[Widget]:
        """The card."""
        yield self._card

    def on_mount(self) -> None:
        """The clock of the plan goes on while somebody reads it."""
        self._paint()
        self.set_interval(0.5, self._paint)

    def _paint(self) -> None:
        view = self._look()
        self._card.update(self._plan(view) if view.planned else self._question(view))

    def _plan(self, view: FinishView) -> Content:
        lines = "\n".join(plan_lines(view, self._clock.now()))
        cancel = [("c", "$accent"), " cancel it     "] if view.cancellable else []
        return Content.assemble(
            (f"The run {self._run} comes to its end\n\n", "bold"),
            f"{lines}\n\n",
            *cancel,
            ("n", "$accent"),
            " close",
        )

    def _question(self, view: FinishView) -> Content:
        rounds = f"{view.rounds} final round{'' if view.rounds == 1 else 's'}"
        return Content.assemble(
            (f"Bring the run {self._run} to its end?\n\n", "bold"),
            f"Nothing new begins but {rounds}; the best {view.top_k} are measured again,\n",
            f"the report is written, and the run is over in {view.minutes:g} minutes.\n\n",
            ("y", "$accent"),
            " begin     ",
            ("m", "$accent"),
            " other minutes     ",
            ("r", "$accent"),
            " report at once     ",
            ("n", "$accent"),
            " leave it",
        )

    def action_answer(self, what: str) -> None:
        """Closes the card with the answer, where that is one of those it offers."""
        view = self._look()
        if what == "cancel" and not view.cancellable:
            return
        if what in {"now", "minutes", "report"} and view.planned:
            return
        self.dismiss(what)


class AskResolve(Dialogue):
    """Asks whether a piece of open work is done; anything but `y` keeps it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "it is"),
        Binding("n,escape,enter,q,ctrl+c", "answer(False)", "keep it"),
    ]

    def __init__(self, name: str, text: str) -> None:
        super().__init__(
            Content.assemble(
                (f"Take {name} off the queue?\n\n", "bold"),
                f"{text}\n\n",
                ("y", "$accent"),
                " it is done, or not to be done     ",
                ("n", "$accent"),
                " keep it",
            )
        )

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - called by a binding
        """Closes the card with the answer."""
        self.dismiss(yes)


class AskText(ModalScreen[str]):
    """Asks for a line of text; escape gives none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "close", "leave it")]

    def __init__(self, question: str, text: str = "") -> None:
        super().__init__()
        self._question, self._given = question, text

    def compose(self) -> Iterator[Widget]:
        """The card: the question, the line, what the keys do."""
        with Vertical(classes="dialogue-text"):
            yield Static(Content.assemble((f"{self._question}\n", "bold")))
            yield Input(self._given, max_length=LONGEST_TODO)
            yield Static(
                Content.assemble(
                    ("\nenter", "$accent"), " done     ", ("escape", "$accent"), " leave it"
                )
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Closes the card with the line."""
        self.dismiss(event.value.strip())

    def action_close(self) -> None:
        """Closes the card with nothing."""
        self.dismiss("")


class Choices(ModalScreen[None]):
    """What was to be done and what reviews said of it, in two columns; arrows scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,d,q,enter,ctrl+c", "close", "close")]

    def __init__(self, look: Callable[[], ChoicesView]) -> None:
        super().__init__()
        self._look = look
        self._card, self._body = VerticalScroll(classes="dialogue-text"), Static()

    def compose(self) -> Iterator[Widget]:
        """The card."""
        with self._card:
            yield self._body

    def on_mount(self) -> None:
        """A review may end while somebody reads."""
        self._card.focus()
        self.call_after_refresh(self._paint)
        self.set_interval(0.5, self._paint)

    def on_resize(self) -> None:
        """The columns are as wide as there is room."""
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        width = self._card.scrollable_content_region.width
        text = "\n".join(choice_lines(self._look(), width))
        head = ("Worker and mentor, the newest first\n\n", "bold")
        self._body.update(Content.assemble(head, text))

    def action_close(self) -> None:
        """Closes the card."""
        self.dismiss(None)


class Help(Dialogue):
    """All keys and what they do, from the table of actions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter,ctrl+c", "close", "close")
    ]

    def __init__(self) -> None:
        keys = max(len(action.shown) for action in ACTIONS)
        titles = max(len(action.title) for action in ACTIONS)
        parts: list[str | tuple[str, str]] = [("Keys\n\n", "bold")]
        for action in ACTIONS:
            parts.append((f"{action.shown:>{keys}}  ", "$accent"))
            parts.append(f"{action.title:<{titles}}  ")
            parts.append((f"{action.help}\n", "$quiet"))
        parts.append(
            ("\nArrows, page keys, Home and End scroll the pane with the mark ▸,", "$quiet")
        )
        parts.append(("\ntab goes to the next one. Escape closes this card.", "$quiet"))
        super().__init__(Content.assemble(*parts))

    def action_close(self) -> None:
        """Closes the card."""
        self.dismiss(False)
