"""Where checks run: this machine, or hosts that are reached by ssh."""

from typing import Annotated, Any, Final, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from engine.core.address import Address
from engine.core.campaign.fields import (
    COMPLAINT,
    Duration,
    FileName,
    Filled,
    Int,
    Model,
    complaint,
)

LOCAL: Final = "local"


class LocalExecutor(Model):
    """This machine; there is nothing to set."""

    kind: Literal["local"] | None = Field(
        default=None, description="What it is.", examples=["local"]
    )


def _address(text: str) -> str:
    try:
        Address.parse(text)
    except ValueError as error:
        fix = "write a name of the ssh configuration, or user@host:port"
        raise complaint(str(error), fix) from None
    return text


HostName = Annotated[Filled, AfterValidator(_address)]


class SshExecutor(Model):
    """Hosts that are reached by ssh, each as good as the others (docs/remote-hosts.md).

    Your ssh configuration, agent and jump hosts are used; host keys are always checked. A check
    goes to the host that has least to do; one that fails is left alone for a while.
    """

    kind: Literal["ssh"] = Field(description="What it is.", examples=["ssh"])
    hosts: Annotated[tuple[HostName, ...], Field(min_length=1, max_length=256)] = Field(
        description="The hosts: names of the ssh configuration, or user@host:port.",
        examples=["[tpu-1, tpu-2]", "['me@10.0.0.7:2222']"],
    )
    python: Filled = Field(
        default="python3",
        description="The Python there, 3.10 or later: what `{python}` stands for, whatever "
        "`environment` says, and what runs our own program.",
        examples=["/opt/venv/bin/python"],
    )
    slots: Annotated[Int, Field(ge=1, le=6)] = Field(
        default=1,
        description="Checks at a time on each host. With one, nothing of ours disturbs a "
        "measurement.",
        examples=["4"],
    )
    send: Annotated[tuple[Filled, ...], Field(min_length=1)] = Field(
        default=("*",),
        description="The files below `root` that checks need there, as patterns like those of "
        "`protect`; `*` is all of them, but for `.git`, `.controlroom` and virtual environments; "
        "in a campaign of code, of the candidate's tree. At most 256 MiB; what a host has is not "
        "sent again.",
        examples=["['bench/**', data/points.csv]"],
    )
    folder: Filled = Field(
        default=".controlroom",
        description="Our folder there, below the home unless it is absolute.",
        examples=["/scratch/me/controlroom"],
    )
    ssh_config: Filled | None = Field(
        default=None,
        description="Another ssh configuration than your own, relative to the folder of this file.",
        examples=["cluster.ssh"],
    )
    patience_s: Duration = Field(
        default=600.0,
        alias="patience",
        description="How long a host that cannot be reached any more is waited for before the "
        "check has failed with `infra`; and how long any host is waited for that can be used. One "
        "that lets nobody in, or has an unknown key, is not waited for.",
        examples=["30m"],
    )
    leash_s: Duration = Field(
        default=900.0,
        alias="leash",
        description="A check that no engine follows for so long is ended on its host; one with "
        "`detached: true` goes on until its deadline.",
        examples=["1h"],
    )


def _kind(data: Any) -> str | None:
    match data:
        case LocalExecutor():
            return "<local>"
        case SshExecutor():
            return "<ssh>"
        case None:
            return "<local>"
        case dict():
            kind = cast("dict[str, Any]", data).get("kind", LOCAL)
            return f"<{kind}>" if kind in (LOCAL, "ssh") else None
        case _:
            return None


ExecutorSpec = Annotated[
    Annotated[LocalExecutor, Tag("<local>")] | Annotated[SshExecutor, Tag("<ssh>")],
    Discriminator(
        _kind,
        custom_error_type=COMPLAINT,
        custom_error_message="an executor is of the kind local or ssh",
        custom_error_context={"fix": "write {kind: ssh, hosts: [NAME]}"},
    ),
]


def _with_local(value: object) -> object:
    """This machine is always there."""
    return {LOCAL: {}, **cast("dict[str, Any]", value)} if isinstance(value, dict) else value


Executors = Annotated[dict[FileName, ExecutorSpec], BeforeValidator(_with_local)]
