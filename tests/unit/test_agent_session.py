"""One attempt of an agent, run for real with the scripted one: files, limits, ends, last words."""

import os
import signal
import time
from pathlib import Path

import anyio
import msgspec
import pytest

from engine.agents import session
from engine.agents.command import CommandAgent
from engine.agents.protocol import (
    AgentTask,
    Answered,
    AnyAgentEvent,
    Ended,
    FileChanged,
    Launch,
    Message,
    Spent,
    Trouble,
)
from engine.agents.result import Limits, SessionResult
from engine.agents.spending import Used
from engine.core.parts import Tokens
from engine.executors.protocol import Command, Interrupted, LogSink
from engine.executors.protocol import Ended as CommandEnded
from tests.agents import Stage, recorded
from tests.executing import MemoryLog, lives, pid_in


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.anyio
async def test_an_attempt_from_begin_to_end(stage: Stage) -> None:
    result = await stage.play(
        """
- think: The inner loop is short.
- say: I halve the chunk.
- replace: {file: kernel.py, old: "CHUNK = 128", new: "CHUNK = 64"}
- run: cat kernel.py; exit 3
- spend: {input: 1200, cached_input: 1000, output: 80, usd: 0.01}
- errors: a warning
- spend: {input: 300, output: 20, reasoning: 5, usd: 0.002}
- answer: {choice: 1}
"""
    )
    assert (result.outcome, result.detail, result.retry_at) == ("answered", "", None)
    assert result.tokens == Tokens(input=1500, cached_input=1000, output=100, reasoning=5)
    assert result.cost_usd == pytest.approx(0.012)
    assert result.model == "scripted"
    assert result.structured == '{"choice":1}'
    assert (stage.tree / "kernel.py").read_text() == "CHUNK = 64\n"
    folder = result.transcript.parent
    assert recorded(folder) == stage.events
    assert len(stage.events) == result.events
    assert isinstance(stage.events[-1], Ended)
    assert len(result.transcript.read_bytes().splitlines()) == 9
    assert (folder / "errors.log").read_text() == "a warning\n"
    assert (folder / "answer.json").read_text() == '{"choice":1}'
    text = stage.log.text.decode()
    for shown in (
        "~ The inner loop is short.\n", "I halve the chunk.\n", "* update kernel.py\n",
        "$ cat kernel.py; exit 3\n", "CHUNK = 64\n! exit status 3\n", "a warning\n",
        "* 1200 tokens in, 80 out, $0.0100\n", "= {", "* ended: answered\n",
    ):  # fmt: skip
        assert shown in text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("steps", "outcome", "detail"),
    [
        ("- say: done", "answered", ""),
        ("- errors: no such device\n- exit: 3", "crashed", "exit status 3: no such device"),
        ("- kill: true", "crashed", "ended by signal 9"),
        ("- fail: {outcome: login, detail: key refused}", "login", "key refused"),
        ("- fail: {outcome: unreachable}", "unreachable", ""),
        ("- replace: {file: kernel.py, old: absent, new: x}", "crashed", "'absent' is 0 times"),
        ("- limit: unknown", "limited", "usage limit"),
    ],
)
async def test_how_attempts_end(stage: Stage, steps: str, outcome: str, detail: str) -> None:
    result = await stage.play(steps)
    assert result.outcome == outcome
    assert detail in result.detail
    assert [type(event) for event in stage.events].count(Ended) == 1


@pytest.mark.anyio
async def test_a_usage_limit_says_until_when(stage: Stage) -> None:
    result = await stage.play("- limit: 2026-11-21T12:00:00+00:00")
    assert (result.outcome, result.retry_at) == ("limited", 1795262400.0)


@pytest.mark.anyio
async def test_the_wall_clock_ends_it_and_all_that_it_started(stage: Stage) -> None:
    result = await stage.play(
        "- say: now I hang\n- spend: {input: 7}\n- hang: child", limits=Limits(wall_s=1.5)
    )
    assert result.outcome == "timeout"
    assert result.tokens.input == 7
    assert Message(text="now I hang") in stage.events


