"""Programs as plain data: what comes back is the same program, and what is none is refused."""

import functools
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental import pallas as pl

from kernels.common.program import control, document, encode, growth, order, rebuild, rules
from kernels.common.program.document import ProgramRefusedError
from kernels.gdn import judge, shapes, stress, tpu
from kernels.gdn.member import Member
from tests.kernels import toys

SHORT, LONG = shapes.abstract(256, 1, 2), shapes.abstract(512, 1, 2)
QUICK = Member(chunk=64, inverse="sub8", merge="packed", inverse_precision="refined")
GROUPS = [("half-common", (stress.Head(), stress.Head(beta=1.0, state=1.0)))]


def there_and_back(function: Callable[..., Any], samples: Any) -> document.Program:
    return document.decode(document.encode(encode.traced(function, samples)))


def lowered(program: document.Program) -> Callable[..., Any]:
    return rebuild.function(program, rebuild.Way("gdn_fwd"))


def interpreted(program: document.Program, *, backwards: bool = False) -> Callable[..., Any]:
    return rebuild.function(program, rebuild.Way("gdn_fwd", interpret=True, backwards=backwards))


def broken(function: Callable[..., Any], samples: Any = SHORT) -> dict[str, str]:
    jaxpr = jax.make_jaxpr(lowered(there_and_back(function, samples)))(*samples).jaxpr
    found = rules.broken(jaxpr)
    return found or order.broken(jaxpr)


def refusal(function: Callable[..., Any], samples: Any = SHORT) -> str:
    with pytest.raises(ProgramRefusedError) as caught:
        jax.make_jaxpr(lowered(there_and_back(function, samples)))(*samples)
    return str(caught.value)


# What comes back


@pytest.mark.parametrize("layout", ["token", "native"])
def test_a_rebuilt_program_written_again_is_the_same_program(layout: str) -> None:
    heads = {"token": 1, "native": 8}[layout]
    member = Member(layout=layout, heads_per_step=heads, inverse="sub8", merge="packed")
    samples = shapes.abstract(128, 8, 16)
    once = there_and_back(functools.partial(tpu.forward, member), samples)
    again = there_and_back(lowered(once), samples)
    assert there_and_back(lowered(again), samples) == again
    assert growth.broken(again, again) == {}
    assert len(document.kernels(again.body)) == 1


def test_the_outputs_are_those_of_the_function_to_the_bit() -> None:
    inputs = stress.stack(GROUPS, 81, seed=3)
    samples = shapes.abstract(81, 1, 2)
    program = there_and_back(functools.partial(tpu.forward, QUICK), samples)
    want = judge.Runner(functools.partial(tpu.forward, QUICK, interpret=True)).run(inputs)
    got = judge.Runner(interpreted(program, backwards=True)).run(inputs)
    assert np.array_equal(got.o, want.o)
    assert np.array_equal(got.state, want.state)


def test_views_of_another_width_read_and_write_the_same_bits_in_the_interpreter() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 16, 8, 128)), jnp.bfloat16)
    program = there_and_back(functools.partial(toys.words, device=True), (x,))
    got = jax.jit(interpreted(program))(x)[0]
    want = jax.jit(functools.partial(toys.words, device=False))(x)
    assert np.array_equal(np.asarray(got).view(np.uint16), np.asarray(want).view(np.uint16))
    assert not np.array_equal(np.asarray(got), np.asarray(x))


def looping(unroll: Any) -> toys.Body:
    def body(v_ref: Any, o_ref: Any, final_ref: Any, kept: Any) -> None:
        start = v_ref[0].astype(jnp.float32)
        total = lax.fori_loop(0, 3, lambda i, x: x * 0.5 + i, start, unroll=unroll)
        o_ref[0] = total.astype(jnp.bfloat16)
        final_ref[0] = lax.cond(pl.program_id(2) > 0, lambda: total, lambda: -total)

    return body


def test_loops_and_branches_of_a_kernel_come_back() -> None:
    program = there_and_back(toys.function(looping(unroll=True)), SHORT)
    jaxpr = jax.make_jaxpr(lowered(program))(*SHORT).jaxpr
    assert rules.broken(jaxpr) == {}
    v = np.ones((1, 256, 2, 128))
    inputs = [jnp.zeros(s.shape, s.dtype) for s in SHORT]
    inputs[2] = jnp.asarray(v, jnp.bfloat16)
    o, final = jax.jit(interpreted(program))(*inputs)
    expected = ((1 * 0.5 + 0) * 0.5 + 1) * 0.5 + 2
    assert np.all(np.asarray(o, np.float32) == np.float32(jnp.bfloat16(expected)))
    assert np.all(np.asarray(final) == expected)


