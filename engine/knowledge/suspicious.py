"""What a change has that can only be meant for what judges: read off its text, and named.

Nothing here decides: what judges never runs a candidate's code. So only what an honest change has
no use for is named, and only where the change brings it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

import msgspec

from engine.core.claims import said_in_result

_PATCHED: Final = re.compile(
    r"(?P<module>time|timeit|builtins)\.(?P<name>[A-Za-z_]\w*)"
    r"|setattr\(\s*(?P<of>time|timeit|builtins)\s*,\s*[\"'](?P<what>[A-Za-z_]\w*)[\"'].*"
)
_CLOCKS: Final = frozenset(
    f"{name}{unit}"
    for name in ("time", "perf_counter", "monotonic", "process_time", "thread_time")
    for unit in ("", "_ns")
) | {"default_timer", "sleep"}
_KEYS: Final = re.compile(
    r"/etc/g?shadow\b|/\.ssh/(?!known_hosts\b)|\bid_(?:rsa|ed25519|ecdsa)\b|\bssh_host_\w+_key\b|/\.aws/credentials\b"
)
_TESTS_LEFT_OUT: Final = re.compile(
    r"\b(?:collect_ignore(?:_glob)?|pytest_ignore_collect|pytest_collection_modifyitems)\b"
)
_STARTED_BY_PYTHON: Final = frozenset({"sitecustomize.py", "usercustomize.py"})
_JUDGES_USE: Final = frozenset(
    f"{name}.py"
    for name in (
        *("builtins", "decimal", "fractions", "hashlib", "hmac", "importlib", "io", "json"),
        *("math", "os", "pathlib", "pickle", "random", "secrets", "statistics", "struct"),
        *("subprocess", "sys", "tempfile", "time", "timeit", "unittest"),
    )
)


class Suspicious(msgspec.Struct, frozen=True):
    """What was noticed, in words, and what its files say of the metric, by where."""

    noticed: tuple[str, ...] = ()
    said: dict[str, float] = {}


def suspicious_in(
    texts: Mapping[str, str], added: Iterable[str], *, campaign: str, metric: str
) -> Suspicious:
    """What is suspicious of a change.

    Args:
        texts: the changed files as they are now, by path, without what the base has of them as far
            as that is known.
        added: the paths that are new.
        campaign: the path of the campaign's file.
        metric: the name of the campaign's metric.
    """
    new, noticed, said = set(added), list[str](), dict[str, float]()
    for path, text in texts.items():
        noticed += _of_place(path, text, new=path in new, campaign=campaign)
        noticed += _of_text(path, text)
        value = said_in_result(text, metric) if path.endswith(".json") else None
        if value is not None:
            said[path] = value
    return Suspicious(tuple(noticed), said)


def _of_place(path: str, text: str, *, new: bool, campaign: str) -> Iterator[str]:
    name = PurePosixPath(path).name
    if path == campaign:
        yield f"it changes {path}, which this run does not read again"
    if new and (name in _STARTED_BY_PYTHON or name.endswith(".pth")):
        yield f"it adds {path}, which Python runs when it starts"
    if new and path in _JUDGES_USE:
        yield f"it adds {path}, by the name of a module of Python's own"
    if name == "conftest.py" and _TESTS_LEFT_OUT.search(text):
        yield f"its {path} leaves tests out"


def _of_text(path: str, text: str) -> Iterator[str]:
    patched = list(dict.fromkeys(_patched(text))) if path.endswith(".py") else []
    if patched:
        yield f"its {path} puts its own in the place of {', '.join(patched[:5])}"
    keys = list(dict.fromkeys(found[0] for found in _KEYS.finditer(text)))
    if keys:
        yield f"its {path} names {', '.join(keys[:5])}"


def _patched(text: str) -> Iterator[str]:
    """What of the clock or of the builtins a program assigns to."""
    for line in text.splitlines():
        *targets, last = re.split(r"(?<![=!<>:])=(?!=)", line)
        for target in [*targets, last] if last.lstrip().startswith("setattr(") else targets:
            found = _PATCHED.fullmatch(target.strip())
            if found is None:
                continue
            module = found["module"] or found["of"]
            name = found["name"] or found["what"]
            if module == "builtins" or name in _CLOCKS:
                yield f"{module}.{name}"
