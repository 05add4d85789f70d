"""Where candidates of code live: the git repository, and how it is used."""

from typing import Literal

from pydantic import Field

from engine.core.campaign.fields import Filled, Model
from engine.core.campaign.placeholders import fill


class WorkspaceSpec(Model):
    """The git repository whose code is climbed.

    In mode `worktree` the run works in trees of its own, one for each slot, below the run's folder:
    your checkout is not touched, and accepted commits go to `branch`. In mode `in-place` it works
    in your checkout, in one slot, accepted commits move the branch that is checked out, and your
    own changes are put back after every iteration. Either way every commit that a check has seen
    stays reachable under `refs/controlroom/`.
    """

    repo: Filled = Field(
        default=".",
        description="The repository's top folder, relative to the folder of this file. `root` must "
        "lie in it.",
        examples=[".."],
    )
    mode: Literal["worktree", "in-place"] = Field(
        default="worktree",
        description="`worktree`: trees of its own; `in-place`: your checkout, and one slot.",
        examples=["in-place"],
    )
    base: Filled = Field(
        default="HEAD",
        description="The commit that the run begins from, by any name that git knows; it is looked "
        "up once, when the run begins.",
        examples=["main", "v1.2"],
    )
    branch: Filled = Field(
        default="controlroom/{campaign}/{run}",
        description="In mode `worktree`, the branch of accepted commits. `{campaign}` and `{run}` "
        "stand for their names.",
        examples=["'tuning/{run}'"],
    )
    link: tuple[Filled, ...] = Field(
        default=(),
        description="Ignored files and folders of the repository that every tree gets a link to: "
        "data sets, environments. In mode `in-place` they are there anyway.",
        examples=["[data, .venv]"],
    )
    keep: tuple[Filled, ...] = Field(
        default=(),
        description="Files that git does not have, as patterns of .gitignore, which a tree keeps "
        "from one iteration to the next: caches of compilers. All others are removed.",
        examples=["[build/, '*.o']"],
    )
    dirty: Literal["fail", "stash", "allow"] = Field(
        default="fail",
        description="In mode `in-place`, when your checkout has changes that are not committed. "
        "`stash`: they are put under a private ref, untracked files too, and come back after the "
        "iteration. `allow`: the run begins from the code as it is, with them.",
        examples=["stash"],
    )
    restore: Literal["warn-keep", "fail"] = Field(
        default="warn-keep",
        description="In mode `in-place`, when these changes do not fit any more. `warn-keep`: say "
        "so, keep them under their ref and go on; `fail`: halt.",
        examples=["fail"],
    )
    sync: Literal["off", "once", "each"] = Field(
        default="off",
        description="Merge the main branch, never, when the run begins, or before each iteration. "
        "After a merge the champion is measured again.",
        examples=["once"],
    )
    sync_remote: Filled = Field(
        default="origin",
        description="The remote that has the main branch.",
        examples=["upstream"],
    )
    sync_branch: Filled = Field(
        default="main", description="The name of the main branch.", examples=["develop"]
    )
    sync_conflict: Literal["fail", "skip"] = Field(
        default="fail",
        description="When it cannot be merged by itself: stop, or go on without.",
        examples=["skip"],
    )

    def branch_of(self, campaign: str, run: str) -> str:
        """The name of the branch of a run's accepted commits."""
        return fill(self.branch, {"campaign": campaign, "run": run})

    def made_resilient(self) -> "WorkspaceSpec":
        """The workspace of a run that does not end for a dirty tree or a conflict."""
        return self.model_copy(
            update={
                "dirty": "stash" if self.dirty == "fail" else self.dirty,
                "restore": "warn-keep",
                "sync_conflict": "skip",
            }
        )
