"""The judge: counts what the weights that a training left get wrong, on images that it never saw.

    python cnn/judge.py validation|test

`test` is for the final check alone: no other sandbox shows that split. The network is computed
anew here, with NumPy, from numbers: nothing that trained is imported. A judge reads no compiled
modules, and the libraries that train would take it seconds to compile.
"""

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from data import CLASSES, Split, open_test, pixels_of, validation
from numpy.typing import NDArray

_AT_ONCE = 20  # what fits into a processor's cache
_SIDE = 28
SPLITS = {"validation": ("val_error", validation), "test": ("test_error", open_test)}

Numbers = NDArray[np.float32]


def error(weights: dict[str, Numbers], parameters: dict[str, Any], split: Split) -> float:
    """How many of the images are taken for something else, in per cent.

    Raises:
        ValueError: the weights are not those of the network that the parameters describe.
    """
    wanted = dict(_shapes(parameters))
    found = {name: weight.shape for name, weight in weights.items()}
    if found != wanted:
        raise ValueError(f"the weights are {found}, and the network has {wanted}")
    images, labels = split
    wrong = 0
    for begin in range(0, len(labels), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        named = logits(weights, parameters, images[part]).argmax(-1)
        wrong += int(np.sum(named != labels[part]))
    return 100 * wrong / len(labels)


def _shapes(parameters: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    kernel, side, channels = parameters["kernel"], _SIDE, 1
    for block in range(parameters["blocks"]):
        wide = parameters["width"] << block
        yield f"Conv_{block}/kernel", (kernel, kernel, channels, wide)
        yield f"Conv_{block}/bias", (wide,)
        side, channels = side // 2, wide
    hidden, flat = 4 * parameters["width"], side * side * channels
    for name, into, out in (("Dense_0", flat, hidden), ("Dense_1", hidden, CLASSES)):
        yield f"{name}/kernel", (into, out)
        yield f"{name}/bias", (out,)


def logits(
    weights: dict[str, Numbers], parameters: dict[str, Any], images: NDArray[np.uint8]
) -> Numbers:
    """What the network says of each image.

    Shapes: [N, 28, 28] in, [N, 10] out.
    Numerics: float32 throughout; within 1e-4 of the network that is trained.
    """
    x = pixels_of(images, parameters["pixels"])
    for block in range(parameters["blocks"]):
        name = f"Conv_{block}"
        x = _convolved(x, weights[f"{name}/kernel"], weights[f"{name}/bias"])
        x = _halved(np.maximum(x, 0), parameters["pool"])
    x = x.reshape(len(x), -1)
    x = np.maximum(x @ weights["Dense_0/kernel"] + weights["Dense_0/bias"], 0)
    return x @ weights["Dense_1/kernel"] + weights["Dense_1/bias"]


def _convolved(x: Numbers, kernel: Numbers, bias: Numbers) -> Numbers:
    """A convolution that keeps the size, as one product of matrices."""
    size, room = len(kernel), len(kernel) // 2
    height, width = x.shape[1:3]
    wide = np.pad(x, ((0, 0), (room, room), (room, room), (0, 0)))
    places = [(i, j) for i in range(size) for j in range(size)]
    seen = np.concatenate([wide[:, i : i + height, j : j + width] for i, j in places], axis=-1)
    return (seen.reshape(-1, seen.shape[-1]) @ kernel.reshape(-1, kernel.shape[-1]) + bias).reshape(
        *x.shape[:3], -1
    )


def _halved(x: Numbers, pool: str) -> Numbers:
    n, height, width, channels = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    parts = even.reshape(n, height // 2, 2, width // 2, 2, channels)
    return parts.max((2, 4)) if pool == "max" else parts.mean((2, 4))


def main(split: str) -> int:
    """Exit status 0 with the error reported, 1 where the weights are of no use."""
    metric, images = SPLITS[split]
    candidate = json.loads(Path(os.environ["CONTROLROOM_CANDIDATE"]).read_text("utf-8"))
    produced, parameters = Path(os.environ["CONTROLROOM_PRODUCED"]), candidate["parameters"]
    most = os.environ.get("CNN_JUDGED")
    shown = images(int(most) if most else None)
    try:
        with np.load(produced / "weights.npz", allow_pickle=False) as file:
            weights = {name: np.asarray(file[name], np.float32) for name in file.files}
        facts = json.loads((produced / "facts.json").read_text("utf-8"))
        value, train_s = error(weights, parameters, shown), float(facts["train_s"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as problem:
        _report({"failure": {"class": "invalid", "detail": f"{type(problem).__name__}: {problem}"}})
        return 1
    print(f"{metric} {value:.3f} %")
    _report({"metrics": {metric: value, "train_s": train_s}})
    return 0


def _report(result: dict[str, Any]) -> None:
    descriptor = int(os.environ["CONTROLROOM_REPORT_FD"])
    result = result | {"token": os.environ["CONTROLROOM_TOKEN"]}
    with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:
        json.dump(result, pipe)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
