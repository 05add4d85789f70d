"""The check in two commands: programs are left as data, and a judge that never ran them judges."""

import dataclasses
import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest

from kernels.gdn import audit, cases, cost, judge, named, produce, programs, sealed_child, tpu
from kernels.gdn.cost import Estimate
from kernels.gdn.failure import Failure
from kernels.gdn.member import Member
from tests.kernels.mutants import MEMBER, MUTANTS
from tests.kernels.test_cost import HAS_COMPILER, QUICK, RECORDED_WITH, V5P, program, recorded
from tests.kernels.test_mutants import AUDITED, JUDGED

ROOT = Path(__file__).parents[2]
SMALL = Member(chunk=128, inverse="sub8", merge="packed", inverse_precision="refined")
PARAMETERS = {"inverse": "sub8", "merge": "packed", "inverse_precision": "refined"}


def answer(folder: Path, check: str, seed: int = 5) -> dict[str, Any]:
    """What the process that runs the programs answers."""
    return sealed_child.answer({"produced": str(folder), "check": check, "seed": seed})


def failed(found: dict[str, Any]) -> list[str]:
    return [v["case"] for v in found["verdicts"] if not v["passed"]]


# Broken kernels and cheats

LATE = pytest.mark.long
SLOW = {"dropped-inter-chunk-term", "key-heads-taken-for-value-heads"}
"""Written as programs these take 20 s each; `test_mutants` refuses them by the same stresses."""


@pytest.mark.parametrize("name", AUDITED)
def test_a_kernel_that_breaks_a_rule_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    produce.write_function(MUTANTS[name].kernel(interpret=False), tmp_path, "audit")
    found = answer(tmp_path, "audit")
    reason = MUTANTS[name].reason
    if reason in {audit.LOOP, audit.CALLBACK}:
        assert found["failure"]["kind"] == "refused"
        assert found["failure"]["detail"].startswith(reason)
    else:
        assert failed(found) == [f"no {reason}"]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=LATE if name in SLOW else ()) for name in JUDGED]
)
def test_a_kernel_that_is_wrong_is_refused_by_the_stress(name: str) -> None:
    """The smallest member that shows it, but for the mutant that mixes up heads of a step."""
    mutant = MUTANTS[name]
    member = MEMBER if name.startswith("key-heads") else SMALL
    kernel = functools.partial(tpu.forward, member, phases=mutant.phases)
    one = left(kernel, named.MATRIX)
    verdicts = judge.matrix(
        judge.Runner(one.interpreted()), cases.MATRIX, named.MATRIX.tokens, seed=11
    )
    wrong = [v.case for v in verdicts if not v.passed]
    assert any(case.startswith(mutant.reason) for case in wrong), wrong


def left(kernel: Any, shape: named.Named) -> programs.Left:
    from kernels.common.program import document, encode

    text = document.encode(encode.traced(kernel, shape.abstract()))
    return programs.Left(shape, document.decode(text))


def test_a_kernel_that_is_right_but_where_it_is_costed_is_refused_there(tmp_path: Path) -> None:
    """At the costed lengths, and there alone, the inverse is left out."""

    def special(*inputs: Any) -> Any:
        skipped = inputs[0].shape[1] in cost.SAMPLES
        phases = MUTANTS["skipped-inverse"].phases if skipped else tpu.body.PHASES
        return tpu.forward(SMALL, *inputs, phases=phases)

    produce.write_function(special, tmp_path, "cost")
    found = failed(answer(tmp_path, "cost"))
    assert [case.split(":")[0] for case in found] == [
        "as it is costed, B1 T1024 Hk4 Hv8", "as it is costed, B1 T2048 Hk4 Hv8",
    ]  # fmt: skip


class WrongOnOneStress:
    """In place of a costed program: right but on heads whose gates close at once."""

    shape = named.Named(1, 128, 4, 8)

    def interpreted(self, *, backwards: bool) -> Any:
        assert backwards

        def forward(*inputs: Any) -> Any:
            o, state = tpu.forward(SMALL, *inputs, interpret=True)
            closed = jnp.any((inputs[3] < -100) & (inputs[3] > -1000), axis=1)
            return o, jnp.where(closed[..., None, None], state + 1, state)

        return forward


