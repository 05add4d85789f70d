"""What commands about directives and stashes do: pure decisions, as events."""

from typing import Final, assert_never

import msgspec

from engine.core import events as e
from engine.core.commands import (
    AddDirective,
    DropStash,
    EditDirective,
    RestoreStash,
    RetireDirective,
    Stash,
)
from engine.core.ids import DirectiveId
from engine.core.state import RunState

LONGEST_DIRECTIVE = 20_000
"""Characters. It goes into every prompt."""

_BY_CAMPAIGN: Final = "the campaign"


class Refusal(msgspec.Struct, frozen=True):
    """Why a command cannot be carried out."""

    reason: str


def steer(
    state: RunState, command: AddDirective | EditDirective | RetireDirective, *, by: str
) -> list[e.AnyEvent] | Refusal:
    """The events of a command about directives."""
    match command:
        case AddDirective():
            return _text_problem(command.text) or [added(state, command, by=by)]
        case EditDirective():
            problem = _unknown(state, command.directive) or _text_problem(command.text)
            edited = e.DirectiveEdited(directive=command.directive, text=command.text, by=by)
            return problem or [edited]
        case RetireDirective():
            problem = _unknown(state, command.directive)
            retired = e.DirectiveRetired(directive=command.directive, reason=command.reason, by=by)
            return problem or [retired]
        case _:
            assert_never(command)


def added(state: RunState, command: AddDirective, *, by: str) -> e.DirectiveAdded:
    """A new directive, with the next number: `d-003`."""
    return e.DirectiveAdded(
        directive=DirectiveId(f"d-{len(state.directives) + 1:03d}"),
        title=command.title,
        text=command.text,
        source=command.source,
        by=by,
    )


def stash(
    state: RunState, command: Stash | RestoreStash | DropStash, *, by: str
) -> list[e.AnyEvent] | Refusal:
    """The events of a command about stashes."""
    match command:
        case Stash():
            return _put_aside(state, command, by)
        case RestoreStash(stash=name):
            if name not in state.stashes:
                return Refusal(_no_stash(state, name))
            if name in state.restoring:
                return Refusal(f"{name} waits for a free slot already")
            return [e.StashRestored(stash=name, by=by)]
        case DropStash(stash=name):
            if name not in state.stashes:
                return Refusal(_no_stash(state, name))
            return [e.StashDropped(stash=name, by=by)]
        case _:
            assert_never(command)


def _put_aside(state: RunState, command: Stash, by: str) -> list[e.AnyEvent] | Refusal:
    number = command.iteration
    if number is None and len(state.open) == 1:
        (number,) = state.open
    turn = state.open.get(number) if number is not None else None
    if turn is None or turn.candidate is None:
        listed = ", ".join(str(each) for each in sorted(state.open)) or "none"
        return Refusal(f"name an open iteration; open now: {listed}")
    if state.candidates[turn.candidate].code is None:
        return Refusal("the campaign has no workspace: there is no tree to put aside")
    if turn.put_aside is not None:
        return Refusal(f"iteration {turn.iteration} is being put aside already")
    if turn.candidate == state.baseline:
        return Refusal("the baseline cannot be put aside: everything is compared with it")
    return [e.StashRequested(iteration=turn.iteration, reason=command.reason, by=by)]


def _text_problem(text: str) -> Refusal | None:
    if not text.strip():
        return Refusal("the directive has no text")
    if len(text) > LONGEST_DIRECTIVE:
        return Refusal(f"the directive has more than {LONGEST_DIRECTIVE} characters")
    return None


def _unknown(state: RunState, name: DirectiveId) -> Refusal | None:
    directive = state.directives.get(name)
    if directive is None:
        listed = ", ".join(state.directives) or "none"
        return Refusal(f"there is no directive {name}; there are: {listed}")
    return Refusal(f"{name} is retired") if directive.retired is not None else None


def _no_stash(state: RunState, name: str) -> str:
    return f"there is no stash {name}; there are: {', '.join(state.stashes) or 'none'}"


def by_campaign(state: RunState, directive: AddDirective) -> list[e.AnyEvent]:
    """A directive of the campaign, unless the run had it before, retired or edited since."""
    known = (each for each in state.directives.values() if each.by == _BY_CAMPAIGN)
    if any((each.source, each.title) == (directive.source, directive.title) for each in known):
        return []
    return [added(state, directive, by=_BY_CAMPAIGN)]