@pytest.mark.anyio
async def test_silence_ends_it_and_a_sign_of_life_keeps_it(stage: Stage) -> None:
    talks = "\n".join("- errors: .\n- sleep: 600ms\n- say: .\n- sleep: 600ms" for _ in range(2))
    result = await stage.play(talks + "\n- hang: true", limits=Limits(silent_s=1.5, wall_s=60))
    assert result.outcome == "timeout"
    assert "said nothing for" in result.detail
    assert stage.events.count(Message(text=".")) == 2


@pytest.mark.anyio
async def test_trying_again_for_ever_is_unreachable(stage: Stage) -> None:
    tries = "- say: here\n" + "- retry: Reconnecting\n- sleep: 300ms\n" * 100
    result = await stage.play(tries, limits=Limits(retrying_s=1.2, silent_s=60, wall_s=60))
    assert result.outcome == "unreachable"
    assert 3 <= stage.events.count(Trouble(text="Reconnecting", retrying=True)) < 30


@pytest.mark.anyio
async def test_trying_again_with_success_in_between_is_no_end(stage: Stage) -> None:
    tries = "- retry: Reconnecting\n- sleep: 300ms\n- say: there\n" * 6
    result = await stage.play(tries, limits=Limits(retrying_s=1.2, wall_s=60))
    assert result.outcome == "answered"


@pytest.mark.anyio
async def test_ceilings_stop_it_within_one_call(stage: Stage) -> None:
    steps = "- spend: {input: 60, output: 40, usd: 0.5}\n- sleep: 50ms\n" * 50
    by_tokens = await stage.play(steps, limits=Limits(tokens=250))
    assert (by_tokens.outcome, by_tokens.tokens.total) == ("ceiling", 300)
    by_money = await stage.play(steps, limits=Limits(usd=0.9))
    assert (by_money.outcome, by_money.cost_usd) == ("ceiling", 1.0)
    assert "$1.0000" in by_money.detail


@pytest.mark.anyio
async def test_what_goes_over_with_its_last_call_is_over(stage: Stage) -> None:
    result = await stage.play("- spend: {input: 300}\n- answer: done", limits=Limits(tokens=250))
    assert result.outcome == "ceiling"


@pytest.mark.anyio
async def test_exactly_the_ceiling_is_not_over_it(stage: Stage) -> None:
    result = await stage.play("- spend: {input: 250}\n- answer: done", limits=Limits(tokens=250))
    assert result.outcome == "answered"


@pytest.mark.anyio
async def test_the_runs_purse_is_asked_after_each_call(stage: Stage) -> None:
    asked: list[Used] = []

    def may_go_on(used: Used) -> str | None:
        asked.append(used)
        return "the run's budget is used up" if len(asked) == 3 else None

    steps = "- spend: {input: 100, usd: 0.1}\n- sleep: 50ms\n" * 50
    result = await stage.play(steps, may_go_on=may_go_on)
    assert (result.outcome, result.detail) == ("ceiling", "the run's budget is used up")
    assert [used.tokens.input for used in asked[:3]] == [100, 200, 300]


@pytest.mark.anyio
async def test_what_a_call_used_is_on_the_disk_before_the_next_decision(stage: Stage) -> None:
    task = stage.task()
    kept: list[tuple[Used, Used]] = []

    def may_go_on(used: Used) -> str | None:
        kept.append((used, session.recover(task.folder)))
        return None

    await stage.play("- spend: {input: 100, usd: 0.5}\n" * 5, task, may_go_on=may_go_on)
    assert len(kept) == 5
    assert all(used == recovered for used, recovered in kept)


@pytest.mark.anyio
async def test_what_comes_to_light_after_the_end_counts_too(stage: Stage) -> None:
    """Without an end of its line, it is read once the program has ended."""
    spent = '{"type":"spent","tokens":{"input":300}}'
    result = await stage.run(CommandAgent(["printf", "%s", spent]), limits=Limits(tokens=250))
    assert isinstance(result, SessionResult)
    assert (result.outcome, result.tokens.input) == ("ceiling", 300)


