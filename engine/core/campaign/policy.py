"""What failures mean for the loop."""

from typing import Literal

from pydantic import Field

from engine.core.campaign.fields import Count, Flag, Model
from engine.core.plan import OnFail


class CapsSpec(Model):
    """How many failures of a class halt the run until a person looks; 0 is no cap.

    They are counted since a candidate was last judged by what it is worth: one that was promoted,
    rejected, inconclusive or infeasible sets all of them back to 0, and so does `resume`. A run
    that gets on is never halted by failures here and there.
    """

    infra: Count = Field(
        default=10,
        description="The machine, the network or the harness; `max_failures` leaves them out.",
        examples=["4", "0"],
    )
    flaky: Count = Field(
        default=0, description="Passed and failed on the same tree.", examples=["6"]
    )
    compile: Count = Field(default=0, description="The candidate does not build.", examples=["12"])
    refused: Count = Field(default=0, description="A tool would not judge it.", examples=["6"])
    incorrect: Count = Field(default=0, description="It ran and was wrong.", examples=["12"])
    timeout: Count = Field(
        default=0, description="Over its deadline, silent, or over its budget.", examples=["6"]
    )
    no_change: Count = Field(
        default=0,
        description="An agent changed nothing, where `no_commit` does not allow that.",
        examples=["4"],
    )
    invalid: Count = Field(default=0, description="It broke the rules.", examples=["6"])

    def to_rules(self) -> dict[str, int]:
        """The caps by the names of verdicts, as the breaker knows them."""
        return self.model_dump()


class PolicySpec(Model):
    """What failures mean for the loop.

    `fail` ends the run with status 3, `count-failure` counts against `max_failures`, and `continue`
    goes on as if nothing had been. Whatever it says, a candidate that fails is not accepted.

    A failure `infra`, of the machine, the network or the harness, is not the idea's fault:
    `count-failure` does not count it. It has a cap of its own, `caps.infra`.
    """

    resilient: Flag = Field(
        default=False,
        description="One switch for a run that nobody watches. It sets: no `max_failures`; "
        "`count-failure` wherever this section says `fail`; in `workspace`, `dirty: stash` for "
        "`fail`, `restore: warn-keep` and `sync_conflict: skip` for `fail`; at least 2 `retries` "
        "of the agent and of each post-check. A check's own `on_fail` stays.",
        examples=["true"],
    )
    no_commit: Literal["fail", "allow", "count-failure"] = Field(
        default="count-failure",
        description="An agent that ended well and changed nothing. `allow`: that is no failure.",
        examples=["allow"],
    )
    on_fail: OnFail = Field(
        default="count-failure",
        description="A check that fails, unless the check has an `on_fail` of its own.",
        examples=["continue"],
    )
    post_checks: OnFail = Field(
        default="count-failure",
        description="The same for `post_checks`.",
        examples=["fail"],
    )
    errors: OnFail = Field(
        default="count-failure",
        description="An error of the agent, or of the iteration itself.",
        examples=["continue"],
    )
    max_failures: Count | None = Field(
        default=None,
        description="The run ends with status 3 as soon as more failures than this were counted.",
        examples=["10", "0"],
    )
    same_failure: Count = Field(
        default=3,
        description="So many failures of one kind in a row halt the run until a person looks; 0 "
        "switches this off. Only where there is a `workspace`: a search over parameters learns "
        "from failures that are alike. Of a sealed check only those of the machine count.",
        examples=["5"],
    )
    caps: CapsSpec = Field(
        default=CapsSpec(),
        description="So many failures of one class, however different, do the same.",
        examples=["{infra: 4, incorrect: 12}"],
    )

    def made_resilient(self) -> "PolicySpec":
        """The policy of a run that does not end for a failure."""
        return self.model_copy(
            update={
                "no_commit": "count-failure" if self.no_commit == "fail" else self.no_commit,
                "on_fail": _softened(self.on_fail),
                "post_checks": _softened(self.post_checks),
                "errors": _softened(self.errors),
                "max_failures": None,
            }
        )


def _softened(policy: OnFail) -> OnFail:
    return "count-failure" if policy == "fail" else policy
