"""What must hold within the checks, and between them and the metric."""

import re
from collections.abc import Iterator
from typing import Final

from engine.core.campaign.checks import CheckSpec, JsonMetric, Part, RegexMetric
from engine.core.campaign.environment import RESERVED, EnvSpec
from engine.core.campaign.executor_rules import remote_findings
from engine.core.campaign.fields import show
from engine.core.campaign.job_rules import job_findings
from engine.core.campaign.nearest import did_you_mean
from engine.core.campaign.placeholders import PLACEHOLDERS, placeholders
from engine.core.campaign.problems import Finding, Place
from engine.core.campaign.salvage import Draft
from engine.core.campaign.sealed_rules import UNUSED, sealed_findings
from engine.core.campaign.space_rules import name_fix, show_names
from engine.core.duration import format_duration

_SHELL_ONLY: Final = re.compile(r"&&|\|\|?|;|&|[0-9]?>>?(&[0-9])?|<|\S+;")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")


def check_findings(draft: Draft) -> Iterator[Finding]:
    """Mistakes in single checks and between them."""
    yield from _names(draft)
    yield from environment_findings(draft.campaign.env, ("env",))
    for place, check in _placed(draft):
        yield from environment_findings(check.env, (*place, "env"))
        yield from _deadlines(check, place, draft)
        yield from sealed_findings(check, place, draft)
        yield from job_findings(check, place, draft)
        yield from remote_findings(check, place, draft)
        for part in check.commands():
            yield from _command(check, part, place, draft)
        yield from _sources(check, place)
        if place[0] == "finish" and check.when != "always":
            message = "only leaders get here, and none is promoted any more"
            yield Finding(place=(*place, "when"), message=message, fix="remove it", at_key=True)
    if draft.sound("checks") and draft.sound("metric", "name"):
        yield from _reported(draft)


def _placed(draft: Draft) -> Iterator[tuple[Place, CheckSpec]]:
    """All checks with their places, in the order in which they run."""
    campaign = draft.campaign
    for key, checks in (("checks", campaign.checks), ("post_checks", campaign.post_checks)):
        for index, check in enumerate(checks):
            yield (key, index), check
    for index, check in enumerate(campaign.final_checks):
        yield ("finish", "checks", index), check


def _names(draft: Draft) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, check in _placed(draft):
        if check.name.lower() in seen and draft.sound(*place, "name"):
            yield Finding(
                place=(*place, "name"),
                message=f"two checks are called {show(check.name)}",
                fix="give each a name of its own (upper and lower case do not count)",
            )
        seen.add(check.name.lower())


def environment_findings(env: EnvSpec, place: Place) -> Iterator[Finding]:
    """Variables that are named twice, or that are the engine's own."""
    seen: dict[str, str] = {}
    for key, names in (("set", env.set), ("pass", env.pass_), ("secret", env.secret)):
        for index, name in enumerate(names):
            at: Place = (*place, key, name if key == "set" else index)
            if name.startswith(RESERVED):
                message = f"{name} belongs to controlroom, which sets it itself"
                yield Finding(place=at, message=message, fix="use another name", at_key=True)
            elif name in seen:
                message = f"{name} is in {seen[name]} already"
                yield Finding(place=at, message=message, fix="keep one of them", at_key=True)
            seen[name] = key


def _deadlines(check: CheckSpec, place: Place, draft: Draft) -> Iterator[Finding]:
    idle, deadline = check.idle_s, check.deadline_s
    if idle is not None and idle >= deadline and draft.sound(*place, "deadline"):
        yield Finding(
            place=(*place, "idle"),
            message=f"idle {format_duration(idle)} is never reached: the deadline is "
            f"{format_duration(deadline)}",
            fix="make idle shorter, or deadline longer",
        )


def _command(check: CheckSpec, part: Part, place: Place, draft: Draft) -> Iterator[Finding]:
    run, command = (*place, part), check.commands()[part]
    if check.shell and not isinstance(command, str):
        message, fix = "a list of words runs without a shell", "write one line, or remove shell"
        yield Finding(place=(*place, "shell"), message=message, fix=fix, at_key=True)
    try:
        words = check.words(part)
    except ValueError as error:
        message = f"cannot be parted into words: {str(error).lower()}"
        yield Finding(place=run, message=message, fix="close the quotation, or write a list")
        return
    if isinstance(command, str) and not check.shell and draft.sound(*place, "shell"):
        yield from _shell_words(words, run)
    for index, word in enumerate(words):
        at = run if isinstance(command, str) else (*run, index)
        yield from _placeholders(word, part, at, draft)


