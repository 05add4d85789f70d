"""Whether a receipt holds: its own hash, what the journal says, what follows from its numbers."""

import math
from typing import Any, Final, cast

import msgspec

from engine.core.claims import disputed
from engine.core.events import CheckFinished
from engine.core.pairs.decided import Pair
from engine.core.pairs.decision import decide
from engine.core.verdicts import compared, metrics_of
from engine.reports.receipt import HASH, Receipt, failed_last, self_hash

_LONGEST: Final = 80


class Unreadable(msgspec.Struct, frozen=True):
    """Why the text is no receipt of this version."""

    what: str


def read(text: bytes) -> dict[str, Any] | Unreadable:
    """The receipt in a file's text, as plain data."""
    try:
        data = msgspec.json.decode(text, type=dict[str, Any])
        msgspec.convert(data, Receipt)
    except (msgspec.DecodeError, RecursionError) as error:
        return Unreadable(f"it cannot be read: {error}")
    return data


def wrong_with(data: dict[str, Any], by_journal: dict[str, Any] | None) -> list[str]:
    """All that does not hold of a receipt, in words.

    Args:
        data: the receipt as its file has it.
        by_journal: the receipt that the journal gives; None where that part of it is lost.
    """
    found: list[str] = []
    if self_hash(data) != data.get(HASH):
        found.append("it does not match its own hash: it was changed after it was written")
    if by_journal is not None and (difference := first_difference(data, by_journal)):
        found.append(difference)
    return found + [f"its verdict does not follow: {what}" for what in unfounded(data)]


def first_difference(one: Any, other: Any, where: str = "") -> str:
    """Where the receipt differs from the journal's, in words; empty where nowhere."""
    match one, other:
        case dict(), dict():
            fields = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
            return _first_field(*fields, where)
        case list(), list():
            items = cast("list[Any]", one), cast("list[Any]", other)
            if len(items[0]) == len(items[1]):
                return _first_item(*items, where)
            return _difference(one, other, where)
        case _:
            same = one == other and isinstance(one, bool) == isinstance(other, bool)
            return "" if same else _difference(one, other, where)


def _difference(one: Any, other: Any, where: str) -> str:
    return f"{where} is {_short(one)} in the receipt and {_short(other)} by the journal"


def _first_item(one: list[Any], other: list[Any], where: str) -> str:
    pairs = enumerate(zip(one, other, strict=True))
    found = (first_difference(a, b, f"{where}[{i}]") for i, (a, b) in pairs)
    return next(filter(None, found), "")


def _first_field(one: dict[str, Any], other: dict[str, Any], where: str) -> str:
    for key in sorted(one.keys() | other.keys()):
        place = f"{where}.{key}" if where else key
        if place == HASH:
            continue
        if key not in one or key not in other:
            return f"{place} is only in the {'receipt' if key in one else 'journal'}"
        if found := first_difference(one[key], other[key], place):
            return found
    return ""


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def unfounded(data: dict[str, Any]) -> list[str]:
    """Why the verdict does not follow from the receipt's own numbers: decided again from those."""
    receipt = msgspec.convert(data, Receipt)
    match receipt.way:
        case "pairs":
            return _by_pairs(receipt)
        case "value":
            return _by_value(receipt)
        case "failed":
            return _by_failure(receipt)
        case "baseline":
            return _measured(receipt)
        case "stated":
            return []


def _by_pairs(receipt: Receipt) -> list[str]:
    verdict, design = receipt.verdict, receipt.thresholds.design
    if design is None or verdict.decision is None:
        return ["it is by pairs, and has no design of pairs"]
    pairs = [
        Pair(champion=pair.champion, candidate=pair.candidate, first=pair.first)
        for pair in receipt.pairs
    ]
    again = decide(pairs, receipt.thresholds.metric, design)
    if again != verdict.decision:
        return [f"its {len(pairs)} pairs come to {again.outcome}, {again.reason}"]
    if again.outcome != verdict.verdict:
        return [f"its pairs come to {again.outcome}, and it says {verdict.verdict}"]
    return _measured(receipt)


def _by_value(receipt: Receipt) -> list[str]:
    verdict, reference = receipt.verdict, receipt.reference
    if reference is None or reference.value is None or verdict.value is None:
        return ["it compares values, and does not have both"]
    metric = receipt.thresholds.metric
    again, reason = compared(metric, verdict.value, reference.candidate, reference.value)
    reason = _with_disputes(receipt, reason)
    if (again, reason) != (verdict.verdict, verdict.reason):
        return [f"its values come to {again}, {reason}"]
    return _measured(receipt)


def _with_disputes(receipt: Receipt, reason: str) -> str:
    """The reason, and where claims differ from what the checks of the candidate reported."""
    reported = metrics_of([check for check in receipt.checks if check.half is None])
    return "; ".join([reason, *disputed(receipt.inputs.claims, reported), *receipt.verdict.noticed])


def _measured(receipt: Receipt) -> list[str]:
    """What is wrong with the value: it is what the checks reported, or the mean of the pairs."""
    name, verdict = receipt.thresholds.metric.name, receipt.verdict
    alone = [check for check in receipt.checks if check.half is None]
    expected = metrics_of(alone)
    if receipt.pairs:
        expected[name] = _mean(receipt)
    if expected != verdict.metrics or verdict.value != expected.get(name):
        return [f"its checks report {_short(expected)}"]
    return []


def _mean(receipt: Receipt) -> float:
    values = [pair.candidate for pair in receipt.pairs]
    if receipt.way == "baseline":
        values = [value for pair in receipt.pairs for value in (pair.champion, pair.candidate)]
    return math.fsum(values) / len(values)


def _by_failure(receipt: Receipt) -> list[str]:
    finished = [check for check in receipt.checks if check.half is None]
    halves = [check for check in receipt.checks if check.half is not None]
    last = failed_last(finished, halves)
    if last is None:
        return ["no check of it failed"]
    expected = _of_failed(last)
    if expected != receipt.verdict.verdict:
        return [f"{last.check} makes it {expected}, and it says {receipt.verdict.verdict}"]
    return []


def _of_failed(last: CheckFinished) -> str:
    if last.voided:
        return "infra"
    if last.half is None:
        return last.verdict or "incorrect"
    return "infra" if last.half.role == "champion" or last.verdict == "infra" else "flaky"
