"""The TPU compiler's own static estimate of a kernel's time, on a machine without a TPU.

Everything here runs in a process of its own (see static_child.py): the compiler reads its flags
once per process and aborts the process on a program that its profiler cannot follow.
"""

import dataclasses
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernels.common import hlo
from kernels.common.chips import Chip

_CYCLES = re.compile(r'hlo_op_name: "([^"]+)"\s*estimated_cycles: (\d+)')
_SPILL = "VSTORE:SPILL"


@dataclasses.dataclass(frozen=True)
class Profile:
    """What the compiler says about one program.

    Args:
        cycles: estimated cycles of the kernel, from its first to its last.
        around_bytes: bytes that the operations around the kernel move.
        vmem_bytes: on-chip memory of the kernel.
        bundles: instructions of the kernel's schedule.
        spills: registers that the schedule stores for want of room.
    """

    cycles: int
    around_bytes: int
    vmem_bytes: int
    bundles: int
    spills: int


def flags(folder: Path, operation: str) -> str:
    """The compiler's flags for profiling one operation into the folder."""
    return " ".join((
        f"--xla_jf_dump_static_llo_profile_to={folder}/profile",
        f"--xla_jf_dump_to={folder}/passes",
        "--xla_jf_dump_llo_text=true",
        "--xla_jf_dump_llo_pass_label_regex=.*per-bundle-utilization.*",
        f"--xla_jf_dump_only_matching_hlo={operation}",
    ))  # fmt: skip


def environment(folder: Path, operation: str) -> dict[str, str]:
    """The variables of a profiling process, to be set before jax is imported."""
    variables = {
        "LIBTPU_INIT_ARGS": flags(folder, operation),
        "JAX_PLATFORMS": "cpu",
        "TPU_SKIP_MDS_QUERY": "1",
        "TPU_LOG_DIR": "disabled",
        "TPU_STDERR_LOG_LEVEL": "2",
    }
    if not has_tpu():
        variables["ALLOW_MULTIPLE_LIBTPU_LOAD"] = "1"
    return variables


def has_tpu() -> bool:
    """Whether a TPU is plugged in here: two compilers at once may not share it."""
    return any(Path("/dev").glob("accel*")) or Path("/dev/vfio/0").exists()


class Compiler:
    """Compiles functions for a chip and reads the profile of one kernel in them.

    Cost: 0.7 s to start and 0.5 to 4 s a program, with the size of the kernel's body.
    """

    def __init__(self, chip: Chip, operation: str, folder: Path) -> None:
        import jax
        from jax.experimental import topologies

        _answer_for(chip)
        description = topologies.get_topology_desc(platform="tpu", topology_name=chip.topology)
        self._sharding = jax.sharding.SingleDeviceSharding(description.devices[0])
        self._operation, self._folder = operation, folder

    def profile(self, function: Callable[..., Any], shapes: tuple[Any, ...]) -> Profile:
        """The profile of the function at these shapes.

        Raises:
            Exception: what lowering or the compiler raises.
            ValueError: the compiler left no profile of the kernel.
        """
        import jax

        placed = [jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=self._sharding) for s in shapes]
        text = jax.jit(function).lower(*placed).compile().as_text()
        bundles, spills = self._schedule()
        return Profile(
            cycles=self._cycles(),
            around_bytes=hlo.moved_bytes(text),
            vmem_bytes=hlo.kernel_vmem_bytes(text, self._operation),
            bundles=bundles,
            spills=spills,
        )

    def _cycles(self) -> int:
        for path in self._take("profile/*_static_llo_profile.textproto"):
            found = dict(_CYCLES.findall(path))
            if self._operation in found:
                return int(found[self._operation])
        raise ValueError(f"the compiler left no static profile of {self._operation}")

    def _schedule(self) -> tuple[int, int]:
        for text in self._take("passes/*per-bundle-utilization.txt"):
            lines = text.splitlines()
            header = [name.strip() for name in lines[1].split(",")]
            rows = [line.split() for line in lines[4:] if line.strip()]
            return len(rows), sum(int(row[header.index(_SPILL)]) for row in rows)
        raise ValueError(f"the compiler left no schedule of {self._operation}")

    def _take(self, pattern: str) -> list[str]:
        """The texts of the files that match, which are deleted: the next program reuses names."""
        texts = []
        for path in sorted(self._folder.glob(pattern)):
            texts.append(path.read_text(errors="replace"))
            path.unlink()
        return texts


def _answer_for(chip: Chip) -> None:
    """Lets lowering rules that ask for the local device's kind, cpu here, see the chip instead."""
    from jax._src.pallas.mosaic import tpu_info
    from jax.experimental.pallas import tpu as pltpu

    version = pltpu.ChipVersion[chip.version]
    tpu_info.registry["cpu"] = lambda: pltpu.get_tpu_info_for_chip(version, chip.cores)


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for the compiler's files, removed with everything in it."""
    folder = tempfile.TemporaryDirectory(prefix="static-profile-")
    for name in ("profile", "passes"):
        (Path(folder.name) / name).mkdir()
    return folder


def set_environment(folder: Path, operation: str) -> None:
    """Sets the variables of a profiling process in this one."""
    os.environ.update(environment(folder, operation))
