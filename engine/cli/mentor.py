"""`mentor`: asks for a review now, and tells of those that were."""

import json

import click
import msgspec

from engine.cli.console import user_name
from engine.cli.lines import printable
from engine.cli.looking import open_run
from engine.cli.steering import end_refused, given, say
from engine.core.commands import Review, name_of
from engine.core.reviewing import HIGH, signals
from engine.core.reviews.parts import Review as Done
from engine.core.state import RunState
from engine.knowledge.reviewed import (
    became_of,
    effects_of,
    effects_words,
    outcome_of,
    said_by,
    said_words,
    waited_words,
)


def now(run: str | None, *, as_json: bool) -> None:
    """Let the mentor look now."""
    handle = open_run(run, by=user_name())
    done = given(handle, Review())
    say(handle, name_of(Review()), done.outcome, as_json=as_json)
    end_refused(done)


def list_reviews(run: str | None, *, as_json: bool) -> None:
    """Print what the mentor said, the newest last, and what became of it."""
    state = open_run(run).state
    done = state.reviews.done if state else []
    if as_json:
        listed = [_data(state, each) for each in done if state]
        begun = state.reviews.open if state else None
        under_way = None if begun is None else msgspec.to_builtins(begun)
        data = {"reviews": listed, "open": under_way}
        if state is not None:
            data["signals"] = msgspec.to_builtins(signals(state))
            data["effects"] = msgspec.to_builtins(effects_of(state))
        click.echo(json.dumps(data))
        return
    lines = [_listed(state, each) for each in done if state]
    if state is not None and state.reviews.open is not None:
        lines.append(f"{state.reviews.open.id}  under way")
    if state is not None and state.document.get("mentor"):
        found = signals(state)
        lines.append(
            f"research {found.research:.2f}, breakout {found.breakout:.2f}, non-training "
            f"{found.non_training:.2f}, open work {found.todo_pressure:.2f}: at {HIGH:g} it looks"
        )
        lines += [words] if (words := effects_words(effects_of(state))) else []
    click.echo("\n\n".join(lines) or "no reviews")


def _data(state: RunState, review: Done) -> dict[str, object]:
    found = outcome_of(state, review)
    data: dict[str, object] = msgspec.to_builtins(review)
    said = [msgspec.to_builtins(one) for one in said_by(state, review)]
    return data | {"outcome": found.word, "gain": found.gain, "said": said}


def _listed(state: RunState, review: Done) -> str:
    since = f"{review.since[:16].replace('T', ' ')} UTC"
    why = "; ".join(review.reasons)
    head = f"{review.id}  after {review.at_iteration} iterations, {since}: {why}"
    if review.opinion is None:
        return f"{head}\n  came to nothing: {printable(review.detail)}"
    said = review.opinion
    waited = [waited_words(state, review)] if review.candidate else []
    lines = [said.critique, *waited, *(said_words(one) for one in said_by(state, review))]
    body = "".join(f"\n  {printable(line)}" for line in lines)
    course = said.course.replace("_", " ")
    return f"{head}\n  {course}; {became_of(state, review)}{body}"
