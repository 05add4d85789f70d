"""Facts: all that a report may say, each with the events that it comes from and how.

A figure in a report is a fact, or a part of one. Whoever doubts it takes the events that are named
beside it in the evidence, and the rule, and computes it again.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar, cast

import msgspec

from engine.core.duration import format_duration
from engine.core.event import Event
from engine.knowledge.wording import one_line

E_co = TypeVar("E_co", bound=Event, covariant=True)

Rule = Literal[
    "field",
    "count",
    "none",
    "distinct",
    "sum",
    "elapsed",
    "gain",
    "compound",
    "percent",
    "certainty",
    "rank",
    "label",
    "promoted",
    "seen",
]

RULES: Final[dict[Rule, str]] = {
    "field": "the field of the event as it stands there, rounded to the digits that are shown",
    "count": "how many events there are",
    "none": "no event between the two is of this kind",
    "distinct": "how many different values the field has in the events",
    "sum": "the sum of the fields",
    "elapsed": "the time from the first event to the second",
    "gain": "how much better the first value is than the second, in percent of the second; "
    "which is better is the metric's direction",
    "compound": "the gains of pairs of values (new, old, new, old ...), one upon the other, in "
    "percent",
    "percent": "the field in percent; of the second one's size, where there are two",
    "certainty": "100 % less the field in percent",
    "rank": "the place of the value among all that were measured, as the metric's direction has "
    "it; those that fail a hard gate or were demoted come after all others",
    "label": "what the events say together of how far a score was shown again (docs/integrity.md)",
    "promoted": "how many of the verdicts are promoted",
    "seen": "what lock and heartbeat of the run said when the report was made; no event",
}


class At(NamedTuple, Generic[E_co]):
    """An event, its number and its time."""

    seq: int
    time: str
    event: E_co


class Source(msgspec.Struct, frozen=True):
    """Events by their numbers, and the same field in each; without one the events themselves."""

    events: tuple[int, ...]
    field: str = ""


class Fact(msgspec.Struct, frozen=True):
    """A piece of text that is true of the run, by `rule` of `of`."""

    text: str
    rule: Rule
    of: tuple[Source, ...] = ()


class Quote(msgspec.Struct, frozen=True):
    """What an agent, a check or a person wrote: never a fact, and always in quotes."""

    text: str
    event: int
    field: str


_NAME_MOST: Final = 80
_QUOTE_MOST: Final = 240
_WORD: Final = re.compile(r"[a-z]+(?:[_ -][a-z]+)*")
_UNIT: Final = re.compile(r"[A-Za-z%µ°²³/·]{1,16}")


def code(text: str, most: int = _NAME_MOST) -> str:
    """Any text as a span of code: nothing in it is Markdown any more."""
    plain = one_line(text, most).replace("`", "'").replace("“", '"').replace("”", '"')
    return f"`{plain or ' '}`"


def quote(at: At[Event], field: str) -> Quote:
    """The text of a field, as a quotation on one line."""
    return Quote(f"“{code(str(dig(at, field)), _QUOTE_MOST)}”", at.seq, field)


def dig(at: At[Event], field: str) -> Any:
    """What lies at a dotted path in an event; None where nothing does."""
    if field in {"seq", "time"}:
        return getattr(at, field)
    return _dig(at.event, field)


def _dig(found: Any, path: str) -> Any:
    """A name may have dots of its own: it is tried as a whole first."""
    if not path or found is None:
        return found
    if isinstance(found, dict) and path in found:
        return cast("dict[str, Any]", found)[path]
    head, _, rest = path.partition(".")
    if isinstance(found, dict):
        return _dig(cast("dict[str, Any]", found).get(head), rest)
    if isinstance(found, list):
        items = cast("list[Any]", found)
        return _dig(items[int(head)] if int(head) < len(items) else None, rest)
    return _dig(getattr(found, head, None), rest)


def field(at: At[Event], path: str, text: str | None = None) -> Fact:
    """A field as it stands; strings as code."""
    return Fact(plain(dig(at, path)) if text is None else text, "field", (_one(at, path),))


def word(at: At[Event], path: str) -> Fact:
    """A field that holds one of the engine's own words."""
    found = str(dig(at, path))
    return field(at, path, found.replace("_", " ") if _WORD.fullmatch(found) else code(found))


