"""The reference against another formulation, and the oracle against the reference."""

import numpy as np
import pytest

from kernels.gdn import compare, oracle, reference, stress
from kernels.gdn.reference import Inputs
from kernels.gdn.stress import Head

GROUPS = [
    ("half-common", (Head(state=1.0), Head(gates=0.0, beta=1.5))),
    ("random", (Head(beta="to-two", state=10.0), Head(gates=-1.0))),
]


def one_system(inputs: Inputs, head: int) -> tuple[np.ndarray, np.ndarray]:
    """A head's outputs and state from one triangular system over all tokens, in float64."""
    q, k = (np.float64(x[0, :, head // 2]) for x in (inputs.q, inputs.k))
    v, beta = np.float64(inputs.v[0, :, head]), np.float64(inputs.beta[0, :, head])
    total = np.cumsum(np.float64(inputs.g[0, :, head]))
    decay = np.tril(np.exp(np.minimum(total[:, None] - total[None], 0)))
    start = np.float64(inputs.state[0, head])
    system = np.eye(len(v)) + np.tril((k @ k.T) * decay, -1) * beta[:, None]
    u = np.linalg.solve(system, beta[:, None] * (v - np.exp(total)[:, None] * (k @ start)))
    o = np.exp(total)[:, None] * (q @ start) + ((q @ k.T) * decay) @ u
    state = np.exp(total[-1]) * start + (k * np.exp(total[-1] - total)[:, None]).T @ u
    return o * q.shape[1] ** -0.5, state


@pytest.mark.parametrize("head", range(4))
def test_the_scan_agrees_with_one_triangular_system(head: int) -> None:
    inputs = stress.stack(GROUPS, 75, seed=3)
    true = reference.scan(inputs)
    o, state = one_system(inputs, head)
    assert compare.relative(true.o[0, :, head], o) < 1e-12
    assert compare.relative(true.state[0, head], state) < 1e-12


def test_batch_entries_are_scanned_apart() -> None:
    first, second = (stress.stack(GROUPS, 20, seed) for seed in (1, 2))
    both = Inputs(*(np.concatenate(x, 0) for x in zip(first, second, strict=True)))
    assert np.array_equal(reference.scan(both).o[1], reference.scan(second).o[0])


@pytest.mark.parametrize("tokens", [1, 128, 300])
def test_the_oracle_is_as_near_as_bf16_operands_allow(tokens: int) -> None:
    inputs = stress.stack(GROUPS, tokens, seed=4)
    near, true = oracle.chunked(inputs), reference.scan(inputs)
    errors = [compare.relative(near.o[0, :, h], true.o[0, :, h]) for h in range(4)]
    assert 1e-4 < max(errors) < 2e-2


def test_rounding_is_to_nearest_even_bf16() -> None:
    x = np.float32([1.0, 1.00390625, 1.01171875, -3.14159])
    assert oracle.round_bf16(x).tolist() == [1.0, 1.0, 1.015625, -3.140625]


def test_an_error_that_is_no_number_is_not_tolerated() -> None:
    true = reference.scan(stress.stack(GROUPS, 70, seed=5))
    got = reference.Outputs(np.full_like(true.o, np.nan), true.state)
    worst = compare.worst(compare.head_errors(got, true, true, 0))
    assert (worst.passed, worst.excess) == (False, np.inf)


def test_a_bad_window_is_not_hidden_by_a_large_whole() -> None:
    true = reference.scan(stress.stack(GROUPS, 512, seed=6))
    o = true.o.copy()
    o[0, 448:, 1] *= 1.01
    errors = compare.head_errors(reference.Outputs(o, true.state), true, true, 1)
    assert [e.part for e in errors if not e.passed] == ["o[448:512]"]


def test_where_zero_is_right_only_zero_passes() -> None:
    inputs = stress.stack([("random", (Head(value=0.0),))], 64, seed=7)
    true = reference.scan(inputs)
    got = reference.Outputs(true.o + 1e-20, true.state)
    assert compare.worst(compare.head_errors(true, true, true, 0)).passed
    assert not compare.worst(compare.head_errors(got, true, true, 0)).passed


def with_a_last_token(size: float) -> reference.Outputs:
    """129 tokens' outputs, the last as many times as large as the others."""
    o = np.random.default_rng(8).normal(size=(1, 129, 1, 128))
    o[0, -1] *= size
    return reference.Outputs(o, np.ones((1, 1, 128, 128)))


def test_a_last_token_that_is_nearly_nothing_may_err_as_its_neighbours_do() -> None:
    true = with_a_last_token(size=0.01)
    o = true.o.copy()
    o[0, -1] += 0.004 / 128**0.5 * np.linalg.norm(o[0, -2])
    errors = compare.head_errors(reference.Outputs(o, true.state), true, true, 0)
    assert compare.relative(o[0, -1], true.o[0, -1]) > 0.1
    assert all(e.passed for e in errors)


@pytest.mark.parametrize(("size", "factor"), [(0.01, -1.0), (1.0, 1.02)])
def test_a_wrong_last_token_is_not_diluted_by_its_neighbours(size: float, factor: float) -> None:
    true = with_a_last_token(size)
    o = true.o.copy()
    o[0, -1] *= factor
    errors = compare.head_errors(reference.Outputs(o, true.state), true, true, 0)
    assert [e.part for e in errors if not e.passed] == ["o[128:192]"]
