"""Finding in the output of a check what it lacks. Pure."""

import re
from collections.abc import Sequence
from typing import Final, Literal

from engine.core.repair.parts import Found

LINES: Final = 400
"""So many of the last lines are looked at."""

_EVIDENCE_CHARACTERS: Final = 300
_MODULE: Final = re.compile(
    r"ModuleNotFoundError: .*?No module named (?P<quote>['\"])(?P<name>[A-Za-z_][\w.]*)(?P=quote)"
)
_MODEL: Final = re.compile(r"Unsupported model\.name: ['\"]?(?P<name>[\w.-]*\w)")
_NO_PACKAGE: Final = re.compile(r"is not a package")


def detect(lines: Sequence[str]) -> Found | None:
    """What the output of a failed check says that is missing: the last such line counts.

    A module wins over a model: without it the program has not come to look at its configuration.
    """
    last = lines[-LINES:]
    return _in(last, "module", _MODULE) or _in(last, "model", _MODEL)


def _in(
    lines: Sequence[str], kind: Literal["module", "model"], pattern: re.Pattern[str]
) -> Found | None:
    for line in reversed(lines):
        found = pattern.search(line)
        if found is not None and not _NO_PACKAGE.search(line):
            evidence = line.strip()[:_EVIDENCE_CHARACTERS]
            return Found(kind=kind, name=found["name"], evidence=evidence)
    return None
