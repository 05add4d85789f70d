"""The Pallas TPU forward kernel of the gated delta rule, and its public layout function."""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

from kernels.gdn import body, schedule
from kernels.gdn.layouts import Plan
from kernels.gdn.member import HEAD_DIM, PACKED_HEADS, Member

SUBLANES = 8
"""Rows of a register of fp32; gates are padded to whole ones."""

NAME = "gdn_fwd"
"""Name of the kernel in lowered programs and in profiles."""


def forward(
    member: Member,
    *args: jax.Array,
    interpret: bool = False,
    phases: body.Phases = body.PHASES,
) -> tuple[jax.Array, jax.Array]:
    """O [B, T, Hv, V] in v's type and the final state [B, Hv, K, V] in fp32.

    Args:
        member: which kernel of the family.
        args: q, k [B, T, Hk, K], v [B, T, Hv, V], g and beta [B, T, Hv], state [B, Hv, K, V].
        interpret: run on any device, without the TPU compiler.
        phases: parts of the body; only tests give others than the shipped ones.

    Numerics: q, k, v in bf16; gates, state and accumulation in fp32; q is scaled by K^-1/2.

    Raises:
        ValueError: shapes that the kernel does not take.
    """
    q, k, v, g, beta, state = args
    _check_shapes(q, k, v, state)
    tokens = v.shape[1]
    plan = make_plan(member, k.shape[2], v.shape[2], interpret=interpret)
    q, k, v, g, beta = (_pad(x, -tokens % plan.rows) for x in (q, k, v, g, beta))
    gates = _pack_gates(g, beta, plan, member.chunk)
    flat_state = state.astype(jnp.float32).reshape(state.shape[0], -1, HEAD_DIM)
    call = _call(body.Step(member, phases), plan, v)
    operands = (*(plan.view(x) for x in (q, k, v)), gates, flat_state)
    o, final = call(*(operands if interpret else map(_in_main_memory, operands)))
    return o.reshape(v.shape)[:, :tokens], final.reshape(state.shape)


def _in_main_memory(x: jax.Array) -> jax.Array:
    """X in HBM: at small shapes the compiler would move it to VMEM, and the estimate be too low."""
    return pltpu.with_memory_space_constraint(x, pltpu.HBM)


