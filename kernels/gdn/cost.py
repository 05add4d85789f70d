"""The static estimate of a member's time, from fresh processes for every candidate.

`est_ms` is for B1 T8192 Hk16 Hv32 K=V=128: the kernel's cycles and the bytes moved around it are
taken at T = 1024 and 2048 for a few heads, and their slope and intercept extrapolated in T, then
scaled by the number of heads. Programs at the full shape take ten times as long to estimate and
agree within two per cent (docs/kernels-gdn.md).
"""

import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kernels.common.chips import CHIPS, Chip
from kernels.common.static_profile import has_tpu
from kernels.gdn.failure import Failure
from kernels.gdn.member import HEAD_DIM, Member

TOKENS, KEY_HEADS, VALUE_HEADS = 8192, 16, 32
"""The shape that est_ms is for, with one batch entry."""

SAMPLES = (1024, 2048)
"""Tokens of the two programs that are estimated."""

VECTOR = 4 * 8 * 128
"""Elements that a core's vector unit takes in a cycle: four slots of a register each."""

STEADY = 0.001
"""Part of the estimate that may be missing because work around the kernel did not grow."""

ALLOCATOR = {
    "MALLOC_TOP_PAD_": str(128 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
}
"""glibc's allocator takes memory in large pieces and keeps it: the compiler is a tenth quicker."""

ABORTED = -6
"""Exit status of a process that SIGABRT ended."""

_REASON = re.compile(r"(Static LLO profiling of .*|type_check_result\S* .*|Check failed: .*)")
_REGISTER = re.compile(r"%\S+")


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What the compiler says, scaled to the full shape.

    Args:
        est_ms: kernel_ms + copies_ms, and at least floor_ms; for a program that was rebuilt at
            least copies_ms and the time of the blocks that its kernel moves.
        kernel_ms: of the kernel's cycles.
        copies_ms: of the bytes that operations around the kernel move, or of their arithmetic.
        floor_ms: of the bytes that any kernel must move.
        cycles: of a core, per 128 tokens of a value head.
    """

    est_ms: float
    kernel_ms: float
    copies_ms: float
    floor_ms: float
    cycles: float
    vmem_mib: float
    bundles: int
    spills: int


def sample_heads(member: Member) -> int:
    """Value heads of the estimated programs: at least a grid step for each of two cores."""
    return max(8, 2 * member.heads_per_step)


def libtpu_version() -> str | None:
    """The installed compiler's version, or nothing."""
    if importlib.util.find_spec("libtpu") is None:
        return None
    from importlib.metadata import version  # 30 ms, which all that need no version are spared

    return version("libtpu")


def label() -> str:
    """What every figure is called."""
    return f"static estimate (libtpu {libtpu_version()})"


def estimate(member: Member, target: str, deadline_s: float) -> Estimate | Failure:
    """The member's estimate on the target, or why there is none.

    Cost: two processes side by side, each 4 s and more of one core, and 0.8 GB.
    """
    job = {"parameters": dataclasses.asdict(member), "target": target}
    profiles = _profiles([{**job, "tokens": tokens} for tokens in SAMPLES], deadline_s)
    if isinstance(profiles, Failure):
        return profiles
    return scale(profiles, CHIPS[target], sample_heads(member))


def estimate_programs(
    folder: Path, heads: int, target: str, deadline_s: float
) -> Estimate | Failure:
    """The same for the programs that a candidate left for that many value heads.

    Cost: as much as a member's.
    """
    job = {"folder": str(folder), "value_heads": heads, "target": target}
    profiles = _profiles([{**job, "tokens": tokens} for tokens in SAMPLES], deadline_s)
    if isinstance(profiles, Failure):
        return profiles
    figures = scale(profiles, CHIPS[target], heads)
    return not_steady(profiles, CHIPS[target], heads, figures) or figures


def not_steady(
    profiles: list[dict[str, int]], chip: Chip, heads: int, figures: Estimate
) -> Failure | None:
    """The failure of a program whose work around the kernel does not grow with the tokens."""
    parts = [_around_s(p, chip) for p in profiles]
    at_longer_s = parts[1] * TOKENS / SAMPLES[1]
    missing_ms = (at_longer_s - _extrapolate(parts)) * VALUE_HEADS / heads * 1e3
    if missing_ms <= STEADY * figures.est_ms:
        return None
    return Failure(
        "refused",
        f"work around the kernel does not grow with the tokens: {missing_ms:.6f} ms of it would be "
        f"missing at T = {TOKENS}",
    )


def _around_s(profile: dict[str, int], chip: Chip) -> float:
    """Time of what is around the kernel: of its bytes, or of its arithmetic where that is more."""
    vector_s = profile.get("around_operations", 0) / (chip.cores * VECTOR * chip.clock_hz)
    return max(profile["around_bytes"] / chip.bytes_per_s, vector_s)


def scale(profiles: list[dict[str, int]], chip: Chip, heads: int) -> Estimate:
    """The estimate for the full shape from the two programs' profiles."""
    rounds = VALUE_HEADS / heads
    cycles = _extrapolate([p["cycles"] for p in profiles]) * rounds
    moved = _extrapolate([p["around_bytes"] for p in profiles]) * rounds
    operations = _extrapolate([p.get("around_operations", 0) for p in profiles]) * rounds
    vector_s = operations / (chip.cores * VECTOR * chip.clock_hz)
    fetched = _extrapolate([p.get("fetched_bytes", 0) for p in profiles]) * rounds
    kernel_s, copies_s = cycles / chip.clock_hz, max(moved / chip.bytes_per_s, vector_s)
    floor_s = floor_bytes() / chip.bytes_per_s
    least_s = max(floor_s, fetched / chip.bytes_per_s + copies_s)
    head_chunks = VALUE_HEADS * TOKENS / 128
    return Estimate(
        est_ms=_ms(max(kernel_s + copies_s, least_s)),
        kernel_ms=_ms(kernel_s),
        copies_ms=_ms(copies_s),
        floor_ms=_ms(floor_s),
        cycles=round(cycles * chip.cores / head_chunks, 1),
        vmem_mib=round(profiles[-1]["vmem_bytes"] / 2**20, 3),
        bundles=profiles[-1]["bundles"],
        spills=profiles[-1]["spills"],
    )


def hotspots(figures: Estimate) -> list[dict[str, Any]]:
    """Where the estimated time goes: the kernel itself, or the copies around it."""
    total = figures.kernel_ms + figures.copies_ms
    parts = {"kernel cycles": figures.kernel_ms, "copies around the kernel": figures.copies_ms}
    return [{"name": name, "share": round(ms / total, 4)} for name, ms in parts.items()]


def floor_bytes() -> int:
    """Bytes that every kernel moves at the full shape: inputs, outputs and both states, once."""
    activations = 2 * TOKENS * HEAD_DIM * (2 * KEY_HEADS + 2 * VALUE_HEADS)
    gates = 4 * TOKENS * 2 * VALUE_HEADS
    states = 2 * 4 * VALUE_HEADS * HEAD_DIM * HEAD_DIM
    return activations + gates + states


def _extrapolate(values: Sequence[float]) -> float:
    slope = (values[1] - values[0]) / (SAMPLES[1] - SAMPLES[0])
    return values[0] + slope * (TOKENS - SAMPLES[0])


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 6)


