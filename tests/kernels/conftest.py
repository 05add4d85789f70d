"""Kernels are run here as the check command runs them; this must come before jax is imported."""

from kernels.gdn import process

process.prepare()
