"""The members that the campaign may promote: every pair of choices meets in one that passes."""

import functools

import pytest

from kernels.gdn import cases, judge, stress, tpu
from kernels.gdn.acceptance import TAIL, acceptance
from kernels.gdn.member import InvalidMemberError, Member, parse
from tests.kernels import cover

TOKENS = 3 * 128 + TAIL


@functools.cache
def stresses(name: str) -> judge.Expected:
    return judge.expected(stress.stack(getattr(cases, name), TOKENS, seed=21))


def failures(member: Member) -> list[str]:
    runner = judge.Runner(functools.partial(tpu.forward, member, interpret=True))
    verdicts = []
    for name in ("MATRIX", "SECOND"):
        want = stresses(name)
        names = cases.names(getattr(cases, name))
        verdicts += judge.judge(runner.run(want.inputs), want, names)
    return [f"{v.case}: {v.detail}" for v in verdicts if not v.passed]


@pytest.mark.parametrize("point", cover.pairwise(), ids=cover.key)
def test_every_stress_passes(point: cover.Point) -> None:
    assert failures(parse(point)) == []


QUICK_TO_COMPILE = {"heads_per_step": 1, "form": "R", "inverse": "ladder"}
BEST_KNOWN = {
    "heads_per_step": 8, "schedule": "lockstep", "chunks_per_step": 2, "layout": "native",
    "form": "R", "inverse": "sub8", "merge": "packed", "inverse_precision": "refined",
}  # fmt: skip


@pytest.mark.parametrize(
    "point", [QUICK_TO_COMPILE, pytest.param(BEST_KNOWN, marks=pytest.mark.long)], ids=cover.key
)
def test_the_whole_acceptance_list_passes(point: cover.Point) -> None:
    member = parse(point)
    runner = judge.Runner(functools.partial(tpu.forward, member, interpret=True))
    verdicts = list(acceptance(runner, member, seed=22))
    assert [v for v in verdicts if not v.passed] == []
    assert len(verdicts) == 42


def test_a_tempting_member_is_refused_on_near_singular_keys() -> None:
    failed = failures(Member(inverse_precision="bf16"))
    assert any(f.startswith("half-common keys, g 0.0, beta 1.999") for f in failed)


def test_the_space_has_at_least_500_members_and_none_is_invalid() -> None:
    members = [parse(point) for point in cover.members()]
    assert len(set(members)) == len(members) >= 500


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"chunk": 96}, "chunk: 96 is not one of 64, 128, 256"),
        ({"chunk": "128"}, "chunk: '128' is not one of"),
        ({"chunks": 1}, "chunks: no such parameter; known: chunk,"),
        ({"merge": "packed"}, "merge: packed needs inverse sub8"),
        ({"schedule": "lockstep"}, "schedule: lockstep needs more than one head"),
        ({"layout": "native", "heads_per_step": 4}, "layout: native needs heads_per_step 8"),
    ],
)
def test_an_invalid_member_says_what_to_write(parameters: dict, words: str) -> None:
    with pytest.raises(InvalidMemberError) as caught:
        parse(parameters)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("heads", "key_heads", "value_heads", "want"),
    [(8, 16, 32, (8, 4)), (8, 1, 1, (1, 1)), (4, 1, 4, (4, 1)), (2, 1, 4, (2, 1)),
     (8, 3, 6, (2, 1)), (8, 2, 24, (4, 1)), (1, 16, 32, (1, 1))],
)  # fmt: skip
def test_a_step_takes_as_many_heads_as_the_shape_allows(heads, key_heads, value_heads, want):
    schedule = "serial"
    plan = tpu.make_plan(Member(heads_per_step=heads, schedule=schedule), key_heads, value_heads)
    assert (plan.heads, plan.keys) == want