def make_plan(member: Member, key_heads: int, value_heads: int, *, interpret: bool = False) -> Plan:
    """The blocks for these head counts: as many heads a step as the member says and they allow."""
    ratio = value_heads // key_heads
    heads = math.gcd(member.heads_per_step, value_heads)
    if heads % ratio and ratio % heads:
        heads = math.gcd(heads, ratio)
    keys = max(1, heads // ratio)
    whole_tiles = heads == PACKED_HEADS and keys > 1 and key_heads % PACKED_HEADS == 0
    layout = member.layout if whole_tiles else "token"
    rows = member.chunk * member.chunks_per_step
    return Plan(layout, rows, heads, keys, max(1, ratio // heads), interpret)


def _check_shapes(q: Any, k: Any, v: Any, state: Any) -> None:
    if {q.shape[-1], k.shape[-1], v.shape[-1]} != {HEAD_DIM}:
        raise ValueError(f"head size must be {HEAD_DIM}; got q {q.shape}, k {k.shape}, v {v.shape}")
    if v.shape[2] % k.shape[2]:
        raise ValueError(
            f"value heads must be a multiple of key heads; got {v.shape[2]}, {k.shape[2]}"
        )
    wanted = (v.shape[0], v.shape[2], HEAD_DIM, HEAD_DIM)
    if state.shape != wanted:
        raise ValueError(f"state must be {wanted}; got {state.shape}")


def _pad(x: jax.Array, rows: int) -> jax.Array:
    """X with rows of zeros after its last token: g = 0 keeps the state, beta = 0 adds nothing."""
    return jnp.pad(x, [(0, 0), (0, rows)] + [(0, 0)] * (x.ndim - 2)) if rows else x


def _pack_gates(g: jax.Array, beta: jax.Array, plan: Plan, chunk: int) -> jax.Array:
    """[B, groups, chunks, rows, C] fp32: G of each head of the group, then beta, then zeros."""
    batch, tokens, value_heads = g.shape
    shape = (batch, tokens // chunk, chunk, value_heads // plan.heads, plan.heads)
    split = [x.astype(jnp.float32).reshape(shape).transpose(0, 3, 1, 4, 2) for x in (g, beta)]
    packed = jnp.concatenate([jnp.cumsum(split[0], -1), split[1]], 3)
    spare = -packed.shape[3] % SUBLANES
    return jnp.pad(packed, [(0, 0)] * 3 + [(0, spare), (0, 0)])


def _call(step: body.Step, plan: Plan, v: jax.Array) -> Any:
    member = step.member
    batch, tokens, value_heads = v.shape[:3]
    grid = (batch, value_heads // plan.heads, tokens // plan.rows)
    gate_rows = -(-2 * plan.heads // SUBLANES) * SUBLANES
    gate_block = (1, 1, member.chunks_per_step, gate_rows, member.chunk)
    gate_spec = pl.BlockSpec(gate_block, lambda b, h, n: (b, h, n, 0, 0))
    state_rows = plan.heads * HEAD_DIM
    state_spec = pl.BlockSpec((1, state_rows, HEAD_DIM), lambda b, h, _: (b, h, 0))
    out_shape = v.shape if plan.layout == "native" else (batch, tokens, value_heads * HEAD_DIM)
    return pl.pallas_call(
        functools.partial(_kernel, step, plan),
        grid=grid,
        in_specs=[plan.key_spec(), plan.key_spec(), plan.value_spec(), gate_spec, state_spec],
        out_specs=[plan.value_spec(), state_spec],
        out_shape=[
            jax.ShapeDtypeStruct(out_shape, v.dtype),
            jax.ShapeDtypeStruct((batch, value_heads * HEAD_DIM, HEAD_DIM), jnp.float32),
        ],
        scratch_shapes=[pltpu.VMEM((state_rows, HEAD_DIM), step.phases.state_dtype)],
        compiler_params=pltpu.CompilerParams(
            dimension_semantics=("parallel", "parallel", "arbitrary")
        ),
        name=NAME,
        interpret=plan.interpret,
    )


def _kernel(step: body.Step, plan: Plan, *refs: Any) -> None:
    """One grid step: chunks_per_step chunks of `heads` value heads."""
    in_refs, o_ref, final_ref, state_ref = refs[:5], *refs[5:]
    n = pl.program_id(2)

    @pl.when(n == 0)
    def _() -> None:
        state_ref[...] = in_refs[4][0].astype(state_ref.dtype)

    carries = [body.Carry(state_ref[_head_rows(h), :]) for h in range(plan.heads)]
    schedule.run(_units(step, plan, in_refs, carries, plan.writer(o_ref)), step.member.schedule)
    for h, carry in enumerate(carries):
        state_ref[_head_rows(h), :] = carry.state.astype(state_ref.dtype)

    @pl.when(n == pl.num_programs(2) - 1)
    def _() -> None:
        final_ref[0] = state_ref[...].astype(final_ref.dtype)


def _head_rows(head: int) -> slice:
    return slice(head * HEAD_DIM, (head + 1) * HEAD_DIM)


@dataclasses.dataclass(frozen=True)
class _Readers:
    q: Any
    k: Any
    v: Any


def _units(
    step: body.Step, plan: Plan, refs: Any, carries: list[body.Carry], writer: Any
) -> list[schedule.Stages]:
    """The stages of every chunk and head of the step, chunks outermost."""
    q_ref, k_ref, v_ref, gates_ref, _ = refs
    group = pl.program_id(1)
    read = _Readers(
        plan.key_reader(q_ref, group), plan.key_reader(k_ref, group), plan.value_reader(v_ref)
    )
    units = []
    for m in range(step.member.chunks_per_step):
        rows = slice(m * step.member.chunk, (m + 1) * step.member.chunk)
        keys = [
            body.key_products(step, read.q.head(i, rows), read.k.head(i, rows))
            for i in range(plan.keys)
        ]
        gates = _gates(gates_ref[0, 0, m], plan.heads)
        for h, carry in enumerate(carries):
            chunk = body.Chunk(
                index=m,
                keys=keys[step.phases.key_of(h, plan.heads, plan.keys)],
                v=read.v.head(h, rows),
                gates=gates[h],
                carry=carry,
                emit=functools.partial(writer.write, h, rows),
            )
            units.append(body.stages(step, chunk))
    return units


def _gates(rows: jax.Array, heads: int) -> list[body.Gates]:
    """The gates of every head, from one block [rows, C] and its one transpose."""
    columns = jnp.transpose(rows, (1, 0))
    return [
        body.Gates(
            rows[h : h + 1], columns[:, h : h + 1],
            rows[heads + h : heads + h + 1], columns[:, heads + h : heads + h + 1],
        )
        for h in range(heads)
    ]  # fmt: skip
