"""The whole acceptance list: every stress, shapes, and what must hold without any reference."""

from collections.abc import Iterator

import numpy as np

from kernels.gdn import cases, stress
from kernels.gdn.judge import Runner, Verdict, expected, judge, matrix
from kernels.gdn.member import Member
from kernels.gdn.reference import Inputs, Outputs

SAME = 1e-3
"""Relative difference under which two runs of one kernel are the same, but for fused roundings."""

TAIL = 17
"""Tokens of a last, incomplete chunk."""


def acceptance(runner: Runner, member: Member, seed: int) -> Iterator[Verdict]:
    """Every verdict of the list.

    Cost: 10 to 60 s, nearly all of it compiling for the shapes.
    """
    tokens = 3 * member.chunk + TAIL
    yield from matrix(runner, cases.MATRIX, tokens, seed)
    yield from matrix(runner, cases.SECOND, tokens, seed + 1)
    for number, shape in enumerate(cases.SHAPES):
        yield _shape(runner, shape, member.chunk, seed + 2 + number)
    yield from _invariants(runner, member, seed)


def _shape(runner: Runner, shape: cases.Shape, chunk: int, seed: int) -> Verdict:
    heads = tuple(stress.Head(state=float(i % 2)) for i in range(shape.value_heads))
    ratio = shape.value_heads // shape.key_heads
    groups = [("half-common", heads[i * ratio : (i + 1) * ratio]) for i in range(shape.key_heads)]
    inputs = stress.stack(groups, shape.tokens(chunk), seed)
    names = [shape.name] * shape.value_heads
    return max(
        judge(runner.run(inputs), expected(inputs), names), key=lambda v: (not v.passed, v.excess)
    )


def _invariants(runner: Runner, member: Member, seed: int) -> Iterator[Verdict]:
    tokens = 2 * member.chunk
    whole = _batch_of_two(tokens, seed)
    got = runner.run(whole)
    yield _causality(runner, whole, got, tokens // 2 + 5)
    yield _batch_order(runner, whole, got)
    yield _head_order(runner, whole, got)
    yield _continued(runner, whole, member.chunk + TAIL)


def _batch_of_two(tokens: int, seed: int) -> Inputs:
    first, second = (stress.stack(cases.MIXED * 2, tokens, seed + i) for i in range(2))
    return Inputs(*(np.concatenate(pair, 0) for pair in zip(first, second, strict=True)))


def _causality(runner: Runner, whole: Inputs, got: Outputs, token: int) -> Verdict:
    name = "causality: what comes later changes nothing, to the bit"
    later = Inputs(*(np.array(x) for x in whole))
    for x in later[:5]:
        x[:, token:] = x[:, token:][:, ::-1] * 0.5
    again = runner.run(later)
    same = np.array_equal(again.o[:, :token], got.o[:, :token])
    return Verdict(name, same, detail="" if same else f"outputs before token {token} differ")


def _batch_order(runner: Runner, whole: Inputs, got: Outputs) -> Verdict:
    name = "order of the batch: outputs follow it, to the bit"
    swapped = runner.run(Inputs(*(x[::-1] for x in whole)))
    pairs = zip(swapped, got, strict=True)
    same = all(np.array_equal(x[::-1], y) for x, y in pairs)
    return Verdict(name, same, detail="" if same else "batch entries leak into each other")


def _head_order(runner: Runner, whole: Inputs, got: Outputs) -> Verdict:
    name = "order of the heads: outputs follow it"
    swapped = runner.run(_swap_halves(whole))
    o = np.roll(swapped.o, swapped.o.shape[2] // 2, axis=2)
    difference = np.linalg.norm(o - got.o) / np.linalg.norm(got.o)
    passed = bool(difference <= SAME)
    return Verdict(name, passed, detail="" if passed else "heads leak into each other")


def _swap_halves(whole: Inputs) -> Inputs:
    moved = [np.roll(x, x.shape[2] // 2, axis=2) for x in whole[:5]]
    return Inputs(*moved, np.roll(whole.state, whole.state.shape[1] // 2, axis=1))


def _continued(runner: Runner, whole: Inputs, token: int) -> Verdict:
    name = f"split at token {token} and continued"
    first = runner.run(Inputs(*(x[:, :token] for x in whole[:5]), whole.state))
    rest = runner.run(Inputs(*(x[:, token:] for x in whole[:5]), first.state))
    joined = Outputs(np.concatenate([first.o, rest.o], 1), rest.state)
    heads = [name] * whole.v.shape[2]
    return max(judge(joined, expected(whole), heads), key=lambda v: (not v.passed, v.excess))
