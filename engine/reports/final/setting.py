"""What a run was about, and what was tried in it."""

from typing import Any, Final

from engine.core import events as e
from engine.reports.final.book import Book, between_s
from engine.reports.final.facts import (
    At,
    Fact,
    Quote,
    Source,
    code,
    count,
    dig,
    elapsed,
    field,
    none,
    percent_text,
    quote,
    unit_of,
    word,
)
from engine.reports.final.parts import FinalRequest
from engine.reports.final.scores import Scores
from engine.reports.final.sheet import NOTHING, Part, Sheet, Told, listed, tell

_MOST_OF_DAMAGE: Final = 300


def goal(sheet: Sheet, scores: Scores) -> None:
    """What was looked for, in whose words."""
    book, metric = scores.book, scores.metric
    sheet.say(
        "Campaign {campaign} looks for a {direction} {name}{unit}{mark}.",
        campaign=field(book.created, "campaign"),
        direction=scores.direction,
        name=scores.name,
        unit=tell(" in {unit}", unit=unit_of(book.campaign)) if metric.unit else NOTHING,
        mark=scores.mark,
    )
    if dig(book.campaign, "document.about"):
        about = quote(book.campaign, "document.about")
        sheet.say("Its file says of itself: {about}.", about=about)


def outcome(sheet: Sheet, scores: Scores, request: FinalRequest) -> None:
    """How many iterations had which verdict, and how the run stands."""
    book = scores.book
    if not book.trials:
        sheet.say("{no} iteration has begun.", no=none(book.first, book.last, "IterationStarted"))
    elif not book.judged:
        never = none(book.first, book.last, "VerdictReached")
        sheet.say("{no} iteration has come to a verdict.", no=never)
    else:
        sheet.say(
            "{ended} iteration{s} came to a verdict in {time}: {counts}.",
            ended=count(book.verdicts(book.judged)),
            s=tell("s") if len(book.judged) != 1 else NOTHING,
            time=elapsed(book.first, book.last, between_s(book.first, book.last)),
            counts=_counts(book),
        )
    if under_way := [trial.started for trial in book.trials.values() if not trial.verdict]:
        sheet.say("Under way: {under_way}.", under_way=count(under_way))
    _standing(sheet, scores, request)


def _counts(book: Book) -> Told:
    names = dict.fromkeys(at.event.verdict for at in book.verdicts(book.judged))
    told: list[Part] = []
    for name in names:
        found = book.verdicts(book.judged, name)
        told.append(
            tell("{count} {verdict}", count=count(found), verdict=word(found[0], "verdict"))
        )
    return listed(told)


def _standing(sheet: Sheet, scores: Scores, request: FinalRequest) -> None:
    """Whether the run is over, and why, as far as the events say so."""
    book, state = scores.book, scores.state
    if state.finished is not None:
        ended = book.all(e.RunFinished)[-1]
        sheet.say(
            "The stop rule {reason} ended the run: {detail}.",
            reason=word(ended, "reason"),
            detail=quote(ended, "detail"),
        )
    elif state.stopped is not None:
        stopped = book.all(e.EngineStopped)[-1]
        sheet.say(
            "The run was stopped and can go on; its engine's word: {why}.",
            why=quote(stopped, "reason"),
        )
    else:
        sheet.say(
            "{no} event says that it is over.", no=none(book.first, book.last, "EngineStopped")
        )
    if request.condition:
        sheet.say(
            "Its state, by lock and heartbeat, when this was written: {condition}.",
            condition=Fact(request.condition, "seen"),
        )


def made_from(sheet: Sheet, scores: Scores, request: FinalRequest) -> None:
    """Which part of the journal a page is made from."""
    book = scores.book
    sheet.say(
        "Made from the events {first} to {last} of the journal, the last of {time}.",
        first=field(book.first, "seq"),
        last=field(book.last, "seq"),
        time=field(book.last, "time", book.last.time[:19].replace("T", " ") + " UTC"),
    )
    if request.damage:
        why = Quote(f"“{_flat(request.damage)}”", book.last.seq, "")
        sheet.say(
            "**The journal is damaged after event {last}: {why}. Nothing later is told here.**",
            last=field(book.last, "seq"),
            why=why,
        )


