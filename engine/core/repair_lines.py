"""What events of repairs say to people: a line each."""

from typing import assert_never

from engine.core.repair.events import RepairEvent, RepairFinished, RepairSkipped, RepairStarted
from engine.core.repair.parts import Fallback, Found, Tried, way_text


def repair_line(event: RepairEvent) -> str:
    """The event in a line, without its iteration."""
    match event:
        case RepairStarted():
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            ways = "; else ".join(way_text(way) for way in event.ways)
            return f"{event.repair}: {event.check} lacks {_found(event.found)}: {ways} …{again}"
        case RepairFinished():
            return _finished(event)
        case RepairSkipped():
            return f"{event.check} lacks {_found(event.found)}, not repaired: {event.reason}"
        case _:
            assert_never(event)


def fallback_text(fallback: Fallback) -> str:
    """What a candidate is run with instead, and where that stands."""
    where = fallback.parameter or f"a copy of its configuration, {fallback.folder}"
    return f"{fallback.to} instead of {fallback.model} ({where})"


def _finished(event: RepairFinished) -> str:
    tried = "; ".join(_tried(each) for each in event.tried)
    then = f", {event.check} is run again" if event.again else ""
    told = fallback_text(event.fallback) if event.fallback else tried
    return f"{event.repair} {event.outcome} in {event.took_s:.1f} s: {told}{then}"


def _tried(tried: Tried) -> str:
    text = way_text(tried.way)
    return text if tried.worked else f"{text} did not help: {tried.detail}"


def _found(found: Found) -> str:
    return f"the {found.kind} {found.name}"
