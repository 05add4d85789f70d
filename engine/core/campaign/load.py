"""Reads campaign files. Every mistake in one is told at once, with its line and column."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from engine.core.campaign.judge import judge, labelled
from engine.core.campaign.models import Campaign
from engine.core.campaign.overrides import apply_overrides
from engine.core.campaign.parameters import Scalar
from engine.core.campaign.problems import CampaignError, Finding, Place, Problem
from engine.core.campaign.reading import read_text
from engine.core.campaign.yamltree import Spot, Tree, parse_yaml


class LoadedCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that is free of mistakes, and where it came from; `spots` is where its parts are.

    `text` is the file's, without overrides; `document` and `sha256` are of what was meant by file
    and overrides together. `root` is the folder in which commands run, and `repo` the repository
    of the workspace, if there is one.
    """

    campaign: Campaign
    path: Path
    text: str
    sha256: str
    root: Path
    document: dict[str, Any]
    repo: Path | None
    spots: dict[Place, Spot] = {}

    def beside(self, name: str) -> Path:
        """A file that the campaign names, from the folder of the campaign file."""
        return self.path.parent / name


def load_campaign(path: Path, overrides: Sequence[str] = ()) -> LoadedCampaign:
    """The campaign in a file.

    Args:
        path: the YAML file.
        overrides: values to put over those of the file, each as `stop.iterations=5`.

    Raises:
        CampaignError: everything that is wrong with the file and the overrides.
    """
    text = read_text(path)
    tree = parse_yaml(text)
    if not isinstance(cast("object", tree.data), dict):
        raise CampaignError(path, tree.problems or [_no_mapping(tree)])
    apply_overrides(tree, overrides)
    data = cast("dict[str, Any]", tree.data)
    campaign, findings = judge(data, _written(tree.spots))
    problems = [
        *tree.problems,
        *(_problem(found, tree.spots) for found in findings if found.place not in tree.unread),
    ]
    root = _root(path, data.get("root", "."), tree, problems)
    repo = _repo(path, data, root, tree, problems)
    if campaign is None or problems:
        raise CampaignError(path, sorted(problems, key=_order))
    campaign = _normal(campaign)
    return LoadedCampaign(
        campaign=campaign,
        path=path.resolve(),
        text=text,
        sha256=document_sha256(campaign.document()),
        root=root,
        document=campaign.document(),
        repo=repo,
        spots=tree.spots,
    )


def located(loaded: LoadedCampaign, findings: Sequence[Finding]) -> list[Problem]:
    """Findings about a campaign with line and column, named by their places, in their order."""
    named = [labelled(finding, loaded.document) for finding in findings]
    return sorted((_problem(finding, loaded.spots) for finding in named), key=_order)


def campaign_from_document(document: dict[str, Any]) -> Campaign:
    """The campaign that `Campaign.document` made plain.

    Raises:
        CampaignError: this version cannot use it.
    """
    campaign, findings = judge(document)
    if campaign is None:
        raise CampaignError("the stored campaign", [_problem(finding, {}) for finding in findings])
    return _normal(campaign)


def root_folder(path: Path, root: str) -> Path:
    """The absolute folder in which commands run: `root`, from the folder of the campaign file."""
    return (path.resolve().parent / root).resolve()


def document_sha256(document: dict[str, Any]) -> str:
    """A hash of what a campaign means: comments and the order of keys do not change it."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _normal(campaign: Campaign) -> Campaign:
    """Values as their parameters write them, so that 1 and 1.0 are not told apart by accident."""
    space = campaign.space

    def own(name: str, value: Scalar) -> Scalar:
        return space[name].normal(value)

    conditioned = {
        name: parameter.model_copy(
            update={
                "when": {
                    other: tuple(own(other, value) for value in values)
                    for other, values in parameter.when.items()
                }
            }
        )
        for name, parameter in space.items()
    }
    baseline = {name: own(name, value) for name, value in campaign.baseline.items()}
    return campaign.model_copy(update={"baseline": baseline, "space": conditioned})


def _root(path: Path, given: object, tree: Tree, problems: list[Problem]) -> Path:
    """The absolute folder in which commands run; a complaint joins `problems` if there is none."""
    return _folder(path, given, ("root",), tree, problems)


def _repo(
    path: Path, data: dict[str, Any], root: Path, tree: Tree, problems: list[Problem]
) -> Path | None:
    """The absolute folder of the repository; a complaint joins `problems` if `root` is outside."""
    workspace: object = data.get("workspace")
    if not isinstance(workspace, dict):
        return None
    place = ("workspace", "repo")
    given = cast("dict[str, Any]", workspace).get("repo", ".")
    repo = _folder(path, given, place, tree, problems)
    if root.is_dir() and repo.is_dir() and not root.is_relative_to(repo):
        message = f"root: {root} does not lie in the repository {repo}"
        fix = "correct root or workspace.repo; both are relative to the folder of this file"
        at = ("root",) if "root" in data else place
        problems.append(_problem(Finding(place=at, message=message, fix=fix), tree.spots))
    return repo


def _folder(
    path: Path, given: object, place: tuple[str, ...], tree: Tree, problems: list[Problem]
) -> Path:
    """The absolute folder that stands at a place; a complaint joins `problems` if there is none."""
    folder = root_folder(path, given if isinstance(given, str) and "\0" not in given else ".")
    if not folder.is_dir():
        message = f"{'.'.join(place)}: there is no folder {folder}"
        fix = "correct it; it is relative to the folder of this file"
        finding = Finding(place=place, message=message, fix=fix)
        problems.append(_problem(finding, tree.spots))
    return folder


def _written(spots: dict[Place, Spot]) -> dict[Place, str]:
    return {place: spot.written for place, spot in spots.items() if spot.written is not None}


def _no_mapping(tree: Tree) -> Problem:
    what = "holds only comments" if tree.data is None else "is no mapping of keys to values"
    line, column = (tree.spots[()].line, tree.spots[()].column) if tree.spots else (1, 1)
    return Problem(
        line=line, column=column, message=f"the file {what}", fix="begin with campaign: NAME"
    )


def _problem(finding: Finding, spots: dict[Place, Spot]) -> Problem:
    """The finding with its line and column, or with the place's nearest surroundings'."""
    place, at_key = finding.place, finding.at_key
    while place not in spots and place:
        place, at_key = place[:-1], True
    spot = spots.get(place)
    if spot is None or spot.option:
        line = column = 0
    elif at_key:
        line, column = spot.key_line, spot.key_column
    else:
        line, column = spot.line, spot.column
    return Problem(
        line=line,
        column=column,
        message=finding.message,
        fix=finding.fix,
        option=spot.option if spot else "",
    )


def _order(problem: Problem) -> tuple[str, int, int, str]:
    return problem.option, problem.line, problem.column, problem.message
