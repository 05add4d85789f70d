"""What won, how it came to that, and what failed."""

from collections.abc import Sequence
from typing import Any, Final

from engine.core import events as e
from engine.core.confidence import is_demoted
from engine.core.ids import CandidateId
from engine.core.signature import signature
from engine.reports.final.book import Figure, Reign, Trial
from engine.reports.final.facts import At, Quote, count, field, none, quote, word
from engine.reports.final.scores import MEANS, Scores
from engine.reports.final.sheet import NOTHING, Part, Sheet, Told, listed, tell

_MOST_STEPS: Final = 30
_MOST_GROUPS: Final = 20
_MOST_NAMED: Final = 5


def headline(sheet: Sheet, scores: Scores) -> None:
    """Who won and by how much, and how far that was shown again, in two sentences."""
    champion = scores.state.champion
    if champion is None or champion == scores.state.baseline:
        won_nothing(sheet, scores)
        return
    _headline(sheet, scores, champion)
    if (label := scores.label(champion)) is not None:
        means = tell(MEANS[label.text])
        sheet.say("Its label of confidence is {label}: {means}.", label=label, means=means)


def won_nothing(sheet: Sheet, scores: Scores) -> None:
    """That the baseline was not beaten, or that there is no champion."""
    book, champion = scores.book, scores.state.champion
    if champion is not None:
        _nothing_better(sheet, scores, champion)
    elif not book.reigns:
        never = none(book.first, book.last, "VerdictReached, promoted")
        sheet.say("{no} candidate is champion.", no=never)
    else:
        lost = book.reigns[-1].at
        sheet.say(
            "There is no champion any more since {id} lost its place: {why}.",
            id=field(lost, "candidate"),
            why=quote(lost, "reason"),
        )


def won(sheet: Sheet, scores: Scores) -> None:
    """Who is champion, by how much, and by which evidence."""
    champion = scores.state.champion
    if champion is None:
        won_nothing(sheet, scores)
        return
    if champion == scores.state.baseline:
        _nothing_better(sheet, scores, champion)
    else:
        _headline(sheet, scores, champion)
    sheet.gap()
    _label(sheet, scores, champion)
    sheet.items(_evidence(scores, champion))
    _what_it_is(sheet, scores, champion)


def _nothing_better(sheet: Sheet, scores: Scores, champion: CandidateId) -> None:
    now = scores.now(champion)
    sheet.say(
        "Nothing beat the baseline: {id} is the champion still, at {name} {value}.",
        id=scores.id(champion),
        name=scores.name,
        value=scores.exactly(now) if now else tell("no value"),
    )


def _headline(sheet: Sheet, scores: Scores, champion: CandidateId) -> None:
    now = scores.now(champion)
    sheet.say(
        "{id}, of iteration {iteration}, won: {name} {value}{gain}.",
        id=scores.id(champion),
        iteration=scores.iteration(champion),
        name=scores.name,
        value=scores.exactly(now) if now else tell("without a value"),
        gain=_over_baseline(scores, champion),
    )


def _over_baseline(scores: Scores, champion: CandidateId) -> Told:
    """The gain, and the baseline's value to compare with."""
    first, gain = scores.state.baseline, scores.over_baseline(champion)
    known = scores.now(first) if first else None
    if first is None or known is None:
        return NOTHING
    return tell(
        "{gain} the baseline, {id}, at {value}",
        gain=tell(", a gain of {gain} over", gain=gain) if gain else tell(", against"),
        id=scores.id(first),
        value=scores.value(known),
    )


def _label(sheet: Sheet, scores: Scores, champion: CandidateId) -> None:
    label = scores.label(champion)
    if label is not None:
        sheet.say(
            "Label of confidence: {label} ({means}).", label=label, means=tell(MEANS[label.text])
        )
        sheet.say("What the label rests on:")