def test_no_stress_is_left_out_where_it_is_costed() -> None:
    """With as few heads as this the one that it is wrong on was left out for half of all seeds."""
    verdict = sealed_child._at_own_shape(WrongOnOneStress(), seed=4)
    assert not verdict.passed
    assert verdict.case.startswith("as it is costed, B1 T128 Hk4 Hv8: random keys, g -200")


def test_a_kernel_that_is_another_one_at_each_length_is_refused(tmp_path: Path) -> None:
    def special(*inputs: Any) -> Any:
        exact = "fp32" if inputs[0].shape[1] == cost.SAMPLES[0] else "refined"
        return tpu.forward(dataclasses.replace(SMALL, inverse_precision=exact), *inputs)

    produce.write_function(special, tmp_path, "audit")
    assert failed(answer(tmp_path, "audit")) == ["no other-kernel-at-another-length"]


@pytest.mark.long
def test_a_grid_without_two_parallel_steps_is_costed_at_more_heads(tmp_path: Path) -> None:
    member = Member(heads_per_step=8, inverse="sub8", merge="packed")
    produce.write_function(functools.partial(tpu.forward, member), tmp_path, "audit")
    assert answer(tmp_path, "audit")["value_heads"] == cost.sample_heads(member) == 16
    (tmp_path / named.costed(named.MANY)[0].file).unlink()
    assert "was not left" in answer(tmp_path, "audit")["failure"]["detail"]


def test_arithmetic_around_the_kernel_is_charged_where_it_takes_longer_than_the_bytes() -> None:
    profiles = [program(110_000, 10**6), program(210_000, 2 * 10**6)]
    plain = cost.scale(profiles, V5P, heads=8)
    few = [p | {"around_operations": 10**6 * (i + 1)} for i, p in enumerate(profiles)]
    many = [p | {"around_operations": 10**9 * (i + 1)} for i, p in enumerate(profiles)]
    assert cost.scale(few, V5P, heads=8) == plain
    seconds = 8 * 4 * 10**9 / (2 * 4096 * 1.751e9)
    assert cost.scale(many, V5P, heads=8).copies_ms == pytest.approx(seconds * 1e3, abs=1e-6)


def test_an_estimate_is_not_below_the_time_of_the_blocks_that_are_moved() -> None:
    profiles = [program(110_000, 10**6), program(210_000, 2 * 10**6)]
    plain = cost.scale(profiles, V5P, heads=8)
    few = [p | {"fetched_bytes": 10**6 * (i + 1)} for i, p in enumerate(profiles)]
    many = [p | {"fetched_bytes": 10**9 * (i + 1)} for i, p in enumerate(profiles)]
    assert cost.scale(few, V5P, heads=8) == plain
    moved_ms = 8 * 4 * 10**9 / 2765e9 * 1e3
    assert cost.scale(many, V5P, heads=8).est_ms == pytest.approx(plain.copies_ms + moved_ms)


@pytest.mark.parametrize("more", ["around_bytes", "around_operations"])
def test_work_around_the_kernel_that_does_not_grow_is_refused(more: str) -> None:
    """More of it at the shorter length makes the line flatter."""
    steady = [program(110_000, 10**6), program(210_000, 2 * 10**6)]
    figures = cost.scale(steady, V5P, heads=8)
    assert cost.not_steady(steady, V5P, 8, figures) is None
    padded = [steady[0] | {more: 10**9}, steady[1] | {more: 10**9}]
    outcome = cost.not_steady(padded, V5P, 8, figures)
    assert isinstance(outcome, Failure)
    assert "does not grow with the tokens" in outcome.detail


# The judge


