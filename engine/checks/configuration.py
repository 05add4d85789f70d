"""The configuration file that a check's command is given by `--config`."""

import re
import shlex
from collections.abc import Sequence
from typing import Final

from engine.core.campaign.checks import CheckSpec

_CONFIG: Final = "--config"
_UNSURE: Final = re.compile(r"[{}'\"\\$`*?\s]")
"""In the name of a file: what is filled in, or what a shell reads into it."""


def config_of(spec: CheckSpec) -> str | None:
    """The file that a check's command is given by `--config`; None where it is given none."""
    place = _place(_words(spec))
    return None if place is None or _UNSURE.search(place[1]) else place[1]


def with_config(spec: CheckSpec, path: str) -> CheckSpec:
    """The check with another file given by `--config`."""
    words = _words(spec)
    place = _place(words)
    if place is None:
        return spec
    index, file = place
    if spec.shell:
        # The last mention: the command's own name comes before what it is given.
        before, _, after = str(spec.run).rpartition(file)
        return spec.model_copy(update={"run": f"{before}{shlex.quote(path)}{after}"})
    changed = words[index].removesuffix(file) + path
    return spec.model_copy(update={"run": (*words[:index], changed, *words[index + 1 :])})


def _words(spec: CheckSpec) -> Sequence[str]:
    if spec.sealed or spec.run is None:
        return ()
    try:
        words = spec.words()
        return shlex.split(words[0]) if spec.shell else words
    except ValueError:
        return ()


def _place(words: Sequence[str]) -> tuple[int, str] | None:
    """The position of the word that holds the file, and the file."""
    for index, word in enumerate(words):
        if word.startswith(f"{_CONFIG}="):
            return index, word.removeprefix(f"{_CONFIG}=")
        if word == _CONFIG and index + 1 < len(words):
            return index + 1, words[index + 1]
    return None
