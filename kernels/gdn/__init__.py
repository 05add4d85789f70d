"""Gated DeltaNet: the gated delta rule, forward, as a family of Pallas TPU kernels."""