def test_the_judge_imports_no_kernel() -> None:
    code = (
        "import sys, kernels.gdn.sealed, kernels.gdn.sealed_child, kernels.gdn.programs, "
        "kernels.gdn.acceptance, kernels.gdn.cost_child\n"
        "print([m for m in sys.modules if m.startswith('kernels.gdn.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in ("tpu", "body", "inverses", "layouts", "schedule", "words", "produce"):
        assert f"'kernels.gdn.{name}'" not in done.stdout


def command(folder: Path, *words: str, seed: Any = 1234567) -> tuple[Any, dict[str, Any] | None]:
    """The finished command, and the report that it wrote to its pipe."""
    asked = folder / "candidate.json"
    asked.write_text(json.dumps({"parameters": PARAMETERS, "seed": seed}))
    (folder / "produced").mkdir(exist_ok=True)
    reading, writing = os.pipe()
    variables = {
        "CONTROLROOM_CANDIDATE": str(asked), "CONTROLROOM_PRODUCED": str(folder / "produced"),
        "CONTROLROOM_REPORT_FD": str(writing), "CONTROLROOM_TOKEN": "one-time",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "kernels.gdn.evaluate", *words], cwd=ROOT, pass_fds=[writing],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    return done, json.loads(text) if text else None


def test_what_is_produced_is_judged_over_the_pipe(tmp_path: Path) -> None:
    done, report = command(tmp_path, "produce", "audit")
    assert (done.returncode, report) == (0, None), done.stderr
    done, report = command(tmp_path, "judge", "audit")
    assert done.returncode == 0, done.stderr
    assert report == {
        "metrics": {"worst_excess": 0.0},
        "tests": {"passed": 12, "failed": 0, "skipped": 0},
        "token": "one-time",
    }
    assert "one-time" not in done.stdout + done.stderr


def test_nothing_produced_is_refused_over_the_pipe(tmp_path: Path) -> None:
    done, report = command(tmp_path, "judge", "cost")
    assert done.returncode == 1
    assert report is not None
    assert report["failure"]["class"] == "refused"
    assert "b1-t1024-hk4-hv8.json was not left" in report["failure"]["detail"]
    assert "Traceback" not in done.stderr


def test_a_judge_without_a_seed_is_a_usage_error(tmp_path: Path) -> None:
    done, report = command(tmp_path, "judge", "cost", seed=None)
    assert (done.returncode, report) == (2, None)
    assert "seed must be an integer" in done.stderr


def test_programs_that_take_too_long_are_a_timeout(tmp_path: Path) -> None:
    done, report = command(tmp_path, "judge", "cost", "--deadline", "0.05")
    assert done.returncode == 1
    assert report is not None
    assert report["failure"]["class"] == "timeout"


def test_the_estimate_of_a_rebuilt_program_is_that_of_the_member_to_the_bit(
    tmp_path: Path,
) -> None:
    produce.write({**PARAMETERS}, tmp_path, "audit")
    outcome = cost.estimate_programs(tmp_path, cost.sample_heads(QUICK), "v5p", 200.0)
    if not HAS_COMPILER:
        assert isinstance(outcome, Failure)
        assert "libtpu is not installed" in outcome.detail
        return
    assert isinstance(outcome, Estimate)
    if cost.libtpu_version() == RECORDED_WITH:
        assert (outcome.est_ms, outcome.spills) == recorded("R", "sub8", "packed", "refined")


MEMBERS = [
    {},
    {"heads_per_step": 2, "schedule": "lockstep", "form": "WY", "products": "fused"},
    {"heads_per_step": 8, "schedule": "lockstep", "layout": "native", **PARAMETERS},
]


@pytest.mark.long
@pytest.mark.parametrize("parameters", MEMBERS, ids=str)
def test_members_are_judged_as_they_are_directly(parameters: Any, tmp_path: Path) -> None:
    produce.write(parameters, tmp_path, "acceptance")
    member = Member(**parameters)
    for check, count in (("correctness", 30), ("acceptance", 56)):
        found = answer(tmp_path, check)
        assert failed(found) == []
        assert len(found["verdicts"]) == count
    if HAS_COMPILER:
        outcome = cost.estimate_programs(tmp_path, cost.sample_heads(member), "v5p", 280.0)
        assert outcome == cost.estimate(member, "v5p", 280.0)
