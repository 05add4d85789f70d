"""The environment of a check: an allow-list, what its campaign adds, and where its files are."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from engine.core.campaign.environment import EnvSpec
from engine.core.secrets import SHORTEST

ALLOWED: Final = frozenset({"PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV"})
_ALLOWED_PREFIX: Final = "LC_"


class Variables(msgspec.Struct, frozen=True, kw_only=True):
    """Variables for a command; `missing` are those that had to be handed on and are not set."""

    values: dict[str, str]
    secrets: dict[str, str]
    missing: list[str]


def allowed(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that every command gets to see."""
    return {
        name: value
        for name, value in environ.items()
        if name in ALLOWED or name.startswith(_ALLOWED_PREFIX)
    }


def variables(spec: EnvSpec, environ: Mapping[str, str]) -> Variables:
    """The variables of a check, from those of the engine."""
    handed_on = (*spec.pass_, *spec.secret)
    present = {name: environ[name] for name in handed_on if name in environ}
    return Variables(
        values=allowed(environ) | spec.set | present,
        secrets={name: environ[name] for name in spec.secret if name in environ},
        missing=[name for name in handed_on if name not in environ],
    )


def variable_problems(spec: EnvSpec, environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the variables that a command is to be handed, and what to do."""
    found = variables(spec, environ)
    for name in found.missing:
        yield f"the variable {name} is not set; export it, or remove it from `env`"
    for name, value in found.secrets.items():
        if len(value.strip()) < SHORTEST:
            yield (
                f"the secret {name} has fewer than {SHORTEST} characters and could not be kept "
                "out of logs; put it under `pass` if it is no secret"
            )
