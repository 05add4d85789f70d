"""Fashion-MNIST, parted into what is trained on, what is chosen by, and what the end is tested by.

The files lie in `$CNN_DATA`, or else in `.data/fashion-mnist` of the checkout, where
`scripts/setup_cnn.sh` puts them: `train` for training and validation, `test` for the final check.
Nothing here downloads anything.
"""

import gzip
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[2] / ".data" / "fashion-mnist"
VALIDATION = 10_000
"""The first images of `train` are for validation, in the order of the files, which is a mixed one.

Where there are fewer than six times as many, as in the small set, it is a sixth of them.
"""
TRAIN, TEST = "train", "t10k"
CLASSES = 10
MEAN, DEVIATION = 0.2860, 0.3530
"""Of all pixels that may be trained on."""

_IMAGES, _LABELS = 0x803, 0x801

Split = tuple[NDArray[np.uint8], NDArray[np.int32]]


class NoDataError(FileNotFoundError):
    """The images are not there, or are not shown to this program."""


def training(most: int | None = None) -> Split:
    """Images and labels to learn from: the first `most` of those that are no validation's."""
    skip = _validation()
    return _read("train", TRAIN, skip, most)


def validation(most: int | None = None) -> Split:
    """Images and labels by which candidates are compared; nothing learns from them."""
    kept = _validation()
    return _read("train", TRAIN, 0, kept if most is None else min(kept, most))


def open_test(most: int | None = None) -> Split:
    """The sealed images and labels; only the sandbox of the final check's judge shows them.

    Raises:
        NoDataError: this program is not that judge, or there are none.
    """
    return _read("test", TEST, 0, most)


def pixels_of(images: Any, how: str) -> Any:
    """Pixels as the network takes them: from 0 to 1, or about 0 with a deviation of 1.

    Shapes: [N, 28, 28] of bytes in, [N, 28, 28, 1] of float32 out; arrays of NumPy or of JAX.
    """
    x = images.astype(np.float32)[..., None] / np.float32(255)
    return x if how == "unit" else (x - np.float32(MEAN)) / np.float32(DEVIATION)


def _validation() -> int:
    return min(VALIDATION, _count("train", TRAIN) // 6)


def _file(folder: str, name: str) -> Path:
    path = Path(os.environ.get("CNN_DATA") or FOLDER) / folder / name
    if not path.is_file():
        raise NoDataError(f"there is no {path} here; `make setup-cnn` lays it there")
    return path


def _count(folder: str, prefix: str) -> int:
    with gzip.open(_file(folder, f"{prefix}-labels-idx1-ubyte.gz")) as labels:
        return _header(labels.read(8), _LABELS)[0]


def _read(folder: str, prefix: str, skip: int, most: int | None) -> Split:
    with gzip.open(_file(folder, f"{prefix}-labels-idx1-ubyte.gz")) as file:
        (count,) = _header(file.read(8), _LABELS)
        labels = np.frombuffer(file.read(count), np.uint8).astype(np.int32)
    end = count if most is None else min(count, skip + most)
    with gzip.open(_file(folder, f"{prefix}-images-idx3-ubyte.gz")) as file:
        images, rows, columns = _header(file.read(16), _IMAGES)
        if images != count:
            raise ValueError(f"{folder}: {images} images and {count} labels")
        pixels = np.frombuffer(file.read(end * rows * columns), np.uint8)
    shown = pixels.reshape(end, rows, columns)
    return shown[skip:], labels[skip:end]


def _header(start: bytes, magic: int) -> tuple[int, ...]:
    """The sizes at the head of an IDX file."""
    numbers = struct.unpack(f">{len(start) // 4}i", start)
    if numbers[0] != magic:
        raise ValueError(f"no IDX file of this kind: it begins with {numbers[0]:#x}")
    return numbers[1:]
