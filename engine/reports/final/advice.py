"""What the mentor did, and whether it helped."""

from collections.abc import Sequence

from engine.core import events as e
from engine.reports.final.book import Trial
from engine.reports.final.facts import (
    At,
    Fact,
    Source,
    count,
    count_of,
    field,
    none,
    percent_text,
    promoted,
    quote,
    word,
)
from engine.reports.final.scores import Scores
from engine.reports.final.sheet import NOTHING, Part, Sheet, Told, listed, tell

_MOST_REVIEWS = 20
_MOST_NAMED = 4


def mentor(sheet: Sheet, scores: Scores) -> None:
    """The reviews, what became of their advice, and what that gained."""
    book = scores.book
    started = book.all(e.ReviewStarted)
    if not started:
        sheet.say("{no} mentor has looked.", no=none(book.first, book.last, "ReviewStarted"))
        return
    finished = book.all(e.ReviewFinished)
    said = [at for at in finished if at.event.opinion is not None]
    sheet.say(
        "Reviews by the mentor that began while work went on: {times}; with an opinion: {said}.",
        times=count(started),
        said=count_of(said, _nothing(scores, "ReviewFinished, with an opinion")),
    )
    _without(sheet, [at for at in finished if at.event.opinion is None])
    _effect(sheet, scores, said)
    sheet.table(
        ["review", "after iterations", "course", "its advice", "followed by", "gain of these"],
        [_review(scores, at) for at in said[-_MOST_REVIEWS:]],
    )
    if len(said) > _MOST_REVIEWS:
        sheet.say("{earlier} earlier reviews are left out.", earlier=count(said[:-_MOST_REVIEWS]))


def _without(sheet: Sheet, failed: Sequence[At[e.ReviewFinished]]) -> None:
    if failed:
        sheet.say(
            "Without one: {failed}; the last of these {outcome}: {detail}.",
            failed=count(failed),
            outcome=word(failed[-1], "outcome"),
            detail=quote(failed[-1], "detail"),
        )


def _effect(sheet: Sheet, scores: Scores, said: Sequence[At[e.ReviewFinished]]) -> None:
    """Those that followed advice beside all others: whether they won more often."""
    advised = {at.event.review for at in said if at.event.opinion and at.event.opinion.advice}
    judged = scores.book.judged
    followers = [trial for trial in judged if advised & trial.follows]
    others = [trial for trial in judged if _by_agents(trial) and not advised & trial.follows]
    if not advised or not followers:
        sheet.say(
            "{no} candidate says that it follows a review's advice.",
            no=none(
                scores.book.first,
                scores.book.last,
                "AgentFinished or DecisionAnswered, follows a review",
            ),
        )
        return
    sheet.say(
        "Of {followers} judged candidates whose agents say that they follow its advice, {won} "
        "became champion{others}.",
        won=promoted(scores.book.verdicts(followers)),
        followers=count(scores.book.verdicts(followers)),
        others=_of_others(scores, others) if others else NOTHING,
    )


def _of_others(scores: Scores, others: Sequence[Trial]) -> Told:
    return tell(
        "; of {others} others that agents made, {won}",
        won=promoted(scores.book.verdicts(others)),
        others=count(scores.book.verdicts(others)),
    )


def _nothing(scores: Scores, what: str) -> Fact:
    return none(scores.book.first, scores.book.last, what, "none")


def _by_agents(trial: Trial) -> bool:
    return bool(trial.agents) or trial.decided is not None


def _review(scores: Scores, at: At[e.ReviewFinished]) -> list[Part]:
    review = at.event.review
    begun = [each for each in scores.book.all(e.ReviewStarted) if each.event.review == review]
    followers = [trial for trial in scores.book.judged if review in trial.follows]
    advised = at.event.opinion is not None and at.event.opinion.advice
    names: list[Part] = [field(t.proposed, "candidate") for t in followers[:_MOST_NAMED]]
    if len(followers) > _MOST_NAMED:
        names.append(tell("… {all} in all", all=count(scores.book.verdicts(followers))))
    return [
        field(at, "review"),
        field(begun[0], "at_iteration") if begun else NOTHING,
        word(at, "opinion.course"),
        quote(at, "opinion.advice") if advised else NOTHING,
        listed(names),
        _gain(scores, followers) or NOTHING,
    ]


def _gain(scores: Scores, followers: Sequence[Trial]) -> Fact | None:
    """What those together gained that became champion, each over the one before it."""
    share, of = 1.0, list[Source]()
    for trial in followers:
        verdict, before = trial.verdict, trial.against
        if verdict is None or before is None or verdict.event.verdict != "promoted":
            continue
        value = verdict.event.value
        if value is not None and before.value:
            share *= 1 + scores.metric.gain(value, before.value) / abs(before.value)
            of += [Source((verdict.seq,), "value"), Source((before.at.seq,), before.path)]
    return Fact(percent_text(share - 1), "compound", tuple(of)) if of else None
