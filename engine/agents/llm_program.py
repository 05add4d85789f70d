"""The program of the agent llm: one call of a model, told as events in JSON lines.

It is started like every agent's program: the prompt is its standard input, and its answer is an
`answered` event. What went wrong is an `ended` event in the words that are the same for all agents;
nothing is tried again here, the engine does that. Its exit status is 0 with an answer, else 1.
"""

import argparse
import asyncio
import importlib
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from engine.agents.answers import structured_in
from engine.agents.llm import LIBRARY, command_to_install, name_of
from engine.agents.llm_failures import ended_by
from engine.agents.protocol import (
    Answered,
    AnyAgentEvent,
    Began,
    Ended,
    Message,
    Reasoning,
    Spent,
    ToolFinished,
    ToolStarted,
)
from engine.core.parts import Tokens

ANSWER_TOOL: Final = "StructuredOutput"
SERVICES: Final = {
    "openai": ("openai", "OpenAIResponsesModel", "OpenAIProvider", "openai_client", "AsyncOpenAI"),
    "openai-chat": ("openai", "OpenAIChatModel", "OpenAIProvider", "openai_client", "AsyncOpenAI"),
    "anthropic": (
        "anthropic", "AnthropicModel", "AnthropicProvider", "anthropic_client", "AsyncAnthropic",
    ),
}  # fmt: skip
"""By the word before a model's name: the library's parts that speak to its service."""

_OUTPUT_TOKENS: Final = 16_000


def main(words: list[str] | None = None) -> int:
    """Ask the model that the command line names."""
    parser = argparse.ArgumentParser(prog="llm")
    parser.add_argument("--model", required=True)
    parser.add_argument("--schema", type=Path)
    parser.add_argument("--effort")
    parser.add_argument("--max-tokens", type=int, default=_OUTPUT_TOKENS)
    parser.add_argument("--web-search", action="store_true")
    given = parser.parse_args(words)
    prompt = sys.stdin.buffer.read().decode(errors="replace")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    try:
        model = _model(given.model)
        _tell(Began(model=name_of(given.model)))
        return asyncio.run(_ask(model, prompt, given))
    except ImportError as error:
        detail = f"{LIBRARY} cannot be imported ({error}): {command_to_install()}"
        _tell(Ended(outcome="crashed", detail=detail))
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told as an end)
        _tell(ended_by(error, time.time()))
    return 1


def _model(named: str) -> Any:
    """The library's model; its client tries nothing again by itself.

    Raises:
        ValueError: the service is not known.
    """
    service, _, name = named.partition(":")
    if service not in SERVICES or not name:
        raise ValueError(f"{named}: write {', '.join(f'{each}:NAME' for each in SERVICES)}")
    module, model, provider, argument, client = SERVICES[service]
    made = getattr(importlib.import_module(module), client)(max_retries=0)
    providers = importlib.import_module(f"{LIBRARY}.providers.{module}")
    models = importlib.import_module(f"{LIBRARY}.models.{module}")
    return getattr(models, model)(name, provider=getattr(providers, provider)(**{argument: made}))


async def _ask(model: Any, prompt: str, given: argparse.Namespace) -> int:
    """Tell what comes as it comes, then what it cost, and the answer."""
    library = importlib.import_module(LIBRARY)
    settings: dict[str, Any] = {"max_tokens": given.max_tokens}
    if given.effort:
        settings["thinking"] = given.effort
    stream = importlib.import_module(f"{LIBRARY}.direct").model_request_stream(
        model,
        [library.ModelRequest.user_text_prompt(prompt)],
        model_settings=settings,
        model_request_parameters=_wanted(library, given),
    )
    told: Any = None
    response: Any = None
    try:
        async with stream as told:
            async for event in _events(told):
                _tell(event)
            response = told.get()
    finally:
        # Of a call that broke off a service may not have said what it cost: no figure is a zero.
        if told is not None and (tokens := _tokens(told.usage)).total:
            _tell(Spent(tokens=tokens, model=name_of(given.model)))
    if response.finish_reason is None:
        _tell(Ended(outcome="unreachable", detail="the stream broke off before its end"))
        return 1
    answer = _answer(response)
    if not answer.text:
        _tell(Ended(outcome="crashed", detail="the model's answer is empty"))
        return 1
    _tell(answer)
    return 0


def _wanted(library: Any, given: argparse.Namespace) -> Any:
    """What the answer may be: text, or the arguments of a tool whose schema is the answer's.

    The tool is offered, not forced: some models that think cannot be made to use one, and what an
    answer is worth the engine finds out by itself.
    """
    parameters = importlib.import_module(f"{LIBRARY}.models").ModelRequestParameters
    found: dict[str, Any] = {"allow_text_output": True}
    if given.schema is not None:
        tools = importlib.import_module(f"{LIBRARY}.tools")
        schema = msgspec.json.decode(given.schema.read_bytes(), type=dict[str, Any])
        tool = tools.ToolDefinition(
            name=ANSWER_TOOL,
            parameters_json_schema=schema,
            description="Give the final answer in the form that the prompt asks for.",
            kind="output",
            strict=False,
        )
        found |= {"output_mode": "tool", "output_tools": [tool]}
    if given.web_search:
        found["native_tools"] = [library.WebSearchTool()]
    return parameters(**found)


async def _events(stream: AsyncIterator[Any]) -> AsyncIterator[AnyAgentEvent]:
    """Parts that are whole, in our words."""
    async for event in stream:
        part: Any = getattr(event, "part", None)
        if event.event_kind != "part_end":
            continue
        match part.part_kind:
            case "thinking" if part.content:
                yield Reasoning(text=part.content)
            case "text" if part.content:
                yield Message(text=part.content)
            case "builtin-tool-call" | "native-tool-call":
                text = msgspec.json.encode(part.args).decode() if part.args else ""
                yield ToolStarted(id=part.tool_call_id, tool=part.tool_name, text=text)
            case "builtin-tool-return" | "native-tool-return":
                yield ToolFinished(id=part.tool_call_id, ok=True)
            case _:
                pass


def _answer(response: Any) -> Answered:
    """The arguments of the answer's tool where it was used, else the text."""
    texts: list[str] = []
    for part in response.parts:
        if part.part_kind == "tool-call" and part.tool_name == ANSWER_TOOL:
            text = msgspec.json.encode(_arguments(part)).decode()
            return Answered(text=text, structured=text)
        if part.part_kind == "text":
            texts.append(part.content)
    text = "".join(texts).strip()
    return Answered(text=text, structured=structured_in(text))


def _arguments(part: Any) -> Mapping[str, Any]:
    if isinstance(part.args, str):
        try:
            return msgspec.json.decode(part.args, type=dict[str, Any])
        except msgspec.MsgspecError:
            return {}
    return cast("Mapping[str, Any]", part.args or {})


def _tokens(usage: Any) -> Tokens:
    """The library counts what was cached within the input, as we do."""
    details: Mapping[str, int] = usage.details or {}
    thought = details.get("reasoning_tokens") or details.get("thinking_tokens") or 0
    return Tokens(
        input=usage.input_tokens or 0,
        cached_input=usage.cache_read_tokens or 0,
        cache_write=usage.cache_write_tokens or 0,
        output=usage.output_tokens or 0,
        reasoning=thought,
    )


def _tell(event: AnyAgentEvent) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
