"""Reads a report again, as a sceptic would: every figure of its pages is found in the events.

Nothing of the program's own reading is used here: events are what `events --json` prints, the pages
are their text, and each rule is computed once more.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
FAILED = {
    "infra", "flaky", "compile", "refused", "incorrect", "timeout", "no_change", "invalid",
    "infeasible",
}  # fmt: skip
NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
UNITS_S = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
WORDS = {
    "lower": "min",
    "higher": "max",
    "exact": "none",
    "score can be forged": True,
    "measured again at the end": "end",
    "measured beside the baseline": "baseline",
}


def check_report(pages: Mapping[str, str], events: Sequence[Json]) -> int:
    """How many facts were found again; fails at the first that is not.

    Args:
        pages: the Markdown pages and the evidence, by their names.
        events: of the run, from the first one on.
    """
    evidence = json.loads(pages["final_evidence.json"])
    by_seq = {event["seq"]: event for event in events}
    reader = _Reader(by_seq)
    for sentence in evidence["sentences"]:
        _says_nothing_else(sentence)
        for fact in sentence["facts"]:
            reader.check(fact)
        for quoted in sentence["quotes"]:
            reader.check_quote(quoted)
    for name, text in pages.items():
        if name.endswith(".md"):
            told = [each for each in evidence["sentences"] if each["page"] == name]
            _nothing_is_left(name, text, told)
    for figure in evidence["figures"]:
        reader.check_figure(figure)
    return sum(len(each["facts"]) for each in evidence["sentences"])


def _says_nothing_else(sentence: Json) -> None:
    """A sentence has no figure but those of its facts and quotations."""
    left = sentence["text"]
    parts = [part["text"] for part in (*sentence["facts"], *sentence["quotes"])]
    for part in sorted(parts, key=len, reverse=True):
        shown = part if part in left else part.replace("|", "\\|")
        assert shown in left, (part, sentence["text"])
        left = left.replace(shown, "", 1)
    assert not re.search(r"\d", left), (left, sentence["text"])


def _nothing_is_left(name: str, text: str, told: Sequence[Json]) -> None:
    """A page has no figure but those of its sentences."""
    for sentence in sorted(told, key=lambda each: len(each["text"]), reverse=True):
        assert sentence["text"] in text, (name, sentence["text"])
        text = text.replace(sentence["text"], "", 1)
    assert not re.search(r"\d", text), (name, text)


class _Reader:
    """Finds facts in the events of a run."""

    def __init__(self, events: Mapping[int, Json]) -> None:
        self._events = events
        changed = [each for each in events.values() if each["type"] == "CampaignChangeAccepted"]
        self.metric = (changed or [events[1]])[-1]["metric"]
        self._rules: dict[str, Callable[[str, Json], None]] = {
            "field": self._field,
            "count": self._count,
            "none": self._none,
            "distinct": self._distinct,
            "sum": self._sum,
            "elapsed": self._elapsed,
            "gain": self._gain,
            "compound": self._gain,
            "percent": self._percent,
            "certainty": self._certainty,
            "promoted": self._promoted,
            "rank": self._rank,
            "label": self._label,
            "seen": self._seen,
        }

    def check(self, fact: Json) -> None:
        """Fails unless the events say so."""
        for source in fact["of"]:
            assert source["events"], fact
            assert all(seq in self._events for seq in source["events"]), fact
        self._rules[fact["rule"]](fact["text"], fact)

    def check_quote(self, quoted: Json) -> None:
        """Fails unless the words are the event's, and cannot be taken for anything else."""
        text = quoted["text"]
        assert re.fullmatch(r"“`[^`“”\n]*`”", text), text
        if quoted["field"]:
            said = _letters(str(self.look(quoted["event"], quoted["field"])))
            assert said.startswith(_letters(text)), quoted

    def check_figure(self, figure: Json) -> None:
        """Fails unless the points of a figure are values of their events, or sums up to them."""
        for series in figure["series"]:
            for point in series["points"]:
                event = self._events[point["event"]]
                if figure["name"] != "spend" and series["name"] not in {"failed", "champion"}:
                    values = [event.get(name) for name in ("value", "now")]
                    assert point["y"] in values, (figure["name"], series["name"], point)

    def look(self, seq: int, path: str) -> Any:
        """What stands at a dotted path of an event."""
        found: Any = self._events[seq]
        while path:
            if isinstance(found, dict) and path in found:
                return found[path]
            head, _, path = path.partition(".")
            found = found[int(head)] if isinstance(found, list) else found[head]
        return found

    def _all(self, fact: Json) -> list[Any]:
        return [
            self.look(seq, source["field"]) for source in fact["of"] for seq in source["events"]
        ]

    def _field(self, text: str, fact: Json) -> None:
        (source,) = fact["of"]
        (seq,) = source["events"]
        value = self.look(seq, source["field"])
        if source["field"] == "time":
            assert text.removesuffix(" UTC").replace(" ", "T") == value[:19], fact
        elif text.startswith("`"):
            shown = _letters(text)
            bare = _letters(str(value))
            last = _letters(source["field"].rpartition(".")[2]) + bare
            in_whole = _letters(source["field"].partition(".")[2]) + bare
            named = _letters(source["field"].rpartition(".")[2])
            whole = _letters(source["field"].partition(".")[2])
            assert shown in {bare[: len(shown)], last, in_whole, named, whole}, fact
        elif text in WORDS:
            assert value == WORDS[text], fact
        elif isinstance(value, bool) or not isinstance(value, int | float):
            assert _letters(text) in _letters(str(value)), fact
        else:
            assert_close(text, value, fact)

    def _count(self, text: str, fact: Json) -> None:
        (source,) = fact["of"]
        assert len(set(source["events"])) == len(source["events"]), fact
        assert int(text.replace(",", "")) == len(source["events"]), fact

    def _none(self, text: str, fact: Json) -> None:
        (source,) = fact["of"]
        first, last = source["events"]
        kind, _, which = source["field"].partition(", ")
        for seq in range(first, last + 1):
            event = self._events[seq]
            if event["type"] in kind.split(" or "):
                assert not _is(event, which), (fact, event)

    def _distinct(self, text: str, fact: Json) -> None:
        assert int(text.replace(",", "")) == len({repr(each) for each in self._all(fact)}), fact

    def _sum(self, text: str, fact: Json) -> None:
        assert_close(text, math.fsum(each or 0 for each in self._all(fact)), fact)

    def _elapsed(self, text: str, fact: Json) -> None:
        first, last = (datetime.fromisoformat(each) for each in self._all(fact))
        assert_close(text, (last - first).total_seconds(), fact)

    def _gain(self, text: str, fact: Json) -> None:
        values = self._all(fact)
        whole = 1.0
        for new, old in zip(values[::2], values[1::2], strict=True):
            better = old - new if self.metric["direction"] == "min" else new - old
            whole *= 1 + better / abs(old)
        assert_close(text, 100 * (whole - 1), fact)

    def _percent(self, text: str, fact: Json) -> None:
        part, *whole = self._all(fact)
        assert_close(text, 100 * part / (abs(whole[0]) if whole else 1), fact)

    def _certainty(self, text: str, fact: Json) -> None:
        (error,) = self._all(fact)
        assert_close(text, 100 * (1 - error), fact)

    def _promoted(self, text: str, fact: Json) -> None:
        assert int(text) == sum(each == "promoted" for each in self._all(fact)), fact

    def _rank(self, text: str, fact: Json) -> None:
        """So many have a better value, or the same and an earlier iteration, and a right to it."""
        (source,) = fact["of"]
        (seq,) = source["events"]
        mine = self._events[seq]["candidate"]
        standing = self._standing()
        assert int(text) == 1 + sum(each < standing[mine] for each in standing.values()), fact

    def _standing(self) -> dict[str, tuple[bool, float, int]]:
        """Where each candidate with a score stands; a smaller one is better."""
        sign = 1 if self.metric["direction"] == "min" else -1
        found: dict[str, tuple[bool, float, int]] = {}
        for event in self._events.values():
            name = event["candidate"]
            if event["type"] == "VerdictReached" and event["value"] is not None:
                last = event["verdict"] == "infeasible"
                found[name] = (last, sign * event["value"], event["iteration"])
            elif event["type"] == "ChampionMeasured":
                found[name] = (found[name][0], sign * event["now"], found[name][2])
            elif event["type"] == "ChampionDemoted":
                found[name] = (True, *found[name][1:])
        return found

    def _label(self, text: str, fact: Json) -> None:
        (source,) = fact["of"]
        events = [self._events[seq] for seq in source["events"]]
        again = [e for e in events if e["type"] == "ChampionMeasured" and not e["changed"]]
        held = [e for e in events if e["type"] == "RecheckEnded" and e["outcome"] == "held"]
        if text == "replicated":
            assert again or held, fact
        elif text == "stable":
            assert any(e["purpose"] == "confirm" for e in held), fact
        else:
            assert text == "exploratory", fact

    def _seen(self, text: str, fact: Json) -> None:
        assert not fact["of"], fact
        assert not re.search(r"\d", text), fact


