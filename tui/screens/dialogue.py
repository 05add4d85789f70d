"""Small questions and cards over the room, answered by keys alone.

No buttons: closing a modal with several of them can deadlock
(https://github.com/Textualize/textual/issues/6578).
"""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.actions import ACTIONS


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
