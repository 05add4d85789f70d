"""From the flags of `run` to overrides of campaign keys: what is remembered is the campaign."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from engine.cli.console import readable
from engine.cli.exits import fail

_KEYS: Final[Mapping[str, str]] = {
    "model": "proposers.agent.model",
    "effort": "proposers.agent.effort",
    "retries": "proposers.agent.retries",
    "retry_sleep": "proposers.agent.backoff",
    "agent_timeout": "proposers.agent.deadline",
    "agent_idle_timeout": "proposers.agent.idle",
    "max_failures": "policy.max_failures",
    "no_commit_policy": "policy.no_commit",
    "iteration_error_policy": "policy.errors",
    "post_check_policy": "policy.post_checks",
    "dirty_policy": "workspace.dirty",
    "stash_restore_policy": "workspace.restore",
    "sync_main_policy": "workspace.sync",
    "sync_main_remote": "workspace.sync_remote",
    "sync_main_branch": "workspace.sync_branch",
    "sync_main_conflict_policy": "workspace.sync_conflict",
}
"""Flags whose value is that of a key."""

_WORDS: Final = {"each-iteration": "each"}
"""Values that are called otherwise in a campaign."""


def overrides_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The overrides that the options stand for: those given by --set, then the flags'."""
    return (*options["set_"], *_flags(options))


def _flags(options: Mapping[str, Any]) -> Iterator[str]:
    if options["agent"] is not None:
        yield "proposers.0.kind=agent"
        yield f"proposers.0.agent={quoted(options['agent'])}"
    for name, key in _KEYS.items():
        value: str | int | None = options[name]
        if isinstance(value, str):
            yield f"{key}={quoted(_WORDS.get(value, value))}"
        elif value is not None:
            yield f"{key}={value}"
    if options["resilient"]:
        yield "policy.resilient=true"
    if options["prompt_file"] is not None:
        yield f"proposers.agent.prompt={quoted(_path(options['prompt_file']))}"
    yield from _directives(options)
    yield from _post_checks(options)


def _directives(options: Mapping[str, Any]) -> Iterator[str]:
    key = "proposers.agent.directives+"
    for name in options["directive_preset"]:
        yield f"{key}={quoted(name)}"
    for path in options["directive_file"]:
        yield f"{key}={quoted(_path(path))}"
    for text in options["directive"]:
        yield f"{key}={{text: {quoted(text)}}}"


def _post_checks(options: Mapping[str, Any]) -> Iterator[str]:
    retries = options["post_check_retries"]
    commands = options["post_check"]
    if retries is not None and not commands:
        fail("--post-check-retries goes with --post-check; for those of the file: post_checks")
    more = "" if retries is None else f", retries: {retries}"
    for number, command in enumerate(commands, start=1):
        yield f"post_checks+={{name: post-check-{number}, run: {quoted(command)}{more}}}"


def _path(path: Path) -> str:
    """The path as it stands in a campaign, whose own paths begin at its file."""
    return readable(str(path.absolute()))


def quoted(text: str) -> str:
    """The text as YAML, whatever it holds."""
    return '"' + "".join(_character(each) for each in readable(text)) + '"'


def _character(each: str) -> str:
    if each in '"\\':
        return f"\\{each}"
    return each if each.isprintable() else f"\\U{ord(each):08x}"
