"""From what an agent's program prints to events: secrets go, lines come, a reader reads them."""

from collections.abc import Callable
from typing import Final

import msgspec

from engine.agents.lines import Lines, TooLong
from engine.agents.protocol import AnyAgentEvent, Ended, StreamReader, Trouble
from engine.core.secrets import Redactor

ERRORS_KEPT_BYTES: Final = 8192


class Heard(msgspec.Struct, frozen=True):
    """The events in one line, or none; `retrying`: the program only says that it tries again."""

    events: list[AnyAgentEvent]

    @property
    def retrying(self) -> bool:
        """Whether it holds nothing but another try."""
        return any(isinstance(event, Trouble) and event.retrying for event in self.events)

    @property
    def progress(self) -> bool:
        """Whether the line shows that something goes on, be it something that is not told."""
        return not any(isinstance(event, Trouble) for event in self.events)


class Hearing:
    """Listens to one run of a program.

    A reader that fails is a mistake in the reader, and told as Trouble: it may belong to others.

    Args:
        reader: reads the lines.
        secrets: values that must not be seen, by name.
    """

    def __init__(self, reader: StreamReader, secrets: dict[str, str]) -> None:
        self._reader = reader
        self._output = Redactor(secrets)
        self._errors = Redactor(secrets)
        self._lines = Lines()
        self._last_errors = b""

    def output(self, data: bytes) -> tuple[bytes, list[Heard]]:
        """What may be written of the output, and what its lines say."""
        shown = self._output.feed(data)
        return shown, self._heard(self._lines.feed(shown))

    def errors(self, data: bytes) -> bytes:
        """What may be written of standard error."""
        return self._keep(self._errors.feed(data))

    def finish(self) -> tuple[bytes, bytes, list[Heard]]:
        """What was held back of the output and of standard error, and what the last line says."""
        shown = self._output.finish()
        lines = self._lines.feed(shown) + self._lines.finish()
        return shown, self._keep(self._errors.finish()), self._heard(lines)

    def look(self) -> list[AnyAgentEvent]:
        """What the program has written elsewhere."""
        return self._safely(self._reader.look)

    def close(self, exit_code: int | None) -> tuple[list[AnyAgentEvent], Ended]:
        """The last events, and how the program says that it ended."""
        errors = self._last_errors.decode(errors="replace")
        events = self._safely(lambda: self._reader.close(exit_code, errors))
        ends = [event for event in events if isinstance(event, Ended)]
        said = ends[-1] if ends else Ended(outcome="crashed", detail="its output has no end")
        return [event for event in events if not isinstance(event, Ended)], said

    def _heard(self, lines: list[bytes | TooLong]) -> list[Heard]:
        return [Heard(self._read(line)) for line in lines]

    def _read(self, line: bytes | TooLong) -> list[AnyAgentEvent]:
        if isinstance(line, TooLong):
            text = f"a line of {line.size_bytes} bytes was left out; the transcript has it"
            return [Trouble(text=text)]
        return self._safely(lambda: self._reader.read(line)) if line.strip() else []

    def _safely(self, action: Callable[[], list[AnyAgentEvent]]) -> list[AnyAgentEvent]:
        try:
            return action()
        except Exception as error:  # noqa: BLE001 (a reader may be anyone's; the run goes on)
            return [Trouble(text=f"what it printed cannot be read: {error!r}"[:1000])]

    def _keep(self, data: bytes) -> bytes:
        self._last_errors = (self._last_errors + data)[-ERRORS_KEPT_BYTES:]
        return data
