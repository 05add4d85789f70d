"""What may be done about a check that lacks a package or a model."""

from typing import Annotated, cast

from pydantic import BeforeValidator, Field

from engine.core.campaign.environment import InterpreterEnvironment
from engine.core.campaign.fields import Duration, Filled, Flag, Model, Text, complaint
from engine.core.repair.parts import Clone, RepairRules

_FIXED = "the Python of an interpreter is not the campaign's own: write environment: {venv: ...}"
_SEALED = "the environment of sealed checks stays as it is: what runs in it would choose what it is"


def _packages(value: object) -> object:
    """A list of requirements, or a text of them with spaces between."""
    return value.split() if isinstance(value, str) else value


Packages = Annotated[
    tuple[Filled, ...], BeforeValidator(_packages, json_schema_input_type=list[str] | str)
]


class CloneSpec(Model):
    """A git repository that holds a package."""

    repo: Filled = Field(
        description="Its URL, or a folder relative to `root`.", examples=["../models"]
    )
    ref: Text = Field(
        default="", description="A branch, a tag or a commit.", examples=["v1.2", "main"]
    )
    subdir: Text = Field(
        default="", description="The folder of the package in it.", examples=["python"]
    )
    editable: Flag = Field(
        default=True,
        description="Install it as its source: the files of the clone are what is imported.",
        examples=["false"],
    )

    def to_clone(self) -> Clone:
        """The repository as decisions know it."""
        return Clone(**self.model_dump())


def _clone(value: object) -> object:
    """A repository alone stands for a mapping of it."""
    if isinstance(value, str):
        return {"repo": value}
    if isinstance(value, (dict, CloneSpec)):
        return cast("object", value)
    raise complaint("must be a repository", "write its URL, or {repo: URL, ref: main}")


CloneEntry = Annotated[CloneSpec, BeforeValidator(_clone)]


class RepairSpec(Model):
    """What may be done, once, about a check that says that it lacks a package or a model.

    The first of these that is known, in this order: another model instead, packages, a repository,
    a guess; a repository too where its packages could not be installed. Then the check is run
    again. Names are in lower case. docs/repair.md says more.
    """

    enabled: Flag = Field(default=True, description="Whether anything is.", examples=["false"])
    retry: Flag = Field(
        default=True,
        description="Whether the check is run again after that, once. Without, later candidates "
        "have the use of it.",
        examples=["false"],
    )
    install: Flag = Field(
        default=False,
        description="Whether packages may be installed: into a new environment of the campaign's "
        "own, made of its requirements and these; never into one that is there.",
        examples=["true"],
    )
    guess: Flag = Field(
        default=False,
        description="Whether a module that nothing is known of may be taken for the package of its "
        "name. Whoever writes what runs then chooses what is installed.",
        examples=["true"],
    )
    python: Filled | None = Field(
        default=None,
        description="The Python that such an environment is made from; by default that of "
        "`environment`.",
        examples=["python3.12"],
    )
    modules: dict[Filled, Packages] = Field(
        default={},
        description="Requirements by the name of a module, or of a package that holds it. An empty "
        "list: none, whatever is known.",
        examples=["{mamba_ssm: [mamba-ssm==2.2.4, causal-conv1d]}"],
    )
    aliases: dict[Filled, Text] = Field(
        default={},
        description="The package of a module by the module's first name, where `modules` has none.",
        examples=["{cv2: opencv-python-headless}"],
    )
    clones: dict[Filled, CloneEntry] = Field(
        default={},
        description="Repositories by the name of a module, or of a package that holds it.",
        examples=["{mynets: {repo: ../mynets, ref: main}}"],
    )
    model_packages: dict[Filled, Packages] = Field(
        default={},
        description="Requirements by the name of a model.",
        examples=["{unet_resnet34: [segmentation-models-pytorch, timm]}"],
    )
    model_clones: dict[Filled, CloneEntry] = Field(
        default={},
        description="Repositories by the name of a model.",
        examples=["{swin_unetr: {repo: ../swin, editable: false}}"],
    )
    fallbacks: dict[Filled, Text] = Field(
        default={},
        description="Models by the name of one that is not known: the candidate is run with that "
        "instead, in its parameter, or at `model.name` in a copy of the file that the check's "
        "`--config` names. An empty text: none.",
        examples=["{unet_resnet34: simple_unet}"],
    )
    deadline_s: Duration = Field(
        default=900.0,
        alias="deadline",
        description="How long the making of an environment may take.",
        examples=["15m"],
    )

    def to_rules(self, environment: object, *, sealed: bool) -> RepairRules | None:
        """The rules as decisions know them; None where nothing is to be repaired.

        Args:
            environment: the campaign's.
            sealed: whether it has sealed checks.
        """
        if not self.enabled:
            return None
        fixed = _FIXED if isinstance(environment, InterpreterEnvironment) else ""
        return RepairRules(
            retry=self.retry,
            guess=self.guess,
            install=self.install,
            python=self.python,
            modules={name.lower(): list(lines) for name, lines in self.modules.items()},
            aliases=_lower(self.aliases),
            clones={name.lower(): clone.to_clone() for name, clone in self.clones.items()},
            model_packages={
                name.lower(): list(lines) for name, lines in self.model_packages.items()
            },
            model_clones={
                name.lower(): each.to_clone() for name, each in self.model_clones.items()
            },
            fallbacks=_lower(self.fallbacks),
            deadline_s=self.deadline_s,
            fixed=_SEALED if sealed else fixed,
        )


def _lower(names: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in names.items()}
