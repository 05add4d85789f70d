"""What must hold for the workspace: names that git accepts, and paths inside of the repository."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from engine.core.campaign.fields import show
from engine.core.campaign.nearest import did_you_mean
from engine.core.campaign.placeholders import placeholders
from engine.core.campaign.problems import Finding
from engine.core.campaign.salvage import Draft
from engine.core.campaign.workspace import WorkspaceSpec

_IN_BRANCH: Final = ("campaign", "run")
_NO_REF: Final = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[/-]|/$|(^|/)\.|\.(/|$)|\.lock(/|$)|^HEAD$|^@$"
)
"""What a branch's name cannot hold: the rules of git check-ref-format."""

_NO_NAME: Final = re.compile(r"^-|[\x00-\x1f\x7f]")
"""What git would take for an option, or could not pass on."""


def workspace_findings(draft: Draft) -> Iterator[Finding]:
    """Mistakes in the workspace, and between it and the proposers."""
    spec = draft.campaign.workspace
    if spec is None:
        return
    yield from _one_checkout(draft, spec)
    yield from _branch(spec, draft.campaign.campaign)
    yield from _names(spec)
    yield from _paths(spec)


def _one_checkout(draft: Draft, spec: WorkspaceSpec) -> Iterator[Finding]:
    for index, proposer in enumerate(draft.campaign.proposers):
        place = ("proposers", index, "slots")
        if spec.mode == "in-place" and proposer.slots > 1:
            yield Finding(
                place=place,
                message=f"{proposer.slots} slots cannot work in one checkout",
                fix="write slots: 1, or workspace: {mode: worktree}",
            )


def _branch(spec: WorkspaceSpec, campaign: str) -> Iterator[Finding]:
    place = ("workspace", "branch")
    strange = [name for name in placeholders(spec.branch) if name not in _IN_BRANCH]
    for name in strange:
        known = [f"{{{known}}}" for known in _IN_BRANCH]
        fix = did_you_mean(f"{{{name}}}", known, "there are {campaign} and {run}")
        yield Finding(place=place, message=f"unknown placeholder {{{name}}}", fix=fix)
    if not strange and _NO_REF.search(branch := spec.branch_of(campaign, "run")):
        message = f"git accepts no branch called {show(branch)}"
        fix = "use letters, digits, - and / in it, and in the name of the campaign"
        yield Finding(place=place, message=message, fix=fix)


def _names(spec: WorkspaceSpec) -> Iterator[Finding]:
    for key, name, kind in (
        ("base", spec.base, "commit"),
        ("sync_remote", spec.sync_remote, "remote"),
        ("sync_branch", spec.sync_branch, "branch"),
    ):
        if _NO_NAME.search(name):
            message = f"{show(name)} cannot be the name of a {kind}"
            yield Finding(place=("workspace", key), message=message, fix="correct it")


def _paths(spec: WorkspaceSpec) -> Iterator[Finding]:
    for key, paths in (("link", spec.link), ("keep", spec.keep)):
        for index, path in enumerate(paths):
            # A pattern begins with / where it means the top of the repository.
            inside = path.lstrip("!").lstrip("/") if key == "keep" else path
            if problem := _leads_out(inside):
                fix = "name what lies in the repository, from its top"
                place = ("workspace", key, index)
                yield Finding(place=place, message=f"{show(path)} {problem}", fix=fix)


def _leads_out(text: str) -> str | None:
    """Why a path is not one of the repository's own files; None when it may be."""
    path = PurePosixPath(text)
    if not path.parts:
        return "is no path below the repository"
    if path.is_absolute() or ".." in path.parts:
        return "leads out of the repository"
    return "belongs to git itself" if path.parts[0] == ".git" else None
