"""Every broken kernel is refused, by name of the reason."""

import pytest

from kernels.gdn import audit, cases, checks
from kernels.gdn.judge import Runner, matrix
from tests.kernels.mutants import MEMBER, MUTANTS

TOKENS = 3 * MEMBER.chunk + 17
AUDITED = sorted(name for name, m in MUTANTS.items() if m.reason in audit.RULES)
JUDGED = sorted(name for name, m in MUTANTS.items() if m.reason not in audit.RULES)


@pytest.mark.parametrize("name", AUDITED)
def test_the_audit_names_the_rule(name: str) -> None:
    verdicts = checks.audit_verdicts(MUTANTS[name].kernel(interpret=False))
    assert [v.case for v in verdicts if not v.passed] == [f"no {MUTANTS[name].reason}"]


@pytest.mark.parametrize("name", JUDGED)
def test_the_matrix_names_the_stress(name: str) -> None:
    mutant = MUTANTS[name]
    verdicts = matrix(Runner(mutant.kernel(interpret=True)), cases.MATRIX, TOKENS, seed=11)
    failed = [v.case for v in verdicts if not v.passed]
    assert any(case.startswith(mutant.reason) for case in failed), failed
    if mutant.passes:
        assert not any(case.startswith(mutant.passes) for case in failed), failed


def test_a_judged_mutant_breaks_no_rule_so_that_only_its_outputs_give_it_away() -> None:
    verdicts = checks.audit_verdicts(MUTANTS["neumann-inverse"].kernel(interpret=False))
    assert all(v.passed for v in verdicts)
