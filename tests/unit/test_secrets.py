"""Secrets stay out of what is written, wherever the stream is cut."""

import itertools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.secrets import Redactor

TOKEN = "hf_Ab12cd34"
LONGER = TOKEN + "xyz9"


def fed(redactor: Redactor, chunks: list[bytes]) -> bytes:
    return b"".join([*map(redactor.feed, chunks), redactor.finish()])


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_secret_is_hidden_wherever_it_is_cut(cut: int) -> None:
    data = f"before {TOKEN} between {TOKEN}{TOKEN} after".encode()
    shown = fed(Redactor({"HF_TOKEN": TOKEN}), [data[:cut], data[cut:]])
    assert shown == b"before [secret HF_TOKEN] between [secret HF_TOKEN][secret HF_TOKEN] after"


def test_byte_by_byte() -> None:
    data = f"a{LONGER}b{TOKEN}c{TOKEN[:-1]}".encode()
    redactor = Redactor({"SHORT": TOKEN, "LONG": LONGER})
    shown = fed(redactor, [bytes([byte]) for byte in data])
    assert shown == b"a[secret LONG]b[secret SHORT]c" + TOKEN[:-1].encode()


def test_ordinary_text_is_not_held_back() -> None:
    assert Redactor({"T": TOKEN}).feed(b"loss: 1.5\n") == b"loss: 1.5\n"
    assert Redactor({}).feed(b"hf_") == b"hf_"


def test_only_what_may_become_a_secret_is_held_back() -> None:
    redactor = Redactor({"T": TOKEN})
    assert redactor.feed(b"loss hf_A") == b"loss "
    assert redactor.feed(b"bracadabra") == b"hf_Abracadabra"


def test_lines_of_a_key_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh12345678\nijklmnop\n-----END KEY-----\n"
    shown = Redactor({"KEY": key}).text("got abcdefgh12345678 and ijklmnop")
    assert shown == "got [secret KEY] and [secret KEY]"
    assert Redactor({"KEY": key}).text(f"<{key.strip()}>") == "<[secret KEY]>"


def test_a_secret_that_repeats_itself() -> None:
    """The end of one occurrence looks like the beginning of the next."""
    assert fed(Redactor({"S": "abcab"}), [b"xxabcabc", b"ab yy"]) == b"xx[secret S]cab yy"


@given(
    st.lists(st.text("ab", min_size=4, max_size=7), min_size=1, max_size=3, unique=True),
    st.text("abc", max_size=60),
    st.integers(),
)
def test_no_secret_survives_any_cutting(secrets: list[str], text: str, seed: int) -> None:
    chooser = random.Random(seed)
    data = text.encode()
    cuts = sorted(chooser.randint(0, len(data)) for _ in range(chooser.randint(0, 8)))
    borders = [0, *cuts, len(data)]
    chunks = [data[start:end] for start, end in itertools.pairwise(borders)]
    redactor = Redactor({str(number): secret for number, secret in enumerate(secrets)})
    shown = fed(redactor, chunks)
    assert not any(secret.encode() in shown for secret in secrets)
    if not any(secret in text for secret in secrets):
        assert shown == data


@pytest.mark.parametrize("value", ['a"quote"d', "back\\slash", "ключ-öl-12", "two lines\nof a key"])
def test_a_secret_is_hidden_inside_of_json(value: str) -> None:
    for ascii_only in (True, False):
        line = json.dumps({"text": f"it is {value}!"}, ensure_ascii=ascii_only).encode()
        shown = fed(Redactor({"KEY": value}), [line[:18], line[18:]])
        assert json.loads(shown) == {"text": "it is [secret KEY]!"}