def _shell_words(words: tuple[str, ...], place: Place) -> Iterator[Finding]:
    if _ASSIGNMENT.match(words[0]):
        name, _, value = words[0].partition("=")
        fix = f"write env: {{set: {{{name}: {value or 'VALUE'}}}}}, or add shell: true"
        yield Finding(place=place, message=f"{words[0]} is read as the command", fix=fix)
    for word in words:
        if _SHELL_ONLY.fullmatch(word):
            message = f"{show(word)} means nothing without a shell"
            fix = "add shell: true, or write a list of words to pass it on as it is"
            yield Finding(place=place, message=message, fix=fix)
            return


def _placeholders(text: str, part: Part, place: Place, draft: Draft) -> Iterator[Finding]:
    for name in placeholders(text):
        kind, _, parameter = name.partition(".")
        if (fix := UNUSED[part].get(name)) is not None:
            message = f"{{{name}}} means nothing in `{part}`"
            yield Finding(place=place, message=message, fix=fix)
        elif kind == "param" and parameter:
            yield from _parameter(parameter, place, draft)
        elif name not in PLACEHOLDERS:
            known = [f"{{{known}}}" for known in PLACEHOLDERS]
            text_fix = (
                f"there are {show_names(known)}; {{{{{name}}}}} stands for the text {{{name}}}"
            )
            fix = did_you_mean(f"{{{name}}}", known, text_fix)
            yield Finding(place=place, message=f"unknown placeholder {{{name}}}", fix=fix)


def _parameter(name: str, place: Place, draft: Draft) -> Iterator[Finding]:
    space = draft.campaign.space
    if not draft.sound("space", name):
        return
    if name not in space:
        message = f"{{param.{name}}}: space has no parameter {show(name)}"
        yield Finding(place=place, message=message, fix=name_fix(draft, name))
    elif space[name].when:
        message = f"{{param.{name}}} has no value where its condition does not hold"
        fix = "let the command read the file {candidate} instead"
        yield Finding(place=place, message=message, fix=fix)


def _sources(check: CheckSpec, place: Place) -> Iterator[Finding]:
    for name, source in check.metrics.items():
        at = (*place, "metrics", name)
        match source:
            case RegexMetric():
                yield from _group(source, at)
            case JsonMetric():
                strange = [part for part in placeholders(source.json_file) if part != "step_dir"]
                for part in strange:
                    message = f"the file may hold {{step_dir}}, not {{{part}}}"
                    yield Finding(place=(*at, "json"), message=message, fix="remove it")


def _group(source: RegexMetric, place: Place) -> Iterator[Finding]:
    groups = re.compile(source.regex).groups
    if source.group > groups:
        has = (
            f"has {groups} groups" if groups > 1 else "has one group" if groups else "has no group"
        )
        yield Finding(
            place=(*place, "group"),
            message=f"group {source.group}: the expression {has}",
            fix="put the number in parentheses, or write group: 0 for the whole match",
        )


def _reported(draft: Draft) -> Iterator[Finding]:
    name, checks = draft.campaign.metric.name, draft.campaign.checks
    late = [place for place, check in _placed(draft) if name in check.must_report()][:1]
    if late and late[0][0] != "checks":
        message = f"whether a candidate would be promoted is known only after {show(name)} is"
        yield Finding(place=late[0], message=message, fix=f"let one of checks report {name}")
        return
    if not late:
        reported = [metric for check in checks for metric in check.must_report()]
        otherwise = (
            "list it in `reports` of the check that writes it to {result}, or say under "
            "`metrics` where it is read from"
        )
        fix = did_you_mean(name, reported, otherwise)
        yield Finding(place=("metric", "name"), message=f"no check reports {show(name)}", fix=fix)
        return
    dear = [index for index, check in enumerate(checks) if check.when == "would_promote"]
    early = checks[: dear[0]] if dear else checks
    if not any(name in check.must_report() for check in early):
        yield Finding(
            place=("checks", dear[0], "when"),
            message=f"whether a candidate would be promoted is known only after {show(name)} is",
            fix=f"let a check before this one report {name}",
        )
