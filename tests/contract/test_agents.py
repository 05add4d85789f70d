"""What every reader of an agent's output does. An agent gets a class below with lines it prints."""

import random
from abc import ABC, abstractmethod
from pathlib import Path

import msgspec
import pytest

from engine.agents.claude_reader import ClaudeReader
from engine.agents.codex_reader import CodexReader
from engine.agents.command import EventLines
from engine.agents.lines import LONGEST_BYTES
from engine.agents.llm import Llm
from engine.agents.protocol import (
    AgentTask,
    Answered,
    AnyAgentEvent,
    Ended,
    Message,
    StreamReader,
    ToolFinished,
    ToolStarted,
    Trouble,
)
from engine.core.parts import Tokens
from tests import printed


class ReaderContract(ABC):
    """Passed by every reader. `lines` are those of a run that ends well, its answer among them."""

    @abstractmethod
    def make(self, folder: Path) -> StreamReader: ...

    @abstractmethod
    def lines(self) -> list[bytes]: ...

    @pytest.fixture
    def reader(self, tmp_path: Path) -> StreamReader:
        return self.make(tmp_path)

    def test_a_good_run_has_an_answer_and_an_end(self, reader: StreamReader) -> None:
        events = [*printed.events_of(reader, self.lines()), *reader.close(0, "")]
        assert [event for event in events if isinstance(event, Ended)] == [events[-1]]
        assert events[-1] == Ended(outcome="answered")
        (answer,) = [event for event in events if isinstance(event, Answered)]
        assert msgspec.json.decode(answer.structured or "") == {"choice": 2}
        assert not any(isinstance(event, Trouble) for event in events)
        started = [event.id for event in events if isinstance(event, ToolStarted)]
        finished = [event.id for event in events if isinstance(event, ToolFinished)]
        assert started == finished != []
        assert any(isinstance(event, Message) for event in events)
        assert printed.spent(events) == Tokens(
            input=3000, cached_input=1200, cache_write=300, output=150, reasoning=30
        )

    @pytest.mark.parametrize("exit_code", [0, 1, 137, -9, -15, None])
    @pytest.mark.parametrize("read", [0, 1, 3, 1000])
    def test_it_ends_once_however_it_ends(
        self, reader: StreamReader, exit_code: int | None, read: int
    ) -> None:
        printed.events_of(reader, self.lines()[:read])
        events = reader.close(exit_code, "some words\non standard error\n")
        assert [type(event) for event in events].count(Ended) == 1
        assert isinstance(events[-1], Ended)

    def test_a_run_that_was_ended_by_a_signal_did_not_answer(self, reader: StreamReader) -> None:
        printed.events_of(reader, self.lines()[:2])
        assert reader.close(-9, "")[-1] != Ended(outcome="answered")

    def test_why_it_failed_is_told(self, reader: StreamReader) -> None:
        ended = reader.close(2, "usage: wrong option --x\n")[-1]
        assert isinstance(ended, Ended)
        assert ended.outcome == "crashed"
        assert "wrong option --x" in ended.detail

    def test_torn_lines_are_survived(self, reader: StreamReader) -> None:
        for line in self.lines():
            for cut in {0, 1, 2, len(line) // 2, len(line) - 1}:
                printed.events_of(reader, [line[:cut], line[cut:]])
        printed.check_sound(printed.events_of(reader, self.lines()) + reader.close(0, ""))

    @pytest.mark.parametrize(
        "line",
        [
            b"plain words",
            b"\xff\xfe\x00\xc3",
            b"{}",
            b"[]",
            b"null",
            b"3",
            b'{"type": null}',
            b'{"type": "of.tomorrow", "x": 1}',
            b'{"type": {"type": []}}',
            b'{"type": "a", "type": "b"}',
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"type":"\\ud800"}',
            b'"' + b"x" * (LONGEST_BYTES - 2) + b'"',
            b'{"type":"message","text":"' + b"y" * (LONGEST_BYTES - 28) + b'"}',
        ],
        ids=lambda line: repr(line[:24]),
    )
    def test_what_makes_no_sense_is_survived(self, reader: StreamReader, line: bytes) -> None:
        printed.check_sound(
            printed.events_of(reader, [line, *self.lines(), line]) + reader.close(0, "")
        )

    def test_odd_values_in_every_place_are_survived(self, tmp_path: Path) -> None:
        draw = random.Random(0)
        for line in self.lines():
            if not line.startswith(b"{"):
                continue
            for place in printed.places_in(msgspec.json.decode(line)):
                for odd in draw.sample(printed.ODD, 6):
                    reader = self.make(tmp_path)
                    odd_line = printed.with_odd(msgspec.json.decode(line), place, odd)
                    lines = [one for one in self.lines() if one != line]
                    printed.check_sound(
                        printed.events_of(reader, [odd_line, *lines, odd_line])
                        + reader.close(1, "")
                    )

    def test_noise_is_survived(self, tmp_path: Path) -> None:
        draw = random.Random(1)
        for exit_code in (0, 1, None) * 30:
            reader = self.make(tmp_path)
            noise = [draw.randbytes(draw.randrange(200)) for _ in range(10)]
            lines = [line.replace(b"\n", b"") for line in noise]
            printed.check_sound(
                printed.events_of(reader, lines) + reader.close(exit_code, "\x00\x1b[0m")
            )

    def test_what_it_says_can_be_kept(self, reader: StreamReader) -> None:
        events = [*printed.events_of(reader, self.lines()), *reader.close(0, "")]
        kept = [msgspec.json.encode(event) for event in events]
        assert [msgspec.json.decode(line, type=AnyAgentEvent) for line in kept] == events


class TestOwnEvents(ReaderContract):
    """A command, or a script: plain lines, and our own events."""

    def make(self, folder: Path) -> StreamReader:
        return EventLines(folder / "answer")

    def lines(self) -> list[bytes]:
        return printed.own()


class TestLlm(ReaderContract):
    """A model without a program of its own."""

    def make(self, folder: Path) -> StreamReader:
        task = AgentTask(
            prompt=folder / "p", tree=folder, folder=folder, home=folder, env={}, model="openai:m"
        )
        return Llm().reader(task)

    def lines(self) -> list[bytes]:
        return printed.llm()


class TestAcp(ReaderContract):
    """Any agent behind the protocol, as the bridge tells of it."""

    def make(self, folder: Path) -> StreamReader:
        return EventLines(folder / "answer")

    def lines(self) -> list[bytes]:
        return printed.acp()


class TestCodex(ReaderContract):
    """codex exec --json."""

    def make(self, folder: Path) -> StreamReader:
        return CodexReader(folder / "home", "gpt-5.5")

    def lines(self) -> list[bytes]:
        return printed.codex()


class TestClaude(ReaderContract):
    """claude -p --output-format stream-json."""

    def make(self, folder: Path) -> StreamReader:
        return ClaudeReader("claude-sonnet-4-5")

    def lines(self) -> list[bytes]:
        return printed.claude()
