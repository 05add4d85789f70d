"""What a run has cost, and what its evidence does not show."""

from collections.abc import Sequence
from typing import Any

from engine.core import events as e
from engine.core.claims import disputed
from engine.core.decisions.events import DecisionAnswered, DecisionInterrupted
from engine.reports.final.book import between_s
from engine.reports.final.facts import (
    At,
    Fact,
    certainty,
    count,
    elapsed,
    field,
    none,
    quote,
    seconds,
    total_count,
    total_s,
    total_usd,
)
from engine.reports.final.scores import Scores
from engine.reports.final.sheet import NOTHING, Part, Sheet, Told, tell

Ats = Sequence[At[Any]]


def cost(sheet: Sheet, scores: Scores) -> None:
    """Time, tokens and money, as far as they were recorded."""
    rows = [*_time(scores), *_models(scores)]
    sheet.table(["what", "how much"], rows)


def _time(scores: Scores) -> list[list[Part]]:
    book = scores.book
    rows: list[list[Part]] = [
        [
            tell("from the first event to the last"),
            elapsed(book.first, book.last, between_s(book.first, book.last)),
        ]
    ]
    if clocks := [*book.all(e.EngineStarted), *book.all(e.EngineStopped)]:
        longest = max(clocks, key=lambda at: at.event.alive_s)
        alive = field(longest, "alive_s", seconds(longest.event.alive_s))
        if longest.event.alive_s:  # the first one has not said it yet when it writes the report
            rows.append([tell("an engine was alive, by its own last word"), alive])
    plain = [at for at in book.all(e.CheckFinished) if at.event.half is None]
    pairs = [at for at in book.all(e.CheckFinished) if at.event.half is not None]
    for what, events, path in (
        ("checks of candidates", plain, "duration_s"),
        ("measuring in pairs with the champion", pairs, "duration_s"),
        ("measuring again outside of iterations", book.all(e.RecheckChecked), "report.duration_s"),
        ("agents worked", book.all(e.AgentFinished), "duration_s"),
        ("a worker decided", book.all(DecisionAnswered), "duration_s"),
        ("the mentor looked", book.all(e.ReviewFinished), "duration_s"),
    ):
        if events:
            rows.append([tell(what), total_s([(events, path)])])
    return rows


def _models(scores: Scores) -> list[list[Part]]:
    """Tokens and money, of workers and of the mentor."""
    book = scores.book
    workers: Ats = [
        *book.all(e.AgentFinished),
        *book.all(e.AgentInterrupted),
        *book.all(DecisionAnswered),
        *book.all(DecisionInterrupted),
    ]
    mentor: Ats = [*book.all(e.ReviewFinished), *book.all(e.ReviewInterrupted)]
    rows: list[list[Part]] = []
    for who, events in (("agents", workers), ("the mentor", mentor)):
        used = [at for at in events if at.event.tokens.total or at.event.cost_usd]
        priced = [at for at in used if at.event.cost_usd is not None]
        unpriced = [at for at in used if at.event.cost_usd is None]
        if used:
            rows.append([tell(f"tokens of {who}"), _tokens(used)])
        if priced:
            rows.append([tell(f"money of {who}"), total_usd(priced)])
        if unpriced:
            rows.append([tell(f"tokens of {who} whose price is unknown"), _tokens(unpriced)])
    return rows


def _tokens(events: Ats) -> Fact:
    return total_count([(events, "tokens.input"), (events, "tokens.output")])


def limits(sheet: Sheet, scores: Scores) -> None:
    """What speaks against believing too much, each only where the journal has it."""
    told = [*_marks(scores), *_chance(scores), *_doubts(scores), *_breaks(scores), *_hands(scores)]
    if told:
        sheet.items(told)
    else:
        nothing = none(scores.book.first, scores.book.last, "a break, a doubt or a person's word")
        sheet.say("{nothing} is recorded that speaks against a figure.", nothing=_named(nothing))


def _named(nothing: Fact) -> Fact:
    return Fact("Nothing", nothing.rule, nothing.of)


def _marks(scores: Scores) -> list[Told]:
    at, metric = scores.book.campaign, scores.metric
    told: list[Told] = []
    if metric.forgeable:
        mark = field(at, "metric.forgeable", "score can be forged")
        told.append(
            tell(
                "{mark}: what ran the candidates' code could have written the figure itself",
                mark=mark,
            )
        )
    if metric.label:
        label = field(at, "metric.label")
        told.append(tell("the figures are of the kind {label}, and no measurement", label=label))
    if scores.book.campaign.event.document.get("metric", {}).get("noise") == "none":
        noise = field(at, "document.metric.noise", "exact")
        told.append(
            tell(
                "each value was measured once and taken as {noise}, as the campaign says",
                noise=noise,
            )
        )
    return told


