"""The static estimate: what it is made of, that it repeats, and what it says when there is none."""

import csv
from pathlib import Path

import pytest

from kernels.common import hlo
from kernels.common.chips import CHIPS
from kernels.gdn import cost
from kernels.gdn.cost import Estimate
from kernels.gdn.failure import Failure
from kernels.gdn.member import Member

V5P = CHIPS["v5p"]
QUICK = Member(inverse="sub8", merge="packed", inverse_precision="refined")
HAS_COMPILER = cost.libtpu_version() is not None
TABLE = Path(__file__).parents[2] / "assets" / "gdn-v5p-family.csv"
RECORDED_WITH = "0.0.51"


def program(cycles: int, around: int = 0) -> dict[str, int]:
    return {
        "cycles": cycles, "around_bytes": around, "vmem_bytes": 2**20, "bundles": 7, "spills": 3,
    }  # fmt: skip


def assert_names_what_is_missing(outcome: object) -> None:
    assert isinstance(outcome, Failure)
    assert outcome.kind == "infra"
    assert "libtpu is not installed" in outcome.detail
    assert "pip install -r requirements-tpu.txt" in outcome.detail


def test_an_estimate_is_a_line_in_the_tokens_scaled_by_the_heads() -> None:
    figures = cost.scale([program(110_000), program(210_000)], V5P, heads=8)
    cycles = (10_000 + 100_000 * 8) * 4
    assert figures.kernel_ms == pytest.approx(cycles / 1.751e9 * 1e3, abs=1e-6)
    assert figures.est_ms == figures.kernel_ms
    assert (figures.vmem_mib, figures.bundles, figures.spills) == (1.0, 7, 3)


def test_copies_around_the_kernel_are_charged_by_their_bytes() -> None:
    figures = cost.scale([program(110_000, 10**6), program(210_000, 2 * 10**6)], V5P, heads=8)
    assert figures.copies_ms == pytest.approx(8 * 4 * 10**6 / 2765e9 * 1e3, abs=1e-6)
    assert figures.est_ms == pytest.approx(figures.kernel_ms + figures.copies_ms, abs=2e-6)


def test_no_estimate_is_below_the_time_of_the_bytes() -> None:
    figures = cost.scale([program(10), program(20)], V5P, heads=8)
    assert figures.est_ms == figures.floor_ms == pytest.approx(0.0751, abs=1e-4)


def test_the_estimate_repeats_to_the_bit_and_says_what_it_is() -> None:
    first, second = (cost.estimate(QUICK, "v5p", 200.0) for _ in range(2))
    assert first == second
    if not HAS_COMPILER:
        assert_names_what_is_missing(first)
        return
    assert isinstance(first, Estimate)
    assert first.floor_ms < first.kernel_ms < first.est_ms < 5.0
    assert cost.label().startswith("static estimate (libtpu 0.")
    if cost.libtpu_version() == RECORDED_WITH:
        assert (first.est_ms, first.spills) == recorded("R", "sub8", "packed", "refined")


def recorded(form: str, inverse: str, merge: str, precision: str) -> tuple[float, int]:
    """est_ms and spills of a member with one head a step, from the table of the family."""
    chosen = (form, inverse, merge, precision)
    with TABLE.open(newline="") as file:
        (row,) = (
            row
            for row in csv.DictReader(file)
            if row["heads_per_step"] == "1"
            and (row["form"], row["inverse"], row["merge"], row["inverse_precision"]) == chosen
        )
    return float(row["est_ms"]), int(row["spills"])


@pytest.mark.long
@pytest.mark.parametrize("target", ["v5e", "v6e"])
def test_other_chips_are_costed_too(target: str) -> None:
    outcome = cost.estimate(QUICK, target, 200.0)
    if HAS_COMPILER:
        assert isinstance(outcome, Estimate)
        assert outcome.est_ms > outcome.floor_ms
    else:
        assert_names_what_is_missing(outcome)


def test_a_program_that_the_compiler_aborts_on_is_refused_in_its_own_words() -> None:
    outcome = cost.estimate(Member(chunk=64, inverse_precision="bf16"), "v5p", 200.0)
    assert isinstance(outcome, Failure)
    if HAS_COMPILER:
        assert outcome.kind == "refused"
        assert "vmatmul.msk.bf16" in outcome.detail or "LLO_CHECK" in outcome.detail
    else:
        assert_names_what_is_missing(outcome)


def test_a_deadline_that_passes_is_a_timeout() -> None:
    outcome = cost.estimate(QUICK, "v5p", 0.05)
    if HAS_COMPILER:
        assert outcome == Failure("timeout", "no static estimate within 0.05 s")
    else:
        assert_names_what_is_missing(outcome)


TEXT = """HloModule jit_f

%fused (p: f32[8,128]) -> f32[8,128] {
  %p = f32[8,128]{1,0} parameter(0)
  ROOT %n = f32[8,128]{1,0} negate(%p)
}

ENTRY %main (q: bf16[1,16,2,128]) -> bf16[1,16,2,128] {
  %q = bf16[1,16,2,128]{3,2,1,0:T(8,128)(2,1)} parameter(0)
  %r = bf16[1,16,256]{2,1,0:T(8,128)(2,1)} reshape(%q), metadata={op_name="r"}
  %b = bf16[16,256]{1,0} bitcast(%r)
  %gdn_fwd.1 = (bf16[16,256]{1,0}, f32[8,128]{1,0}) custom-call(%b), custom_call_target="tpu", \
backend_config={"used_scoped_memory_configs":[{"memory_space":"1","offset":"0","size":"4096"}]}
  %g = bf16[16,256]{1,0} get-tuple-element(%gdn_fwd.1), index=0
  ROOT %c = bf16[1,16,2,128]{3,2,1,0} copy(%g)
}
"""


def test_bytes_around_the_kernel_are_those_of_what_moves() -> None:
    assert hlo.moved_bytes(TEXT) == 4 * 16 * 256 * 2
    assert hlo.kernel_vmem_bytes(TEXT, "gdn_fwd.1") == 4096