def _profiles(jobs: list[dict[str, Any]], deadline_s: float) -> list[dict[str, int]] | Failure:
    """The programs' profiles, made side by side unless they would have to share a TPU."""
    if libtpu_version() is None:
        return Failure(
            "infra",
            "libtpu is not installed: no static estimate without the TPU compiler; on Linux "
            "x86-64, pip install -r requirements-tpu.txt",
        )
    until_s = time.monotonic() + deadline_s

    def profile(job: dict[str, Any]) -> dict[str, int] | Failure:
        try:
            done = _run_child(json.dumps(job), until_s - time.monotonic())
        except subprocess.TimeoutExpired:
            return Failure("timeout", f"no static estimate within {deadline_s:g} s")
        return _outcome(done)

    with ThreadPoolExecutor(1 if has_tpu() else len(jobs)) as pool:
        outcomes = list(pool.map(profile, jobs))
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    return failures[0] if failures else [p for p in outcomes if not isinstance(p, Failure)]


def _run_child(job: str, deadline_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kernels.gdn.cost_child"]
    environment = {**os.environ, **ALLOCATOR, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        command, input=job, capture_output=True, text=True, env=environment,
        timeout=deadline_s, check=False,
    )  # fmt: skip


def _outcome(done: subprocess.CompletedProcess[str]) -> dict[str, int] | Failure:
    if done.returncode == ABORTED:
        return Failure("refused", f"the TPU compiler aborts: {_reason(done.stderr)}")
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        return Failure("infra", f"the costing process ended with {done.returncode}: {last[0]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "failure" in answer:
        return Failure(**answer["failure"])
    return answer["profile"]


def _reason(stderr: str) -> str:
    """The compiler's own words, without registers, which say nothing to a reader."""
    match = _REASON.search(stderr)
    text = match.group(1) if match else "it gives no reason"
    return _REGISTER.sub("%", text)[:240]
