"""The gate: whether a decision to begin a run has form and sense, before it is executed. Pure.

Safety actions pass ungated: nothing may keep a worker from stopping something.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import msgspec

from engine.core.deciding import free_slots
from engine.core.decisions.parts import SAFE, Decision, GateRules, Issue
from engine.core.signature import signature
from engine.core.space import Space
from engine.core.state import Candidate, RunState
from engine.core.stopping import budget_spent
from engine.core.verdict import FAILURES

MOST_ISSUES: Final = 8
MOST_ALIKE: Final = 2
"""A command that differs in its numbers only is refused after so many failures that are alike."""

_SAYS_NOTHING: Final = frozenset({"run", "test", "experiment", "training", "try", "candidate"})


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked up on the machine: why the working folder is none, empty where it is one."""

    folder: str = ""


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign gives for a decision to be judged by.

    `command` is that of the baseline, which a decision without one of its own has too.
    """

    space: Space
    command: str = ""

    def completed(self, decision: Decision, state: RunState) -> Decision:
        """The decision with what it leaves as it is: the champion's parameters, the command."""
        best = state.best()
        kept = dict(best.parameters) if best else {}
        point = self.space.active(kept | decision.parameters)
        unknown = {
            name: value
            for name, value in decision.parameters.items()
            if name not in self.space.names
        }
        command = decision.command or self.command
        return msgspec.structs.replace(decision, parameters=point | unknown, command=command)


def gate(
    state: RunState, decision: Decision, rules: GateRules, ground: Ground, facts: Facts
) -> list[Issue]:
    """Everything that keeps the decision from being carried out; none mostly.

    Args:
        state: the run.
        decision: the worker's, completed by `ground`.
        rules: the campaign's.
        ground: what it may name.
        facts: what was looked up.
    """
    if decision.action in SAFE:
        return []
    found = [
        *_form(decision, rules),
        *_command(decision, rules),
        *(Issue(rule="folder", text=text) for text in _folder(decision, rules, facts)),
        *_parameters(decision, ground.space),
        *(_duplicates(state, decision, ground.space) if rules.duplicates else ()),
        *_resources(state),
    ]
    return found[:MOST_ISSUES]


def key_of(decision: Decision, space: Space) -> str:
    """A text that two decisions share exactly when they run the same."""
    point = space.key(decision.parameters)
    if not decision.command:
        return point
    return f"{point}/{decision.folder or '.'}/{' '.join(decision.command.split())}"


def named_run(state: RunState, name: str) -> Candidate | None:
    """The candidate under way that a decision means by its id, its number or its label."""
    under_way = [state.candidates[turn.candidate] for turn in state.open.values() if turn.candidate]
    wanted = name.strip().casefold().lstrip("#")
    for one in under_way:
        label = one.chosen.label.casefold() if one.chosen else ""
        if wanted and wanted in {str(one.id), str(one.iteration), label}:
            return one
    return under_way[0] if not wanted and len(under_way) == 1 else None


def _form(decision: Decision, rules: GateRules) -> Iterator[Issue]:
    length = len(decision.rationale.strip())
    if length < rules.rationale:
        text = f"the rationale has {length} characters; at least {rules.rationale} say why"
        yield Issue(rule="rationale", text=text)
    label = decision.label.strip()
    if decision.action == "run" and (not label or label.casefold() in _SAYS_NOTHING):
        yield Issue(rule="label", text=f"label {label!r}: name the run by what is new in it")


def _command(decision: Decision, rules: GateRules) -> Iterator[Issue]:
    if not rules.commands:
        if decision.command:
            text = "no check of this campaign runs a command of yours: give parameters alone"
            yield Issue(rule="command", text=text)
        return
    try:
        words = shlex.split(decision.command)
    except ValueError as error:
        yield Issue(rule="command", text=f"the command cannot be parted into words: {error}")
        return
    if not words:
        yield Issue(rule="command", text="there is no command")
    for pattern in rules.forbid:
        if re.search(pattern, decision.command, re.IGNORECASE):
            text = f"the command matches what the campaign forbids: {pattern}"
            yield Issue(rule="forbidden", text=text)


def _folder(decision: Decision, rules: GateRules, facts: Facts) -> Iterator[str]:
    path = PurePosixPath(decision.folder or ".")
    if decision.folder and not rules.commands:
        yield "no check of this campaign runs a command of yours: leave `folder` empty"
    elif path.is_absolute() or ".." in path.parts:
        yield f"folder {decision.folder!r} is not below the campaign's root"
    elif facts.folder:
        yield facts.folder


def _parameters(decision: Decision, space: Space) -> Iterator[Issue]:
    for problem in space.check(decision.parameters):
        text = f"{problem.parameter} {problem.message}; {problem.fix}"
        yield Issue(rule="parameters", text=text)


def _duplicates(state: RunState, decision: Decision, space: Space) -> Iterator[Issue]:
    """A run that was there before, or that does what failed time and again."""
    key = key_of(decision, space)
    same = [one for one in state.candidates.values() if _key(one, space) == key]
    # What failed for want of the machine says nothing: it may be tried again.
    same = [one for one in same if one.verdict != "infra" and not _stopped(one)]
    if same:
        one = same[-1]
        became = "it is under way" if one.verdict is None else f"{one.verdict}: {one.reason[:160]}"
        yield Issue(rule="duplicate", text=f"{one.id} was the same: {became}")
        return
    yield from _failed_alike(state, decision)


def _failed_alike(state: RunState, decision: Decision) -> Iterator[Issue]:
    if not decision.command:
        return
    program = signature(f"{decision.folder} {decision.command}")
    failed = [
        one
        for one in state.candidates.values()
        if one.verdict in FAILURES
        and one.verdict != "infra"
        and one.chosen is not None
        and signature(f"{one.chosen.folder} {one.chosen.command}") == program
    ]
    last = failed[-MOST_ALIKE:]
    kinds = {signature(one.reason) for one in last}
    if len(last) == MOST_ALIKE and len(kinds) == 1:
        names = " and ".join(one.id for one in last)
        text = f"{names} ran this with other numbers and failed alike: {last[-1].reason[:160]}"
        yield Issue(rule="failed_alike", text=text)


def _key(one: Candidate, space: Space) -> str:
    command = one.chosen.command if one.chosen else ""
    folder = one.chosen.folder if one.chosen else ""
    made = Decision(action="run", parameters=one.parameters, command=command, folder=folder)
    return key_of(made, space)


def _stopped(one: Candidate) -> bool:
    return one.verdict == "inconclusive" and one.value is None


def _resources(state: RunState) -> Iterator[Issue]:
    spent, most = budget_spent(state), state.limits.iterations
    if spent is not None:
        yield Issue(rule="budget", text=f"the budget of the run is spent: {spent}")
    if most is not None and state.last_iteration >= most:
        yield Issue(rule="budget", text=f"all {most} iterations of the run were begun")
    if state.finish is not None and state.finish.closes:
        yield Issue(rule="budget", text="the run is being finished: nothing begins any more")
    if free_slots(state) <= 0:
        names = ", ".join(str(turn.candidate) for turn in state.open.values())
        text = f"every slot is taken ({names}): stop a run, or wait for one"
        yield Issue(rule="resources", text=text)
