"""The TPU generations that kernels are costed for: clock, memory bandwidth, topology name."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Chip:
    """One chip as the compiler sees it.

    Args:
        topology: the smallest one that every libtpu tried accepts.
        version: member of jax's ChipVersion enumeration.
        cores: TensorCores of a chip that one program uses.
        clock_hz: of a TensorCore.
        bytes_per_s: of the chip's main memory.
        flops_per_s: bf16 peak of the chip.

    Source: vendor's tables for bandwidth and peak; the clocks agree with the compiler's own cycles
    for a 4096^3 product.
    """

    name: str
    topology: str
    version: str
    cores: int
    clock_hz: float
    bytes_per_s: float
    flops_per_s: float


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("v5p", "v5p:2x2x1", "TPU_V5P", 2, 1.751e9, 2765e9, 459e12),
        Chip("v5e", "v5e:2x2", "TPU_V5E", 1, 1.503e9, 819e9, 197e12),
        Chip("v6e", "v6e:2x2", "TPU_V6E", 1, 1.751e9, 1640e9, 918e12),
    )
}