def _is(event: Json, which: str) -> bool:
    """Whether an event is of the kind that is said not to be there."""
    if not which:
        return True
    if which.startswith("at the end, of "):
        return event["purpose"] == "end" and event["candidate"] == which.rpartition(" ")[2]
    if which == "follows a review":
        return any(each.startswith("r-") for each in (event["answer"] or {}).get("follows", []))
    if which == "with an opinion":
        return event["opinion"] is not None
    if which == "failed":
        return event["verdict"] in FAILED
    assert which == "promoted", which
    return event["verdict"] == which


def assert_close(text: str, value: float, fact: Json) -> None:
    """Fails unless the text is the value, rounded to the digits that it shows."""
    if not math.isfinite(value):
        assert text == str(value), fact
        return
    if duration := re.fullmatch(r"(?:[\d.]+[dhms])+|[\d.e+-]+ s", text):
        parts = re.findall(r"([\d.]+(?:e[+-]?\d+)?) ?([dhms])", duration[0])
        shown = sum(float(amount) * UNITS_S[unit] for amount, unit in parts)
        digits = parts[-1][0]
    else:
        found = NUMBER.search(text)
        assert found, fact
        digits = found[0].replace(",", "")
        shown = float(digits)
    step = 10.0 ** int(Decimal(digits).as_tuple().exponent)
    assert abs(shown - value) <= 0.5 * step + 1e-9 * abs(value), (shown, value, fact)


def _letters(text: str) -> str:
    """The text without all that only sets it off."""
    return re.sub(r"[^\w.+-]+|_|…", "", text).casefold()