def _chance(scores: Scores) -> list[Told]:
    """That many decisions, each right by a chance, are not all right by that chance."""
    found = [at for at in scores.book.verdicts(scores.book.judged) if at.event.decision]
    if not found:
        return []
    return [
        tell(
            "verdicts that rest on pairs: {found}, the last with a certainty of {certainty}; that "
            "is the certainty of each, and all together have less",
            found=count(found),
            certainty=certainty(found[-1], "decision.error"),
        )
    ]


def _doubts(scores: Scores) -> list[Told]:
    """What is not known of the champion, and whether the baseline moved."""
    state, told = scores.state, list[Told]()
    champion = state.champion
    label = scores.label(champion) if champion and champion != state.baseline else None
    if champion and label is not None and label.text == "exploratory":
        told.append(
            tell("the champion, {id}, is {label} only", id=scores.id(champion), label=label)
        )
    told += _claims(scores)
    told += _noticed(scores)
    drift = state.rechecks.drift
    if drift is not None and drift.changed and state.baseline is not None:
        told += _drifted(scores)
    return told


def _claims(scores: Scores) -> list[Told]:
    """Where an agent said that it measured something else."""
    wrong = [
        trial.verdict
        for trial in scores.book.judged
        if trial.verdict and disputed(trial.claims, trial.verdict.event.metrics)
    ]
    if not wrong:
        return []
    return [
        tell(
            "candidates whose agents claimed other figures than were measured: {wrong}, the last "
            "{id}; the engine's words: {reason}",
            wrong=count(wrong),
            id=field(wrong[-1], "candidate"),
            reason=quote(wrong[-1], "reason"),
        )
    ]


def _noticed(scores: Scores) -> list[Told]:
    """Candidates that tried what had no effect, by the engine's own words."""
    seen = [
        trial.verdict
        for trial in scores.book.judged
        if trial.verdict and trial.verdict.event.noticed
    ]
    if not seen:
        return []
    return [
        tell(
            "candidates of which something was noticed that changed no score: {seen}, the last "
            "{id}; the engine's words: {reason}",
            seen=count(seen),
            id=field(seen[-1], "candidate"),
            reason=quote(seen[-1], "reason"),
        )
    ]


def _drifted(scores: Scores) -> list[Told]:
    later = [at for at in scores.book.all(e.RecheckEnded) if at.event.reference is not None]
    first = scores.then(scores.state.baseline) if scores.state.baseline else None
    if not later or first is None:
        return []
    now = field(later[-1], "reference")
    return [
        tell(
            "the baseline had {then} at first and {now} later, which is more than noise",
            then=scores.figure(first),
            now=now,
        )
    ]


def _breaks(scores: Scores) -> list[Told]:
    """Where the run was cut off or its clock jumped."""
    book, told = scores.book, list[Told]()
    engines, stops = book.all(e.EngineStarted), book.all(e.EngineStopped)
    if len(engines) > 1:
        told.append(
            tell(
                "{engines} engines carried the run, of which {stops} ended in good order",
                engines=count(engines),
                stops=count(stops)
                if stops
                else none(book.first, book.last, "EngineStopped", "none"),
            )
        )
    hosts = {at.event.host for at in engines}
    if len(hosts) > 1:
        told.append(tell("they ran on different hosts: {hosts}", hosts=field(engines[-1], "host")))
    for what, kind in (
        ("checks that were cut off, and done again", e.CheckInterrupted),
        ("turns of agents that were cut off, and done again", e.AgentInterrupted),
        ("jumps of the clock, while the machine slept", e.ClockJumped),
    ):
        if found := book.all(kind):
            told.append(tell(what + ": {times}", times=count(found)))
    return told


def _hands(scores: Scores) -> list[Told]:
    """Where a person's word went above what was measured, or the campaign was changed."""
    book, told = scores.book, list[Told]()
    for at in book.all(e.CampaignChangeAccepted):
        told.append(
            tell(
                "the campaign was changed on the way: {what}",
                what=quote(at, "differences") if at.event.differences else NOTHING,
            )
        )
    for how, events in (
        ("made {id} champion", book.all(e.ChampionAccepted)),
        ("took the championship from {id}", book.all(e.ChampionRejected)),
    ):
        for at in events:
            told.append(
                tell(
                    "a person " + how + ": {why}",
                    id=field(at, "candidate"),
                    why=quote(at, "reason"),
                )
            )
    return told
