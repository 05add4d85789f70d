"""What a check's command finds: its Python, and its environment variables."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Discriminator, Field, Tag

from engine.core.campaign.fields import COMPLAINT, Filled, Model, VariableName, complaint, show


class InterpreterEnvironment(Model):
    """A Python that is there already."""

    interpreter: Filled = Field(
        default="path",
        description="`path`: the Python of the active virtual environment, or else `python3` of "
        "PATH. `own`: the Python that controlroom itself runs in. Anything else is the name or "
        "the path of a Python.",
        examples=["own", "python3.12", ".venv/bin/python"],
    )


class VenvSpec(Model):
    """A virtual environment that is made for the run, once for each content of the requirements."""

    requirements: Filled = Field(
        description="The requirements file that is installed into it, relative to `root`.",
        examples=["requirements.txt"],
    )
    interpreter: Filled | None = Field(
        default=None,
        description="The Python it is made from, a name or a path; by default as `path` above.",
        examples=["python3.12"],
    )


class UvSpec(Model):
    """A virtual environment that uv makes, once for each content of the requirements."""

    requirements: Filled = Field(
        description="The requirements file that is installed into it, relative to `root`.",
        examples=["requirements.txt"],
    )
    python: Filled | None = Field(
        default=None,
        description="The Python version that uv is asked for; in quotes, or 3.10 would be 3.1.",
        examples=["'3.12'"],
    )


class VenvEnvironment(Model):
    """`{venv: {...}}`."""

    venv: VenvSpec = Field(
        description="A virtual environment, made once and used again.",
        examples=["{requirements: requirements.txt}"],
    )


class UvEnvironment(Model):
    """`{uv: {...}}`."""

    uv: UvSpec = Field(
        description="The same, made by uv.",
        examples=["{python: '3.12', requirements: requirements.txt}"],
    )


def _kind(data: Any) -> str | None:
    match data:
        case InterpreterEnvironment():
            return "<interpreter>"
        case VenvEnvironment():
            return "<venv>"
        case UvEnvironment():
            return "<uv>"
        case dict():
            return next((f"<{kind}>" for kind in ("venv", "uv") if kind in data), "<interpreter>")
        case _:
            return None


Environment = Annotated[
    Annotated[InterpreterEnvironment, Tag("<interpreter>")]
    | Annotated[VenvEnvironment, Tag("<venv>")]
    | Annotated[UvEnvironment, Tag("<uv>")],
    Discriminator(
        _kind,
        custom_error_type=COMPLAINT,
        custom_error_message="must be a mapping that says which Python",
        custom_error_context={"fix": "write {interpreter: own} or {venv: {requirements: FILE}}"},
    ),
]


def _as_text(value: object) -> object:
    """An integer becomes a text, as in a shell; what YAML may have changed is not guessed."""
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise complaint("must be a text", f"put it in quotes: '{show(value)}'")
    return value


Setting = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int)]

RESERVED: Final = "CONTROLROOM_"


class EnvSpec(Model):
    """Environment variables of checks.

    Beyond these, a check sees only PATH, HOME, USER, LANG, LC_*, TZ, TMPDIR and VIRTUAL_ENV.
    """

    set: dict[VariableName, Setting] = Field(
        default={},
        description="Variables with their values. They are written into the journal and into the "
        "fingerprint of measurements: no secrets here.",
        examples=["{XLA_FLAGS: --xla_dump_to=dump, OMP_NUM_THREADS: 1}"],
    )
    pass_: tuple[VariableName, ...] = Field(
        default=(),
        alias="pass",
        description="Variables that are handed on from the environment of the engine.",
        examples=["[LD_LIBRARY_PATH]"],
    )
    secret: tuple[VariableName, ...] = Field(
        default=(),
        description="Variables that are handed on, and whose values are never written down.",
        examples=["[HF_TOKEN]"],
    )

    def with_more(self, more: "EnvSpec") -> "EnvSpec":
        """These variables and those of `more`, which wins where both have a name."""
        own = {*more.set, *more.pass_, *more.secret}
        kept = {name: value for name, value in self.set.items() if name not in own}
        return EnvSpec.model_validate(
            {
                "set": kept | more.set,
                "pass": (*(name for name in self.pass_ if name not in own), *more.pass_),
                "secret": (*(name for name in self.secret if name not in own), *more.secret),
            }
        )