def _evidence(scores: Scores, champion: CandidateId) -> list[Told]:
    """Each thing that was measured of a candidate, in the order of time."""
    trial = scores.trial(champion)
    told: list[Told] = []
    if (then := scores.then(champion)) is not None:
        told.append(
            tell(
                "in its own iteration: {value}{pairs}",
                value=scores.exactly(then),
                pairs=_by_pairs(scores, then.at),
            )
        )
    beside = [v for v in trial.values if isinstance(v.at.event, e.ChampionMeasured)]
    if beside:
        told.append(
            tell(
                "measured again beside later candidates: {times} times, the last time {value}",
                times=count([v.at for v in beside]),
                value=scores.exactly(beside[-1]),
            )
        )
    rechecks = scores.book.rechecks_of(champion)
    told += [rechecked(scores, at) for at in rechecks if at.event.outcome != "moot"]
    if not any(at.event.purpose == "end" for at in rechecks):
        told.append(_not_at_the_end(scores, champion))
    return told


def _not_at_the_end(scores: Scores, champion: CandidateId) -> Told:
    what = f"RecheckEnded, at the end, of {champion}"
    never = none(scores.book.first, scores.book.last, what, "not")
    return tell("it was {not_yet} measured again at the end of the run", not_yet=never)


def _by_pairs(scores: Scores, at: At[Any]) -> Told:
    pairs = scores.pairs(at)
    return tell("; against the champion before: {pairs}", pairs=pairs) if pairs.text else NOTHING


def rechecked(scores: Scores, at: At[e.RecheckEnded]) -> Told:
    """What measuring a candidate again came to."""
    event = at.event
    value = NOTHING
    if event.value is not None:
        value = tell(" at {value}", value=scores.exactly(Figure(at, "value", "error")))
    pairs = scores.pairs(at)
    return tell(
        "{purpose}: {outcome}{value}{pairs}; the engine's reason: {reason}",
        purpose=_purpose(at),
        outcome=word(at, "outcome"),
        value=value,
        pairs=tell("; against the baseline: {pairs}", pairs=pairs) if pairs.text else NOTHING,
        reason=quote(at, "reason"),
    )


def _purpose(at: At[e.RecheckEnded]) -> Part:
    match at.event.purpose:
        case "confirm":
            return tell("confirmed under {variant}", variant=field(at, "variant"))
        case "end":
            return field(at, "purpose", "measured again at the end")
        case "baseline":
            return field(at, "purpose", "measured beside the baseline")
        case "final":
            return field(at, "purpose", "by the final checks")


def _what_it_is(sheet: Sheet, scores: Scores, champion: CandidateId) -> None:
    """How it can be had: parameters and commit."""
    sheet.gap()
    proposed, change = scores.trial(champion).proposed, scores.trial(champion).change
    if proposed.event.parameters:
        sheet.say("Its parameters: {them}.", them=scores.parameters(champion))
    if change is not None:
        sheet.say(
            "Its commit: {commit}; files that it changes: {files}.",
            commit=field(change, "commit"),
            files=field(change, "changed"),
        )
    sheet.say(
        "It was drawn with seed {seed}; its trace id is {trace}.",
        seed=field(proposed, "seed", str(proposed.event.seed)),
        trace=field(scores.trial(champion).started, "trace_id"),
    )


def steps(sheet: Sheet, scores: Scores, most: int = _MOST_STEPS) -> None:
    """One champion after the other."""
    reigns, book = scores.book.reigns, scores.book
    if not reigns:
        never = none(book.first, book.last, "VerdictReached, promoted")
        sheet.say("{no} candidate was ever champion.", no=never)
        return
    scale(sheet, scores)
    sheet.table(
        [
            "iteration",
            "champion",
            "value then",
            "gain over the one before",
            "by what",
            "what is new",
        ],
        [_step(scores, reign) for reign in reigns[-most:]],
    )
    if len(reigns) > most:
        earlier = count([reign.at for reign in reigns[:-most]])
        sheet.say("{earlier} earlier changes of the champion are left out.", earlier=earlier)


def _step(scores: Scores, reign: Reign) -> list[Part]:
    match reign.at.event:
        case e.VerdictReached(candidate=candidate):
            return _won_step(scores, candidate, reign.at)
        case e.ChampionAccepted() | e.ChampionRejected() | e.ChampionDemoted():
            return _ruled_step(scores, reign)


def _won_step(scores: Scores, candidate: CandidateId, at: At[Any]) -> list[Part]:
    trial = scores.trial(candidate)
    figure = Figure(at, "value", "value_error") if at.event.value is not None else None
    first = candidate == scores.state.baseline
    return [
        field(at, "iteration"),
        field(at, "candidate"),
        scores.value(figure) if figure else NOTHING,
        tell("baseline") if first else scores.gain(figure, trial.against) or NOTHING,
        scores.pairs(at) if at.event.decision else NOTHING,
        _new(scores, candidate),
    ]


