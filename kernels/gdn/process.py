"""How a checking process uses the machine: one core, programs that compile quickly, a quick end."""

import os
import resource
import sys
from importlib import metadata
from typing import NoReturn

XLA_FLAGS = (
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_multi_thread_eigen=false",
)
"""Kernels run for milliseconds here and compile for seconds; one thread makes sums repeatable."""

_FOR_GPUS = "jax._src.pallas.mosaic_gpu.interpret"
"""What interpreting any kernel tries to import, 0.2 s, and does without where it is missing."""

DATA_BYTES = 8 << 30
"""Memory that a process which handles programs of others may ask for."""


def prepare() -> None:
    """Sets what must be set before numpy and jax are imported."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = " ".join((os.environ.get("XLA_FLAGS", ""), *XLA_FLAGS)).strip()
    sys.modules[_FOR_GPUS] = None  # type: ignore[assignment]  how Python is told to raise ImportError


def compiler_options() -> dict[str, bool | int | str]:
    """What spares up to half the compiling of an interpreted kernel, in this jaxlib's words.

    Not among XLA_FLAGS: the TPU's compiler reads these too, and ends at one that it does not know.
    """
    one_module: dict[str, bool | int | str] = {"xla_cpu_parallel_codegen_split_count": 1}
    version = tuple(int(part) for part in metadata.version("jaxlib").split(".")[:2])
    if version < (0, 11):
        return one_module | {"xla_cpu_use_fusion_emitters": False}
    return one_module | {"xla_disable_hlo_passes": "fusion"}


def limit() -> None:
    """Bounds what this process may take: memory for data, and no picture of it when it dies."""
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES, DATA_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def leave(status: int) -> NoReturn:
    """Ends the process at once: what jax and the compiler would tear down, the system takes back.

    Cost: an orderly end takes 0.3 s and more.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
