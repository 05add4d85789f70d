"""The program that speaks with an ACP agent: it starts it, prompts it once, tells what it does.

It is started like every agent's program, in the tree, with the prompt as its standard input, and
prints our own events as JSON lines. The words after `--` start the agent.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Final, cast

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import Process

from engine.agents import asking
from engine.agents.acp_files import read_file, write_file
from engine.agents.acp_json import Json, text
from engine.agents.acp_permissions import Policy, outcome, question, verdict
from engine.agents.acp_session import Session, failure
from engine.agents.acp_updates import Updates
from engine.agents.acp_wire import METHOD_NOT_FOUND, PeerError, Wire
from engine.agents.protocol import AnyAgentEvent, Asks, Ended, FileChanged, Trouble
from engine.core.duration import parse_duration

_GRACE_S: Final = 2.0
_DRAIN_S: Final = 0.5
_WAIT_S: Final = 60.0


def main() -> int:
    """Let the agent that is named on the command line work on the prompt."""
    options = _options(sys.argv[1:])
    prompt = sys.stdin.buffer.read().decode(errors="replace")
    return anyio.run(Bridge(options, Path.cwd()).run, prompt)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says; `wait_s` is how long a person is waited for."""

    command: tuple[str, ...]
    permissions: Policy = "ask"
    wait_s: float = _WAIT_S
    model: str = ""
    effort: str = ""


def _options(words: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="acp", allow_abbrev=False)
    parser.add_argument("--permissions", choices=("ask", "allow", "refuse"), default="ask")
    parser.add_argument("--wait", type=parse_duration, default=_WAIT_S)
    parser.add_argument("--model", default="")
    parser.add_argument("--effort", default="")
    parser.add_argument("command", nargs="+")
    found = parser.parse_args(words)
    return Options(
        command=tuple(found.command),
        permissions=cast("Policy", found.permissions),
        wait_s=found.wait,
        model=found.model,
        effort=found.effort,
    )


def tell(*events: AnyAgentEvent) -> None:
    """Print events."""
    for event in events:
        sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
    sys.stdout.buffer.flush()


class Bridge:
    """One run of one agent.

    Args:
        options: what to start, and what it may do.
        tree: where it works.
    """

    def __init__(self, options: Options, tree: Path) -> None:
        self._options = options
        self._tree = tree
        self._updates = Updates()
        self._questions = 0

    async def run(self, prompt: str) -> int:
        """Let it work; the exit status."""
        try:
            process = await anyio.open_process(
                self._options.command, stderr=None, cwd=self._tree, env=_env_of_agent()
            )
        except OSError as error:
            tell(Ended(outcome="crashed", detail=f"it cannot be started: {error}"))
            return 1
        ended = await self._attend(process, prompt)
        tell(ended)
        return 0 if ended.outcome == "answered" else 1

    async def _attend(self, process: Process, prompt: str) -> Ended:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        wire = Wire(
            process.stdout,
            process.stdin,
            on_request=self._request,
            on_notice=self._notice,
            on_garbage=lambda words: tell(Trouble(text=words)),
        )
        session = Session(wire, self._tree, self._updates, tell)
        ended, gone = Ended(outcome="crashed", detail="it was cut off"), None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wire.listen)
            tasks.start_soon(_close_when_gone, process, wire)
            tasks.start_soon(self._cancel_when_told, session)
            try:
                ended = await session.run(prompt, self._options.model, self._options.effort)
            except PeerError as error:
                ended = failure(error, session)
            gone = await _end(process)
            tell(*self._updates.flush())
            tasks.cancel_scope.cancel()
        return _with_status(ended, gone)

    async def _cancel_when_told(self, session: Session) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                await session.cancel()

    def _notice(self, method: str, params: Json) -> None:
        update = params.get("update")
        if method == "session/update" and isinstance(update, dict):
            tell(*self._updates.read(cast("Json", update)))

    async def _request(self, method: str, params: Json) -> Json:
        match method:
            case "session/request_permission":
                return outcome(params, approved=await self._permitted(params))
            case "fs/read_text_file":
                return await anyio.to_thread.run_sync(read_file, self._tree, params)
            case "fs/write_text_file":
                fresh = await anyio.to_thread.run_sync(write_file, self._tree, params)
                kind = "add" if fresh else "update"
                tell(FileChanged(path=text(params, "path"), kind=kind))
                return {}
            case _:
                raise PeerError(f"there is no method {method[:100]}", METHOD_NOT_FOUND)

    async def _permitted(self, params: Json) -> bool:
        tell(*self._updates.flush())
        decided = verdict(self._options.permissions, self._tree, params)
        if decided != "ask":
            if decided == "refuse":
                tell(Trouble(text=f"refused: {question(params)}"))
            return decided == "allow"
        self._questions += 1
        asks = Asks(id=f"p-{self._questions}", text=question(params), wait_s=self._options.wait_s)
        tell(asks)
        return await anyio.to_thread.run_sync(
            asking.wait_answer, asking.answers_folder(), asks, abandon_on_cancel=True
        )


def _env_of_agent() -> dict[str, str]:
    """The variables of the agent: it need not know where its permissions are looked up."""
    hidden = asking.ANSWERS_VARIABLE
    return {name: value for name, value in os.environ.items() if name != hidden}


async def _close_when_gone(process: Process, wire: Wire) -> None:
    """A child that it left behind may hold its end of the pipe open."""
    await process.wait()
    await anyio.sleep(_DRAIN_S)
    wire.close()


async def _end(process: Process) -> int | None:
    """End the agent; its exit status where it had ended by itself."""
    assert process.stdin is not None  # noqa: S101  (it is a pipe)
    await process.stdin.aclose()
    with anyio.move_on_after(_GRACE_S):
        return await process.wait()
    process.terminate()
    with anyio.move_on_after(_GRACE_S):
        await process.wait()
        return None
    process.kill()
    await process.wait()
    return None


def _with_status(ended: Ended, status: int | None) -> Ended:
    if ended.outcome != "crashed" or not status:
        return ended
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    return msgspec.structs.replace(ended, detail=f"{ended.detail}; it ended with {how}")


if __name__ == "__main__":
    sys.exit(main())
