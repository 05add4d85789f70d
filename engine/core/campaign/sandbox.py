"""What the programs of a sealed check may see and use."""

from pydantic import Field

from engine.core.campaign.fields import Filled, Model, Positive, Size


class SandboxSpec(Model):
    """The sandbox of sealed checks, made by bubblewrap for every command; `read` is agents', too.

    `produce` sees the candidate's code, `judge` that of the protected base; both see the
    interpreter, the system's programs and what `read` names, all of it unchangeable, and nothing
    else: no home, no run folder, no network. What goes over a limit is killed and costs its
    iteration.
    """

    read: tuple[Filled, ...] = Field(
        default=(),
        description="More files and folders that both may read, and agents in their sandboxes, "
        "relative to the folder of this file: data sets, toolchains.",
        examples=["[../data, /opt/toolchain]"],
    )
    hide: tuple[Filled, ...] = Field(
        default=(),
        description="Files and folders below `root` that `produce` finds empty, and agents in "
        "their sandboxes: answers and hidden tests, which are the judge's alone. No candidate may "
        "change them. Agents then find no git history either, which would show them.",
        examples=["[tests/hidden]"],
    )
    memory_bytes: Size = Field(
        default=8 << 30,
        alias="memory",
        description="Memory of all processes of one command together.",
        examples=["16GiB"],
    )
    processes: Positive = Field(default=256, description="Processes at a time.", examples=["64"])
    scratch_bytes: Size = Field(
        default=1 << 30,
        alias="scratch",
        description="What fits into /tmp and HOME, which are empty at first and go away.",
        examples=["256MiB"],
    )
    output_bytes: Size = Field(
        default=64 << 20,
        alias="output",
        description="What one command may print.",
        examples=["16MiB"],
    )
    produced_bytes: Size = Field(
        default=256 << 20,
        alias="produced",
        description="What `produce` may leave for the judge.",
        examples=["64MiB"],
    )