# What is refused by name of the rule


def product(v: jax.Array) -> jax.Array:
    return jnp.einsum("btx,bsx->bts", v, v)


def twice(*inputs: jax.Array) -> Any:
    o, state = toys.function()(*inputs)
    return toys.function()(*inputs[:2], o, *inputs[3:5], state)


def choosing(flag: Callable[[Any, Any, Any], Any]) -> toys.Body:
    """A kernel that does more where the flag says so, of a head, a step and a value."""

    def body(v_ref: Any, o_ref: Any, final_ref: Any, kept: Any) -> None:
        given = flag(pl.program_id(1), pl.program_id(2), v_ref[0, 0, 0])
        x = lax.cond(given, lambda: jnp.exp(v_ref[0].astype(jnp.float32)), lambda: kept[...])
        o_ref[0] = x.astype(jnp.bfloat16)
        final_ref[0] = x

    return body


def switching(v_ref: Any, o_ref: Any, final_ref: Any, kept: Any) -> None:
    x = v_ref[0].astype(jnp.float32)
    ways = [lambda: x, lambda: -x, lambda: x * 2]
    final_ref[0] = lax.switch(pl.program_id(2), ways)
    o_ref[0] = v_ref[0]


def in_a_loop(v_ref: Any, o_ref: Any, final_ref: Any, kept: Any) -> None:
    """The flag is known in the first round only."""

    def step(i: Any, carried: Any) -> Any:
        flag, x = carried
        return v_ref[0, 0, 0] > 0, lax.cond(flag, lambda: x + 1, lambda: x * 2)

    start = (jnp.bool_(True), v_ref[0].astype(jnp.float32))
    _, x = lax.fori_loop(0, 4, step, start, unroll=True)
    o_ref[0] = x.astype(jnp.bfloat16)
    final_ref[0] = x


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        (toys.function(before=product), rules.AROUND),
        (toys.function(before=lambda v: jnp.sort(v, 1)), rules.AROUND),
        (toys.function(before=lambda v: lax.fori_loop(0, 9, lambda _, x: x * 2, v)), rules.AROUND),
        (twice, rules.ONE_KERNEL),
        (lambda *inputs: (inputs[2] * 2, inputs[5]), rules.ONE_KERNEL),
        (toys.function(choosing(lambda h, n, x: x > 0)), control.CONTROL),
        (toys.function(choosing(lambda h, n, x: h >= 1)), control.CONTROL),
        (toys.function(choosing(lambda h, n, x: lax.rem(n, 2) == 1)), control.CONTROL),
        (toys.function(choosing(lambda h, n, x: n // 2 == 0)), control.CONTROL),
        (toys.function(choosing(lambda h, n, x: jnp.logical_or(n == 0, x > 0))), control.CONTROL),
        (toys.function(choosing(lambda h, n, x: jnp.logical_and(n + 1 >= 1, n != 3))), ""),
        (toys.function(switching), control.CONTROL),
        (toys.function(looping(unroll=1)), control.CONTROL),
        (toys.function(looping(unroll=2)), control.CONTROL),
        (toys.function(looping(unroll=True)), ""),
        (toys.function(in_a_loop), control.CONTROL),
        (toys.function(order=lambda b, h, n: (b, n % 1, h)), ""),
        (toys.function(order=lambda b, h, n: (b, 0, n % 2)), order.REVISITED),
        (toys.function(order=lambda b, h, n: (b, n, 0)), order.REVISITED),
        (toys.function(order=lambda b, h, n: (b, n + 2, h)), order.OUTSIDE),
        (toys.function(), ""),
    ],
)  # fmt: skip
def test_a_rule_is_named(function: Callable[..., Any], rule: str) -> None:
    assert next(iter(broken(function)), "") == rule


def test_sums_and_layout_around_the_kernel_are_charged_for_not_refused() -> None:
    function = toys.function(before=lambda v: jnp.cumsum(jnp.exp(v), 1)[:, ::-1] + v)
    jaxpr = jax.make_jaxpr(lowered(there_and_back(function, SHORT)))(*SHORT).jaxpr
    assert rules.broken(jaxpr) == {}
    elements = 256 * 256
    assert rules.around_operations(jaxpr) >= (rules.DEAR_OPERATIONS + 8 + 1) * elements


def test_a_block_is_fetched_whenever_another_one_is_due() -> None:
    jaxpr = jax.make_jaxpr(lowered(there_and_back(toys.function(), SHORT)))(*SHORT).jaxpr
    block = 128 * 128
    assert order.fetched_bytes(jaxpr) == 4 * 2 * block + 4 * 2 * block + 2 * 4 * block


def slower_once(step: int) -> toys.Body:
    def body(v_ref: Any, *refs: Any) -> None:
        toys.sums(v_ref, *refs)

        @pl.when(pl.program_id(2) == step)
        def _() -> None:
            refs[0][0] = jnp.exp(refs[0][0])

    return body


def test_a_kernel_that_is_another_one_at_twice_the_length_is_refused() -> None:
    short, other = (
        there_and_back(toys.function(slower_once(step)), samples)
        for step, samples in ((0, SHORT), (99, LONG))
    )
    assert growth.CHANGES in growth.broken(short, other)
    same = there_and_back(toys.function(slower_once(0)), LONG)
    assert growth.broken(short, same) == {}


def test_a_step_that_needs_the_one_before_it_may_not_be_declared_parallel() -> None:
    """In the interpreter's order it is right; backwards it is not."""
    inputs = [jnp.ones(s.shape, s.dtype) for s in SHORT]
    for semantics, same in (("arbitrary", True), ("parallel", False)):
        function = toys.function(semantics=("parallel", "parallel", semantics))
        program = there_and_back(function, SHORT)
        forwards, backwards = (
            jax.jit(interpreted(program, backwards=way))(*inputs)[0] for way in (False, True)
        )
        assert np.array_equal(np.asarray(forwards), np.asarray(backwards)) == same


def test_memory_that_is_not_main_memory_is_refused_for_operands() -> None:
    from jax.experimental.pallas import tpu as pltpu

    pinned = toys.function(before=lambda v: pltpu.with_memory_space_constraint(v, pltpu.VMEM))
    assert "pinned to vmem" in refusal(pinned)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (lambda v: lax.while_loop(lambda x: x[0, 0, 0] < 9, lambda x: x + 1, v), "dynamic-trip"),
        (lambda v: jax.pure_callback(lambda x: x, v, v), "callback: calls the host"),
        (lambda v: lax.top_k(v, 256)[0], "primitive top_k is not one that the judge rebuilds"),
        (lambda v: v.astype(jnp.float8_e4m3fn).astype(v.dtype), "no values of type float8_e4m3fn"),
        (lambda v: jnp.broadcast_to(v, (10**6, *v.shape)).sum(0), "elements"),
    ],
)  # fmt: skip
def test_what_is_not_rebuilt_is_refused_in_words(before: Any, words: str) -> None:
    assert words in refusal(toys.function(before=before))