def _flat(text: str) -> str:
    return code(text, _MOST_OF_DAMAGE)


def setting(sheet: Sheet, scores: Scores) -> None:
    """How candidates came about, how they were judged, and on what."""
    sheet.items(
        [
            *_goals(scores),
            *_proposers(scores),
            *_checks(scores),
            *_noise(scores),
            *_machine(scores),
        ]
    )


def _goals(scores: Scores) -> list[Told]:
    at, metric, told = scores.book.campaign, scores.metric, list[Told]()
    if metric.target is not None:
        told.append(
            tell("target: {value}{unit}", value=field(at, "metric.target"), unit=scores.unit)
        )
    if metric.min_gain.amount:
        amount = metric.min_gain.amount
        text = f"{100 * amount:g} %" if metric.min_gain.relative else f"{amount:g}"
        rule = "percent of the champion's value" if metric.min_gain.relative else ""
        least = field(at, "metric.min_gain.amount", text)
        if rule:
            least = Fact(text, "percent", least.of)
        told.append(tell("the smallest gain that counts: {least}", least=least))
    return told


def _proposers(scores: Scores) -> list[Told]:
    at = scores.book.campaign
    told: list[Told] = []
    for index, each in enumerate(dig(at, "document.proposers") or []):
        place = f"document.proposers.{index}"
        agent = (
            tell(" {agent}", agent=field(at, f"{place}.agent")) if each.get("agent") else NOTHING
        )
        kind = word(at, f"{place}.kind")
        told.append(tell("candidates are proposed by: {kind}{agent}", kind=kind, agent=agent))
    created = scores.book.created
    told.append(
        tell(
            "slots: {slots}; seed of the run: {seed}",
            slots=field(created, "slots"),
            seed=field(created, "seed", str(created.event.seed)),
        )
    )
    if created.event.space_size is not None:
        size = field(created, "space_size")
        told.append(tell("configurations in the space: {size}", size=size))
    return told


def _checks(scores: Scores) -> list[Told]:
    at = scores.book.campaign
    names: list[Part] = []
    for index, each in enumerate(dig(at, "document.checks") or []):
        kind = tell(" (sealed)") if each.get("judge") else NOTHING
        name = field(at, f"document.checks.{index}.name")
        names.append(tell("{name}{kind}", name=name, kind=kind))
    return [tell("checks, in this order: {names}", names=listed(names))] if names else []


def _noise(scores: Scores) -> list[Told]:
    told: list[Told] = []
    at = scores.book.campaign
    if dig(at, "document.metric.noise") == "none":
        noise = word(at, "document.metric.noise")
        told.append(tell("noise of the metric, as the campaign has it: {noise}", noise=noise))
    for measured in scores.book.all(e.NoiseMeasured)[-1:]:
        if measured.event.noise is None:
            continue
        told.append(
            tell(
                "noise of one measurement: {noise} of the value, from {pairs} pairs of the "
                "baseline with itself",
                noise=_share(measured, "noise", measured.event.noise),
                pairs=field(measured, "pairs"),
            )
        )
        told += _visible(measured)
    return told


def _visible(measured: At[e.NoiseMeasured]) -> list[Told]:
    if measured.event.visible is None or measured.event.surely is None:
        return []
    return [
        tell(
            "with at most {most} pairs, gains from {visible} on are mostly seen, from {surely} on "
            "nearly always",
            most=field(measured, "most"),
            visible=_share(measured, "visible", measured.event.visible),
            surely=_share(measured, "surely", measured.event.surely),
        )
    ]


def _share(at: At[Any], path: str, share: float) -> Fact:
    text = percent_text(share).lstrip("+")
    return Fact(text, "percent", (Source((at.seq,), path),))


def _machine(scores: Scores) -> list[Told]:
    engines = scores.book.all(e.EngineStarted)
    if not engines:
        return []
    last = engines[-1]
    prints = [
        field(last, f"fingerprint.{name}", code(f"{name}={found}"))
        for name, found in last.event.fingerprint.items()
    ]
    told = tell(
        "host {host}, controlroom {version}",
        host=field(last, "host"),
        version=field(last, "version"),
    )
    if not prints:
        return [told]
    return [
        told,
        tell("measurements are compared under the fingerprint {prints}", prints=listed(prints)),
    ]
