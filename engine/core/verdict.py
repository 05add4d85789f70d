"""How an iteration can end."""

from typing import Literal, get_args

FailureClass = Literal[
    "infra",  # the machine, the network or the harness, not the candidate
    "flaky",  # passed and failed on the same tree
    "compile",  # the candidate does not build
    "refused",  # the tool would not judge it
    "incorrect",  # it ran and was wrong
    "timeout",
    "no_change",
]
Verdict = (
    Literal[
        "promoted",  # truly better: the new champion
        "rejected",  # valid, not better
        "inconclusive",
        "infeasible",  # measured, but a hard gate fails
        "invalid",  # broke the rules
    ]
    | FailureClass
)

FAILURES: frozenset[str] = frozenset(get_args(FailureClass))
"""Verdicts that mean: nothing could be learned about how good the candidate is."""

SCORED: frozenset[str] = frozenset({"promoted", "rejected", "inconclusive", "infeasible"})
"""Verdicts of candidates whose metric was measured."""