def unit_of(at: At[Event]) -> Fact:
    """The metric's unit."""
    found = str(dig(at, "metric.unit"))
    return field(at, "metric.unit", found if _UNIT.fullmatch(found) else code(found))


def plain(found: object, digits: int = 6) -> str:
    """A field's value as text."""
    match found:
        case bool():
            return str(found).lower()
        case int():
            return f"{found:,}"
        case float():
            return number(found, digits)
        case _:
            return code(str(found))


def number(value: float, digits: int = 6) -> str:
    """A measured value to some significant digits."""
    return f"{value:.{digits}g}"


def count(events: Sequence[At[Event]]) -> Fact:
    """How many events there are."""
    return Fact(f"{len(events):,}", "count", (Source(tuple(at.seq for at in events)),))


def none(first: At[Event], last: At[Event], what: str, text: str = "No") -> Fact:
    """That nothing is there: `what` names the kind of event that was looked for."""
    return Fact(text, "none", (Source((first.seq, last.seq), what),))


def count_of(events: Sequence[At[Event]], nothing: Fact) -> Fact:
    """How many events there are; where there are none, the fact that says so."""
    return count(events) if events else nothing


def promoted(verdicts: Sequence[At[Event]]) -> Fact:
    """How many of the verdicts made a champion."""
    won = sum(dig(at, "verdict") == "promoted" for at in verdicts)
    return Fact(f"{won:,}", "promoted", (Source(tuple(at.seq for at in verdicts), "verdict"),))


def distinct(events: Sequence[At[Event]], path: str) -> Fact:
    """How many different values a field has."""
    values = {repr(dig(at, path)) for at in events}
    return Fact(f"{len(values):,}", "distinct", (Source(tuple(at.seq for at in events), path),))


def total(parts: Sequence[tuple[Sequence[At[Event]], str]]) -> tuple[float, tuple[Source, ...]]:
    """The sum of fields, each of some events, and where it comes from."""
    whole = sum(dig(at, path) or 0 for events, path in parts for at in events)
    return whole, tuple(Source(tuple(at.seq for at in ats), path) for ats, path in parts if ats)


def total_s(parts: Sequence[tuple[Sequence[At[Event]], str]]) -> Fact:
    """The sum of durations."""
    whole, of = total(parts)
    return Fact(seconds(whole), "sum", of)


def total_count(parts: Sequence[tuple[Sequence[At[Event]], str]]) -> Fact:
    """The sum of whole numbers."""
    whole, of = total(parts)
    return Fact(f"{round(whole):,}", "sum", of)


def total_usd(events: Sequence[At[Event]]) -> Fact:
    """The sum of what calls have cost, in dollars."""
    whole, of = total([(events, "cost_usd")])
    return Fact(f"{whole:.2f} USD" if whole >= 1 else f"{whole:.2g} USD", "sum", of)


def elapsed(first: At[Event], last: At[Event], between_s: float) -> Fact:
    """How long it took from one event to another."""
    return Fact(seconds(between_s), "elapsed", (_one(first, "time"), _one(last, "time")))


def seconds(duration_s: float) -> str:
    """A duration: to the second from a minute on."""
    if duration_s >= 60:
        return format_duration(round(duration_s))
    return f"{duration_s:.2g} s" if duration_s < 10 else f"{duration_s:.0f} s"


def certainty(at: At[Event], path: str) -> Fact:
    """How certain something is that is wrong with the chance in the field."""
    return Fact(f"{100 * (1 - dig(at, path)):g} %", "certainty", (_one(at, path),))


def percent_text(share: float) -> str:
    """A share in percent, with its sign, to three significant digits."""
    return f"{100 * share:+.3g} %"


def _one(at: At[Event], path: str) -> Source:
    return Source((at.seq,), path)