def _new(scores: Scores, candidate: CandidateId) -> Told:
    if candidate != scores.state.baseline:
        return scores.changed(candidate)
    return scores.parameters(candidate) if scores.parameters(candidate).text else tell("as it was")


def scale(sheet: Sheet, scores: Scores) -> None:
    """What the values below are, which are better, and what has to be known of them."""
    sheet.say(
        "Values are of {name}{unit}{mark}; {direction} is better.",
        name=scores.name,
        unit=tell(" in{unit}", unit=scores.unit) if scores.unit.text else NOTHING,
        mark=scores.mark,
        direction=scores.direction,
    )


def _ruled_step(scores: Scores, reign: Reign) -> list[Part]:
    at = reign.at
    names = {"ChampionAccepted": "accepted", "ChampionRejected": "rejected"}
    how = names.get(type(at.event).__name__)
    ruled = tell(f"{how} by a person") if how else tell("a confirmation failed")
    field_of_now = "candidate" if how == "accepted" else "champion"
    known = scores.now(reign.champion) if reign.champion else None
    return [
        field(at, "iteration"),
        field(at, field_of_now) if reign.champion else tell("none"),
        scores.value(known) if known else NOTHING,
        NOTHING,
        ruled,
        tell("{of}: {why}", of=field(at, "candidate"), why=quote(at, "reason")),
    ]


def failed(sheet: Sheet, scores: Scores, most: int = _MOST_GROUPS) -> None:
    """What failed, those together that failed alike; the most frequent first."""
    groups = _groups(scores)
    if not groups:
        nothing = none(scores.book.first, scores.book.last, "VerdictReached, failed")
        sheet.say("{no} candidate failed, broke a rule or failed a hard gate.", no=nothing)
        return
    bad = [at for group in groups for at in scores.book.verdicts(group)]
    sheet.say(
        "{bad} of {all} candidates with a verdict failed, broke a rule or failed a hard gate; "
        "those that failed alike stand together.",
        bad=count(bad),
        all=count(scores.book.verdicts(scores.book.judged)),
    )
    sheet.table(
        ["how many", "verdict", "check", "in iterations", "in the words of the last one"],
        [_failure(scores, group) for group in groups[:most]],
    )
    if len(groups) > most:
        others = [at for group in groups[most:] for at in scores.book.verdicts(group)]
        sheet.say("{others} others failed in other ways.", others=count(others))


def _groups(scores: Scores) -> list[list[Trial]]:
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in scores.book.judged:
        verdict = trial.verdict
        if verdict is None or not (trial.failed or verdict.event.verdict == "infeasible"):
            continue
        alike = verdict.event.signature or signature(verdict.event.reason)
        groups.setdefault((verdict.event.verdict, alike), []).append(trial)
    return sorted(groups.values(), key=len, reverse=True)


def _failure(scores: Scores, group: Sequence[Trial]) -> list[Part]:
    verdicts = scores.book.verdicts(group)
    last, check = verdicts[-1], group[-1].failed_check
    numbers: list[Part] = [field(at, "iteration") for at in verdicts[:_MOST_NAMED]]
    if len(verdicts) > _MOST_NAMED:
        numbers.append(tell("… {last}", last=field(last, "iteration")))
    said: Quote = quote(last, "reason")
    return [
        count(verdicts),
        word(last, "verdict"),
        field(check, "check") if check else NOTHING,
        listed(numbers),
        said,
    ]


def others(sheet: Sheet, scores: Scores) -> None:
    """What was valid and did not win."""
    told: list[Told] = []
    for what, name in (
        ("valid, and not better than the champion of their time: {how_many}", "rejected"),
        ("valid, and not told apart from the champion of their time: {how_many}", "inconclusive"),
    ):
        if found := scores.book.verdicts(scores.book.judged, name):
            told.append(tell(what, how_many=count(found)))
    demoted = [c for c in scores.state.candidates.values() if is_demoted(c)]
    if demoted:
        ids = listed([scores.id(each.id) for each in demoted])
        told.append(tell("champions that a confirmation took down again: {ids}", ids=ids))
    if told:
        sheet.say("Besides these:")
        sheet.items(told)
