"""What events of agents, changes, directives and stashes say to people: a line each."""

from typing import Final, assert_never

from engine.core import events as e
from engine.core.fold_agents import AgentEvent, SteeringEvent
from engine.core.parts import FileChange, Tokens

COMMIT_DIGITS: Final = 12


def agent_line(event: AgentEvent | SteeringEvent) -> str:
    """The event in a line, without its iteration."""
    match event:
        case e.AgentStarted():
            return _started(event)
        case e.AgentFinished():
            return _finished(event)
        case e.AgentInterrupted():
            spent = spend_text(event.tokens, event.cost_usd)
            return f"agent interrupted, to be done again: {event.reason}{_after(spent)}"
        case e.ApprovalAsked() | e.ApprovalAnswered():
            return _approval(event)
        case e.ChangeCollected():
            notes = "".join(f"; {note}" for note in event.notes)
            return f"changed {files_text(event.changed, event.files)}: {short(event.commit)}{notes}"
        case e.ChangeCarriedOver():
            return f"carried over to {short(event.base)} as {short(event.commit)}; checked anew"
        case e.StashRequested():
            return because(f"stash asked by {event.by}", event.reason)
        case e.AttemptStashed():
            return because(f"put aside as {event.stash} by {event.by}", event.reason)
        case _:
            return _steering(event)


def _steering(event: SteeringEvent) -> str:
    match event:
        case e.DirectiveAdded():
            return because(f"directive {event.directive} added by {event.by}", event.title)
        case e.DirectiveEdited():
            return f"directive {event.directive} edited by {event.by}"
        case e.DirectiveRetired():
            return because(f"directive {event.directive} retired by {event.by}", event.reason)
        case e.StashRestored():
            return f"stash {event.stash} is to be gone on with, by {event.by}"
        case e.StashDropped():
            return f"stash {event.stash} dropped by {event.by}"
        case _:
            assert_never(event)


def _approval(event: e.ApprovalAsked | e.ApprovalAnswered) -> str:
    match event:
        case e.ApprovalAsked():
            asks = because(f"{event.approval}: the agent asks a person", event.text)
            until = f"{event.deadline[:19].replace('T', ' ')} UTC"
            return f"{asks}; without an answer by {until}: {event.default}"
        case e.ApprovalAnswered():
            done = "approved" if event.approved else "refused"
            return because(f"{event.approval} {done} by {event.by}", event.reason)
        case _:
            assert_never(event)


def _started(event: e.AgentStarted) -> str:
    parts = [f"{event.agent} …"]
    parts += [event.model] if event.model else []
    parts += [f"effort {event.effort}"] if event.effort else []
    parts += [f"attempt {event.attempt}"] if event.attempt > 1 else []
    parts += ["escalated"] if event.escalated else []
    return ", ".join(parts)


def _finished(event: e.AgentFinished) -> str:
    spent = spend_text(event.tokens, event.cost_usd)
    text = because(
        f"agent {event.outcome} in {event.duration_s:.1f} s{_after(spent)}", event.detail
    )
    broken = f"; its answer breaks the rules: {'; '.join(event.problems)}"
    return text + (broken if event.problems else "")


def spend_text(tokens: Tokens, cost_usd: float | None) -> str:
    """Tokens and their price, `12,300 tokens, 0.04 USD`; empty where nothing was used."""
    if not tokens.total:
        return f"{usd_text(cost_usd)} USD" if cost_usd else ""
    price = "price unknown" if cost_usd is None else f"{usd_text(cost_usd)} USD"
    return f"{tokens.total:,} tokens, {price}"


def usd_text(usd: float) -> str:
    """An amount with two decimals; below a dollar with up to four."""
    return f"{usd:,.2f}" if usd >= 1 or usd == round(usd, 2) else f"{usd:.4f}"


def files_text(changed: int, files: list[FileChange]) -> str:
    """How much was changed: `3 files (+10 -2)`."""
    added = sum(each.added or 0 for each in files)
    removed = sum(each.removed or 0 for each in files)
    lines = f" (+{added} -{removed})" if added or removed else ""
    return f"{changed} {'file' if changed == 1 else 'files'}{lines}"


def short(commit: str) -> str:
    """The first digits of a commit."""
    return commit[:COMMIT_DIGITS]


def because(what: str, reason: str) -> str:
    """What happened, and the first line of why where that is known."""
    return f"{what}: {reason.strip().splitlines()[0]}" if reason.strip() else what


def _after(text: str) -> str:
    return f", {text}" if text else ""