@pytest.mark.anyio
async def test_files_are_named_from_the_tree(stage: Stage) -> None:
    paths = (f"{stage.tree}/deep/x.py", "y.py", "/etc/z", f"{stage.tree}-2/w.py")
    lines = [f'{{"type":"file_changed","path":"{path}","kind":"add"}}' for path in paths]
    await stage.run(CommandAgent(["printf", "%s\n", *lines]))
    named = [event.path for event in stage.events if isinstance(event, FileChanged)]
    assert named == ["deep/x.py", "y.py", "/etc/z", f"{stage.tree}-2/w.py"]


@pytest.mark.anyio
async def test_an_unknown_price_is_unknown_and_not_nothing(stage: Stage) -> None:
    result = await stage.play("- spend: {input: 1, usd: 0.1}\n- spend: {input: 10}")
    assert result.cost_usd is None
    silent = await stage.play("- say: I never tell what I use.")
    assert silent.cost_usd is None
    limited = await stage.play("- spend: {input: 10}\n- hang: true", limits=Limits(usd=5))
    assert limited.outcome == "ceiling"
    assert "no price of scripted is known" in limited.detail


@pytest.mark.anyio
async def test_prices_are_looked_up_by_model(stage: Stage) -> None:
    def price_of(model: str, tokens: Tokens) -> float | None:
        return tokens.input * 0.5 if model == "known" else None

    result = await stage.play("- spend: {input: 10, model: known}", price_of=price_of)
    assert result.cost_usd == 5
    assert any(isinstance(event, Spent) and event.cost_usd == 5 for event in stage.events)


@pytest.mark.anyio
async def test_secrets_are_in_no_file_and_no_event(stage: Stage) -> None:
    key = 'sk-"quoted\\key-123'
    stage.env["API_KEY"] = key
    stage.secrets = ("API_KEY",)
    result = await stage.play(
        """
- run: printf '%s' "$API_KEY"
- run: printf '%s' "$API_KEY" >&2; printenv API_KEY | cut -c1-9
- run: printf '%s\\n' "$API_KEY" > seen
- answer: done
"""
    )
    assert (stage.tree / "seen").read_text().strip() == key
    whole = b"".join(path.read_bytes() for path in result.transcript.parent.iterdir())
    assert b"[secret API_KEY]" in whole
    assert b"key-123" not in whole + stage.log.text + msgspec.json.encode(stage.events)


@pytest.mark.anyio
async def test_lines_of_any_size_and_garbage(stage: Stage) -> None:
    steps = "- line: 1000000\n- garbage: 5000\n- line: 20000000\n- print: '{\"type\": 3'\n- say: ok"
    result = await stage.play(steps)
    assert result.outcome == "answered"
    assert result.answer == "ok"
    assert result.transcript.stat().st_size > 21_000_000
    troubles = [event.text for event in stage.events if isinstance(event, Trouble)]
    assert len(troubles) == 1
    assert "a line of 200000" in troubles[0]


@pytest.mark.anyio
async def test_a_line_without_an_end_is_read(stage: Stage) -> None:
    result = await stage.run(CommandAgent(["printf", "first\nlast"]))
    assert isinstance(result, SessionResult)
    assert result.answer == "last"


@pytest.mark.anyio
async def test_cancelling_it_leaves_nothing_but_its_words(stage: Stage) -> None:
    agent = stage.scripted(
        "iterations: {2: [{spend: {input: 5}}, {say: here}, "
        "{run: 'setsid sleep 600 & echo $! > pid'}, {hang: child}]}"
    )
    task = stage.task()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.run, agent, task)
        with anyio.fail_after(30):
            while not (stage.tree / "pid").exists():
                await anyio.sleep(0.01)
        begun_s = time.monotonic()
        tasks.cancel_scope.cancel()
    assert time.monotonic() - begun_s < 20
    assert stage.alive() == []
    assert not lives(pid_in(stage.tree / "pid"))
    assert Message(text="here") in recorded(task.folder)
    assert session.recover(task.folder).tokens.input == 5