# What is no program


def content() -> Any:
    return json.loads(document.encode(encode.traced(toys.function(), SHORT)))


def outcome(value: Any) -> str:
    """What becomes of the content: words of a refusal, another error's name, or nothing."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    try:
        jax.make_jaxpr(lowered(document.decode(text)))(*SHORT)
    except ProgramRefusedError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  what jax raises on nonsense
        return type(error).__name__
    return ""


def set_at(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    place = value
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return value


def plain(name: str, operands: Any = (0,), results: int = 1, **parameters: Any) -> dict[str, Any]:
    return {"type": "plain", "name": name, "operands": list(operands), "parameters": parameters,
            "results": results}  # fmt: skip


def nested(depth: int) -> dict[str, Any]:
    body: dict[str, Any] = {"inputs": 0, "constants": [], "equations": [], "outputs": []}
    for _ in range(depth):
        call = {"type": "call", "body": body, "operands": []}
        body = {"inputs": 0, "constants": [], "equations": [call], "outputs": []}
    return {"type": "call", "body": body, "operands": []}


def items(*values: Any) -> dict[str, Any]:
    return {"type": "items", "values": list(values)}


def loop(length: int) -> dict[str, Any]:
    body = {"inputs": 1, "constants": [], "equations": [plain("neg")], "outputs": [1]}
    return {"type": "loop", "body": body, "operands": [5], "length": length, "constants": 0,
            "carries": 1, "reverse": False, "unroll": 1}  # fmt: skip


BIG = items(10**9, 10**3)


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        (plain("neg", [10**6]), "used before it is made"),
        (plain("neg", [-1]), "used before it is made"),
        (plain("os.system", ["x"]), "not a program"),
        (plain("__class__"), "is not one that the judge rebuilds"),
        (plain("pallas_call"), "is not one that the judge rebuilds"),
        (plain("neg", [2], results=4), "makes 1 values, not 4"),
        (plain("iota", [], dtype={"type": "dtype", "name": "float32"}, shape=BIG, dimension=0,
               sharding=None), "more than 67108864 elements"),
        (plain("broadcast_in_dim", [["float32", [], "AADAfw=="]], shape=BIG,
               broadcast_dimensions=items(), sharding=None), "more than 67108864 elements"),
        (plain("neg", [["float32", [10**9], ""]]), "more than 67108864 elements"),
        (plain("neg", [["float32", [3], "AAAA"]]), "has 3 bytes, not 12"),
        (plain("neg", [["float64", [], "AAAA"]]), "no values of type float64"),
        (plain("neg", [["object", [], "AAAA"]]), "no values of type object"),
        (plain("neg", [["bool", [1], "/w=="]]), "other than 0 and 1"),
        (plain("neg", [2], x={"type": "choice", "kind": "Precision", "name": "mro"}), "no Preci"),
        (plain("neg", [2], x={"type": "fields", "kind": "Popen", "values": {}}), "no Popen"),
        (plain("neg", [2], x={"type": "opaque", "kind": "function"}), "rebuilds no function"),
        (plain("reshape", [2], new_sizes=items(*[1] * 40), dimensions=None, sharding=None),
         "no values of shape"),
        ({"type": "load", "reference": 2, "view": []}, "a reference outside of a kernel"),
        (nested(100), "nested more than"),
        (loop(10**15), "elements are made in all"),
    ],
)  # fmt: skip
def test_a_bad_equation_is_refused_in_words(equation: Any, words: str) -> None:
    value = content()
    value["body"]["equations"].insert(0, equation)
    assert words in outcome(value)


@pytest.mark.parametrize(
    ("path", "new", "words"),
    [
        (("format",), 99, "form 99"),
        (("inputs", 0, 1, 1), 3, "inputs are not those"),
        (("body", "inputs"), 3, "a body of 3 inputs is given 6"),
        (("body", "extra"), 1, "not a program"),
        (("body",), None, "not a program"),
        (("body", "equations"), [1], "not a program"),
    ],
)
def test_a_bad_document_is_refused_in_words(path: tuple[Any, ...], new: Any, words: str) -> None:
    assert words in outcome(set_at(content(), path, new))


@pytest.mark.parametrize(
    ("field", "new", "words"),
    [
        ("grid", [1, -1, 2], "dynamic-trip-count"),
        ("grid", [1, 10**9, 2], "dynamic-trip-count"),
        ("left_out", ["input_output_aliases"], "no kernel with input_output_aliases"),
        ("semantics", ["parallel"], "no grid with"),
        ("semantics", ["a", "b", "c"], "no grid with"),
        ("blocks", [], "one block for every operand and result"),
        ("scratch", [{"dtype": "float32", "shape": [8, 128], "space": "hbm"}], "memory in hbm"),
    ],
)
def test_a_bad_kernel_is_refused_in_words(field: str, new: Any, words: str) -> None:
    value = content()
    (kernel,) = (e for e in value["body"]["equations"] if e["type"] == "kernel")
    kernel[field] = new
    assert words in outcome(value)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe", b"[" * 10**6, b'{"a":' * 10**6, b"null", b"1" * 10**6]
)
def test_text_that_is_no_program_is_refused_in_words(text: bytes) -> None:
    assert outcome(text).startswith("not a program")


def test_a_file_is_read_only_if_it_is_one_and_not_too_large(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/etc/hostname")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(document.MAX_BYTES + 1)
    for name, words in {
        "missing": "was not left", "folder": "no plain file", "link": "no plain file",
        "large": "more than 32 MiB",
    }.items():  # fmt: skip
        with pytest.raises(ProgramRefusedError) as caught:
            document.read(tmp_path / name)
        assert words in str(caught.value)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    keys: Any = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else keys:
        found += places(inner, (*path, key))
    return found


GARBAGE = [
    None, True, -1, 0, 2**40, 1.5, "", "float32", [], {}, [0] * 20, "nan",
    ["float32", [], "AADAfw=="], {"type": "items", "values": [1, 2]},
    {"type": "opaque", "kind": ""},
]  # fmt: skip


def test_any_part_may_be_anything_and_the_answer_is_a_refusal_or_an_error_of_jax() -> None:
    """Everything but these would end the process or hang it; the program must not be accepted
    where its meaning changed, which the judge's inputs see to."""
    random_ = random.Random(7)
    text = json.dumps(content())
    where = places(json.loads(text))
    seen = set()
    for _ in range(400):
        value = set_at(json.loads(text), random_.choice(where), random_.choice(GARBAGE))
        seen.add(outcome(value).split(":")[0][:30])
    assert len(seen) > 5
