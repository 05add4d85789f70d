"""The checks that need no compiler for TPUs: audit, correctness, acceptance."""

import functools

from kernels.gdn import audit, cases, shapes, tpu
from kernels.gdn.acceptance import TAIL, acceptance
from kernels.gdn.judge import Kernel, Runner, Verdict, matrix
from kernels.gdn.member import Member

AUDIT_TOKENS, AUDIT_KEYS, AUDIT_VALUES = 1024, 8, 16
"""Shape that the audit traces the kernel at."""


def run(check: str, member: Member, seed: int) -> list[Verdict]:
    """The verdicts of the check on the shipped kernel of the member."""
    verdicts = audit_verdicts(functools.partial(tpu.forward, member))
    if check == "audit":
        return verdicts
    runner = Runner(functools.partial(tpu.forward, member, interpret=True))
    if check == "correctness":
        tokens = 3 * member.chunk + TAIL
        return verdicts + matrix(runner, cases.MATRIX, tokens, seed)
    return verdicts + list(acceptance(runner, member, seed))


def audit_verdicts(kernel: Kernel) -> list[Verdict]:
    """A verdict for each rule, on the program as it is made for a TPU."""
    sample = shapes.abstract(AUDIT_TOKENS, AUDIT_KEYS, AUDIT_VALUES)
    broken = {f.rule: f.detail for f in audit.audit(kernel, sample)}
    return [
        Verdict(f"no {rule}", rule not in broken, float("inf") if rule in broken else 0.0,
                broken.get(rule, ""))
        for rule in audit.RULES
    ]  # fmt: skip
