"""Print the campaign that `make run` climbs: the TPU kernel, or circle packing without libtpu."""

import importlib.util
import sys
from pathlib import Path

CONFIGS = Path(__file__).parent.parent / "configs"


def main() -> None:
    """Print a path; say on stderr why it is not the flagship."""
    if importlib.util.find_spec("libtpu") is not None:
        print(CONFIGS / "gdn-v5p.yaml")
        return
    print(
        "The TPU compiler (libtpu) is not installed here, so the kernel campaign cannot be costed;"
        " climbing circle packing instead.",
        file=sys.stderr,
    )
    print(CONFIGS / "circle-packing.yaml")


if __name__ == "__main__":
    main()
