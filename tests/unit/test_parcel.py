"""The program for hosts: complete, of the standard library alone, and for older Pythons, too."""

import ast
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO

import pytest

from engine.core.address import Address
from engine.executors.ssh.parcel import MODULES, OLDEST, parcel


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.startswith("engine"):
                yield from (f"{node.module}.{each.name}" for each in node.names)


def test_it_needs_nothing_that_is_not_in_it() -> None:
    packed = zipfile.ZipFile(BytesIO(parcel()[1]))
    names = {f"engine.{name.replace('/', '.').removesuffix('.__init__')}" for name in MODULES}
    known = names | {"engine"}
    for name in MODULES:
        source = packed.read(f"engine/{name}.py").decode()
        tree = ast.parse(source, feature_version=OLDEST)
        for each in imported(tree):
            if each.startswith("engine"):
                assert each in known or each.rpartition(".")[0] in known, (name, each)
            else:
                assert each.partition(".")[0] in sys.stdlib_module_names, (name, each)


def test_the_same_content_has_the_same_name() -> None:
    first = parcel()
    parcel.cache_clear()
    assert parcel() == first


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tpu-1", Address("tpu-1")),
        ("me@10.0.0.7:2222", Address("10.0.0.7", "me", 2222)),
        ("ssh://me@there", Address("there", "me")),
        ("ssh://tpu-1:22/", Address("tpu-1", None, 22)),
        ("me@[::1]:22", Address("::1", "me", 22)),
    ],
)
def test_an_address_is_read_as_it_is_written(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", "a b", "-oProxyCommand=x", "me@-x", "a:0", "http://a", "a:b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no address|no port"):
        Address.parse(text)
