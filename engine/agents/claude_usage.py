"""What claude's model calls use: call by call from its stream, and in all from its result."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from engine.agents.protocol import Spent
from engine.core.parts import Tokens

Json = Mapping[str, Any]


class Account:
    """Adds up calls as they end, so that they come to what the result says, exactly.

    Args:
        model: the model where a call does not name it.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._open: dict[str, Spent] = {}
        self._current = ""
        self._told: dict[str, Tokens] = {}

    def streamed(self, event: Json, call: str) -> Iterator[Spent]:
        """What a call used, once it has ended; `call` is its id, where the line has it."""
        match event.get("type"):
            case "message_start":
                message = _part(event, "message")
                self._current = str(message.get("id", ""))
                model = str(message.get("model") or self._model)
                tokens = _streamed(_part(message, "usage"))
                self._open[self._current] = Spent(tokens=tokens, model=model)
            case "message_delta" if "usage" in event:
                begun = self._open.pop(call, None) or self._open.pop(self._current, None)
                begun = begun or Spent(tokens=Tokens(), model=self._model)
                ended = _streamed(_part(event, "usage"))
                # The end of a call may leave out what its begin has said of the input.
                yield from self._tell(begun.model, ended if ended.input else _joined(begun, ended))
            case "message_stop" if (cut := self._open.pop(call or self._current, None)) is not None:
                yield from self._tell(cut.model, cut.tokens)
            case _:
                return

    def rest(self) -> Iterator[Spent]:
        """What is known of calls that were cut off."""
        begun, self._open = list(self._open.values()), {}
        for spent in begun:
            yield from self._tell(spent.model, spent.tokens)

    def settle(self, totals: Json) -> Iterator[Spent]:
        """What the totals of the result have beyond what was told, by model."""
        self._open.clear()  # calls that were cut off are in the totals
        told, self._told = dict(self._told), {}
        by_model = {model: _total(_part(totals, model)) for model in totals}
        # By model, but no more than is missing in all: a model may go by two names.
        missing = _less(_sum(by_model), _sum(told))
        for model, total in by_model.items():
            own = _least(_less(total, told.get(model, Tokens())), missing)
            missing = _less(missing, own)
            if own != Tokens():
                yield Spent(tokens=own, model=model)

    def _tell(self, model: str, tokens: Tokens) -> Iterator[Spent]:
        if tokens != Tokens():
            self._told[model] = self._told.get(model, Tokens()).plus(tokens)
            yield Spent(tokens=tokens, model=model)


def _streamed(usage: Json) -> Tokens:
    written = _number(usage, "cache_creation_input_tokens")
    cached = _number(usage, "cache_read_input_tokens")
    details = _part(usage, "output_tokens_details")
    return Tokens(
        input=_number(usage, "input_tokens") + written + cached,
        cached_input=cached,
        cache_write=written,
        output=_number(usage, "output_tokens"),
        reasoning=_number(details, "thinking_tokens"),
    )


def _joined(begun: Spent, ended: Tokens) -> Tokens:
    start = begun.tokens
    return Tokens(
        input=start.input,
        cached_input=start.cached_input,
        cache_write=start.cache_write,
        output=ended.output,
        reasoning=ended.reasoning,
    )


def _total(usage: Json) -> Tokens:
    written = _number(usage, "cacheCreationInputTokens")
    cached = _number(usage, "cacheReadInputTokens")
    return Tokens(
        input=_number(usage, "inputTokens") + written + cached,
        cached_input=cached,
        cache_write=written,
        output=_number(usage, "outputTokens"),
        reasoning=_number(usage, "thinkingTokens"),
    )


def _sum(parts: Mapping[str, Tokens]) -> Tokens:
    total = Tokens()
    for tokens in parts.values():
        total = total.plus(tokens)
    return total


def _less(one: Tokens, other: Tokens) -> Tokens:
    """The first without the second, and never less than nothing."""
    return _each(one, other, lambda a, b: max(0, a - b))


def _least(one: Tokens, other: Tokens) -> Tokens:
    return _each(one, other, min)


def _each(one: Tokens, other: Tokens, join: Callable[[int, int], int]) -> Tokens:
    return Tokens(
        input=join(one.input, other.input),
        cached_input=join(one.cached_input, other.cached_input),
        cache_write=join(one.cache_write, other.cache_write),
        output=join(one.output, other.output),
        reasoning=join(one.reasoning, other.reasoning),
    )


def _part(event: Json, name: str) -> Json:
    part = event.get(name)
    return cast("dict[str, Any]", part) if isinstance(part, dict) else {}


def _number(usage: Json, name: str) -> int:
    value = usage.get(name, 0)
    return value if isinstance(value, int) and value > 0 else 0
