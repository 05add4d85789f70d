"""How a checking process uses the machine: one core, and programs that compile quickly."""

import os

XLA_FLAGS = (
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_multi_thread_eigen=false",
)
"""Kernels run for milliseconds here and compile for seconds; one thread makes sums repeatable."""


def prepare() -> None:
    """Sets what must be set before numpy and jax are imported."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = " ".join((os.environ.get("XLA_FLAGS", ""), *XLA_FLAGS)).strip()
