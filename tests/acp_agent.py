"""A program that speaks the agent's side of ACP, made with the protocol's own library.

It plays the steps of a JSON file, which is named on its command line; each is a list of a name and
values.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import acp
from acp import schema


class Played:
    """Plays steps; see `_play`."""

    def __init__(self, steps: list[list[Any]]) -> None:
        self._steps = steps
        self._client: Any = None
        self._session = "session-1"
        self._cwd = ""
        self._cancelled = asyncio.Event()
        self._usage: schema.Usage | None = None

    def on_connect(self, conn: Any) -> None:
        self._client = conn

    def _first(self, name: str) -> list[Any]:
        return next((values for kind, *values in self._steps if kind == name), [])

    async def initialize(self, protocol_version: int, **more: Any) -> schema.InitializeResponse:
        assert more["client_capabilities"].fs.write_text_file
        (spoken,) = self._first("version") or [protocol_version]
        method = schema.AuthMethodAgent(id="login", name="Log in with a browser")
        return schema.InitializeResponse(protocol_version=spoken, auth_methods=[method])

    async def new_session(self, cwd: str, **more: Any) -> schema.NewSessionResponse:
        if ["login"] in self._steps:
            raise acp.RequestError.auth_required()
        self._cwd = cwd
        offered = [
            schema.SessionConfigSelectOption(value=each, name=each) for each in ("small", "large")
        ]
        option = schema.SessionConfigOptionSelect(
            id="m", name="Model", category="model", type="select",
            current_value="small", options=offered,
        )  # fmt: skip
        return schema.NewSessionResponse(session_id=self._session, config_options=[option])

    async def set_config_option(self, config_id: str, value: str, **more: Any) -> Any:
        await self._say(f"{config_id} is {value}. ")
        return schema.SetSessionConfigOptionResponse(config_options=[])

    async def prompt(self, prompt: list[Any], **more: Any) -> schema.PromptResponse:
        reason: Any = "end_turn"
        for kind, *values in self._steps:
            reason = await self._play(kind, values, prompt[0].text) or reason
        return schema.PromptResponse(stop_reason=reason, usage=self._usage)

    async def cancel(self, session_id: str, **more: Any) -> None:
        self._cancelled.set()

    async def _play(  # noqa: C901
        self, kind: str, values: list[Any], prompt: str
    ) -> str | None:
        match kind, values:
            case "say", [text]:
                await self._say(text.replace("PROMPT", prompt))
            case "think", [text]:
                await self._update(acp.update_agent_thought_text(text))
            case "tool", [command, output, status]:
                await self._tool(command, output, status)
            case "edit", [path, text]:
                await self._edit(path, text)
            case "write", [path, text]:
                await self._file(self._client.write_text_file, path=path, content=text)
            case "read", [path]:
                await self._file(self._client.read_text_file, path=path)
            case "permit", [command]:
                await self._permit(command)
            case "cost", [usd, currency]:
                cost = schema.Cost(amount=usd, currency=currency)
                update = schema.UsageUpdate(
                    session_update="usage_update", used=10, size=100, cost=cost
                )
                await self._update(update)
            case "usage", [numbers]:
                self._usage = schema.Usage.model_validate(numbers)
            case "stop", [reason]:
                return reason
            case "fail", [code, message]:
                raise acp.RequestError(code, message)
            case "run", [command]:
                words = ["/bin/sh", "-c", command]
                done = subprocess.run(words, cwd=self._cwd, capture_output=True, check=False)
                await self._tool(command, done.stdout.decode(), "completed")
            case "child", []:
                subprocess.Popen(["sleep", "1000"])
            case "errors", [text]:
                print(text, file=sys.stderr, flush=True)
            case "die", [status]:
                os._exit(status)
            case "hang", []:
                await asyncio.sleep(1000)
            case "until_cancelled", []:
                await self._tool("until_cancelled", "", "completed")
                await self._cancelled.wait()
                return "cancelled"
            case _:
                pass
        return None

    async def _update(self, update: Any) -> None:
        await self._client.session_update(session_id=self._session, update=update)

    async def _say(self, text: str) -> None:
        for start in range(0, len(text), 5):
            await self._update(acp.update_agent_message_text(text[start : start + 5]))

    async def _tool(self, command: str, output: str, status: Any) -> None:
        name, content = f"call-{command}", [acp.tool_content(acp.text_block(output))]
        await self._update(
            acp.start_tool_call(name, "Run", kind="execute", raw_input={"command": command})
        )
        await self._update(acp.update_tool_call(name, status="in_progress", content=content))
        await self._update(acp.update_tool_call(name, status=status, content=content))

    async def _edit(self, path: str, text: str) -> None:
        full = Path(self._cwd, path)
        old = full.read_text() if full.exists() else None
        full.write_text(text)
        await self._update(
            acp.start_tool_call(
                f"edit-{path}", "Edit", kind="edit", status="completed",
                content=[acp.tool_diff_content(str(full), text, old)],
            )
        )  # fmt: skip

    async def _file(self, call: Any, **given: Any) -> None:
        try:
            done = await call(session_id=self._session, **given)
        except acp.RequestError as error:
            await self._say(f"[{error}]")
        else:
            await self._say(f"[{getattr(done, 'content', 'written')}]")

    async def _permit(self, command: str) -> None:
        options = [
            schema.PermissionOption(option_id=kind, name=kind, kind=kind)
            for kind in ("allow_always", "allow_once", "reject_once")
        ]
        call = schema.ToolCallUpdate(
            tool_call_id="p", title="Run it", kind="execute", raw_input={"command": command}
        )
        done = await self._client.request_permission(
            session_id=self._session, tool_call=call, options=options
        )
        await self._say(f"[{getattr(done.outcome, 'option_id', done.outcome.outcome)}]")


if __name__ == "__main__":
    asyncio.run(acp.run_agent(Played(json.loads(Path(sys.argv[1]).read_text()))))