@pytest.mark.anyio
async def test_what_was_used_is_known_when_the_engine_dies(stage: Stage) -> None:
    await stage.play("- spend: {input: 5, usd: 0.5}\n- spend: {input: 6, output: 2, usd: 0.25}")
    folder = stage.task().folder
    whole = (folder / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(whole[: whole.index(b'"input":6') + 4])
    assert session.recover(folder) == Used(tokens=Tokens(input=5), cost_usd=0.5)
    assert session.recover(stage.root / "never") == Used()
    (folder / "events.jsonl").write_bytes(whole[:-30] + b"\xff\xfe\n" + whole)
    assert session.recover(folder).tokens.total == 26


@pytest.mark.anyio
async def test_a_missing_program_is_told(stage: Stage) -> None:
    result = await stage.run(CommandAgent(["no-such-program-here"]))
    assert isinstance(result, SessionResult)
    assert result.outcome == "crashed"
    assert "no-such-program-here" in result.detail


@pytest.mark.anyio
async def test_a_log_that_fails_interrupts_it(stage: Stage) -> None:
    class Broken(MemoryLog):
        async def write(self, data: bytes) -> None:
            raise OSError(5, "Input/output error")

    stage.log = Broken()
    result = await stage.run(stage.scripted("iterations: {2: [{say: hello}, {hang: true}]}"))
    assert isinstance(result, Interrupted)
    assert "Input/output error" in result.reason


class Cut:
    """An executor whose commands are always cut off."""

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> CommandEnded:
        return Interrupted("the machine was taken away")


@pytest.mark.anyio
async def test_what_the_executor_cut_off_is_to_be_repeated(stage: Stage) -> None:
    stage.executor = Cut()
    result = await stage.run(stage.scripted("iterations: []"))
    assert result == Interrupted("the machine was taken away")


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_written_interrupts_it(stage: Stage) -> None:
    task = stage.task()
    (task.folder / "events.jsonl").mkdir()
    result = await stage.run(stage.scripted("iterations: {2: [{say: hello}]}"), task)
    assert isinstance(result, Interrupted)


@pytest.mark.anyio
async def test_a_reader_that_fails_is_told_and_survived(stage: Stage) -> None:
    class Broken:
        def launch(self, task: AgentTask) -> Launch:
            return Launch(argv=("echo", "hello"), env=task.env)

        def reader(self, task: AgentTask) -> "Broken":
            return self

        def read(self, line: bytes) -> list[AnyAgentEvent]:
            raise KeyError(line)

        def look(self) -> list[AnyAgentEvent]:
            raise RuntimeError

        def close(self, exit_code: int | None, errors: str) -> list[AnyAgentEvent]:
            return [Answered(text="x")]

    result = await stage.run(Broken())
    assert isinstance(result, SessionResult)
    assert result.outcome == "crashed"
    assert "has no end" in result.detail
    assert any(isinstance(event, Trouble) and "hello" in event.text for event in stage.events)


@pytest.mark.anyio
async def test_a_listener_that_fails_is_a_defect_and_leaves_nothing(stage: Stage) -> None:
    def wrong(event: object) -> None:
        raise KeyError("a defect")

    agent = stage.scripted("iterations: {2: [{say: hello}, {hang: child}]}")
    with pytest.raises(BaseExceptionGroup) as caught:
        await stage.run(agent, on_event=wrong)
    assert caught.group_contains(KeyError)
    assert stage.alive() == []


@pytest.mark.anyio
async def test_an_agent_that_ends_by_a_signal_from_outside(stage: Stage) -> None:
    agent = stage.scripted("iterations: {2: [{run: 'echo $PPID > pid'}, {hang: true}]}")
    results: list[object] = []

    async def run() -> None:
        results.append(await stage.run(agent))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(30):
            while not (stage.tree / "pid").exists():
                await anyio.sleep(0.01)
        os.kill(pid_in(stage.tree / "pid"), signal.SIGTERM)
    assert isinstance(results[0], SessionResult)
    assert (results[0].outcome, results[0].detail) == ("crashed", "ended by signal 15")
