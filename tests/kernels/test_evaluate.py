"""The check command: the files it reads and writes, its exit status, and that it repeats itself."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

QUICK = {"inverse": "sub8", "merge": "packed", "inverse_precision": "refined"}
ROOT = Path(__file__).parents[2]


def run(folder: Path, candidate: Any, *arguments: str) -> tuple[subprocess.CompletedProcess, Any]:
    """The finished command and the content of its result file, if there is one."""
    asked, answered = folder / "candidate.json", folder / "result.json"
    asked.write_text(candidate if isinstance(candidate, str) else json.dumps(candidate))
    files = {"CONTROLROOM_CANDIDATE": str(asked), "CONTROLROOM_RESULT": str(answered)}
    done = subprocess.run(
        [sys.executable, "-m", "kernels.gdn.evaluate", *arguments],
        cwd=ROOT, env={**os.environ, **files}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, json.loads(answered.read_text()) if answered.exists() else None


def candidate(parameters: dict[str, Any], seed: int = 7) -> dict[str, Any]:
    return {
        "id": "0123456789abcdef", "parameters": parameters, "seed": seed,
        "commit": None, "parents": [], "iteration": 3,
    }  # fmt: skip


def test_a_correct_candidate_passes_and_prints_the_same_twice(tmp_path: Path) -> None:
    done, result = run(tmp_path, candidate(QUICK), "correctness")
    again, _ = run(tmp_path, candidate(QUICK), "correctness")
    assert done.returncode == 0, done.stderr
    assert result["tests"] == {"passed": 22, "failed": 0, "skipped": 0}
    assert 0 < result["metrics"]["worst_excess"] < 1
    assert "failure" not in result
    assert done.stdout == again.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["candidate.json", "result.json"]


def test_an_incorrect_candidate_fails_by_name_of_the_stress(tmp_path: Path) -> None:
    parameters = {**QUICK, "inverse_precision": "bf16"}
    done, result = run(tmp_path, candidate(parameters), "correctness")
    assert done.returncode == 1
    assert result["failure"]["class"] == "incorrect"
    assert "half-common keys, g 0.0, beta 1.999" in done.stdout.split("FAIL  ", 1)[1]
    assert "relative error" in result["failure"]["detail"]
    assert result["tests"]["failed"] >= 1


def test_an_invalid_member_fails_as_such(tmp_path: Path) -> None:
    done, result = run(tmp_path, candidate({"chunk": 100}), "cost")
    assert done.returncode == 1
    assert result["failure"] == {
        "class": "invalid",
        "detail": "invalid member: chunk: 100 is not one of 64, 128, 256",
    }


def test_cost_reports_what_the_campaign_reads(tmp_path: Path) -> None:
    done, result = run(tmp_path, candidate(QUICK), "cost", "--target", "v5p")
    if done.returncode == 1:
        assert "libtpu is not installed" in result["failure"]["detail"]
        return
    names = {"est_ms", "kernel_ms", "copies_ms", "floor_ms", "vmem_mib", "spills"}
    assert names <= set(result["metrics"])
    assert "static estimate (libtpu " in done.stdout


def test_by_hand_it_needs_no_files() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kernels.gdn.evaluate", "audit", "--set", "chunk=128"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "pass  no dynamic-trip-count" in done.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be read"),
        ("[]", 'must be an object with an object "parameters"'),
        ('{"parameters": 3}', 'must be an object with an object "parameters"'),
        ('{"parameters": {}, "seed": "x"}', "seed must be an integer"),
    ],
)
def test_a_bad_candidate_file_is_a_usage_error(tmp_path: Path, content: str, words: str) -> None:
    done, result = run(tmp_path, content, "audit")
    assert (done.returncode, result) == (2, None)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
