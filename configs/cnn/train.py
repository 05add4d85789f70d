"""The candidate's program: parameters and a seed in, trained weights out.

Trains for a fixed number of images (`$CNN_IMAGES`, 24,000 by default), seen in passes over a pool
whose size is a parameter. The same parameters and the same seed give the same weights on one
machine. Leaves `weights.npz` and `facts.json` in CONTROLROOM_PRODUCED, and prints a JSON line
for each pass.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from data import CLASSES, pixels_of, training
from flax.training.train_state import TrainState
from flax.traverse_util import flatten_dict
from jax import Array
from model import EMPTY, Network, network

IMAGES = 24_000
_SHIFT = 2  # pixels, either way


def trained(parameters: dict[str, Any], seed: int, images: int) -> tuple[Any, list[float]]:
    """The weights after so many images, and the mean loss of each pass.

    Args:
        parameters: the candidate's.
        seed: determines the first weights, the order and what is dropped and moved.
        images: how many are seen in all, the same ones again and again where the pool is small.
    """
    pixels, labels = training(min(parameters["pool_images"], images))
    batch = min(parameters["batch"], len(labels))
    steps = max(1, images // batch)
    state, step = _begun(parameters, seed, steps)
    order, losses = np.random.default_rng(seed), []
    key = jax.random.key(seed)
    each = max(1, len(labels) // batch)
    for begin in range(0, steps, each):
        mixed, total = order.permutation(len(labels)), 0.0
        end = min(steps, begin + each)
        for number in range(begin, end):
            chosen = mixed[(number - begin) * batch :][:batch]
            given = (pixels[chosen], labels[chosen], jax.random.fold_in(key, number))
            state, loss = step(state, given)
            total += float(loss)
        losses.append(total / (end - begin))
        line = {"pass": len(losses), "images": end * batch, "loss": round(losses[-1], 4)}
        print(json.dumps(line), flush=True)
    return state.params, losses


def _begun(
    parameters: dict[str, Any], seed: int, steps: int
) -> tuple[TrainState, Callable[..., Any]]:
    net = network(parameters)
    tx = _optimizer(parameters, steps)
    state = TrainState.create(apply_fn=net.apply, params=_first_weights(net, seed), tx=tx)

    def loss_of(params: Any, pixels: Array, labels: Array, key: Array) -> Array:
        logits = net.apply(params, pixels, train=True, rngs={"dropout": key})
        wanted = optax.smooth_labels(jax.nn.one_hot(labels, CLASSES), parameters["smoothing"])
        return optax.softmax_cross_entropy(logits, wanted).mean()

    def one(state: TrainState, given: tuple[Array, Array, Array]) -> tuple[TrainState, Array]:
        pixels, labels, key = given
        moving, dropping = jax.random.split(key)
        shown = _moved(pixels_of(pixels, parameters["pixels"]), parameters["augment"], moving)
        loss, gradients = jax.value_and_grad(loss_of)(state.params, shown, labels, dropping)
        return state.apply_gradients(grads=gradients), loss

    # Step by step: on a CPU a convolution within a loop of the compiler is ten times slower.
    return state, jax.jit(one)


def _first_weights(net: Network, seed: int) -> Any:
    """Normal ones with the variance that ReLU wants, zeros for biases.

    Drawn outside of the compiler, to which the library's own way is several seconds of work.
    """
    draws = np.random.default_rng((seed, 1))

    def drawn(leaf: jax.ShapeDtypeStruct) -> Array:
        if len(leaf.shape) == 1:
            return jnp.zeros(leaf.shape)
        deviation = np.sqrt(2 / np.prod(leaf.shape[:-1]))
        return jnp.asarray(draws.normal(0, deviation, leaf.shape), jnp.float32)

    return jax.tree.map(drawn, jax.eval_shape(net.init, jax.random.key(0), EMPTY))


def _optimizer(parameters: dict[str, Any], steps: int) -> optax.GradientTransformation:
    rate: Any = parameters["rate"]
    if parameters["schedule"] == "cosine":
        rate = optax.warmup_cosine_decay_schedule(rate / 10, rate, steps // 10, steps)
    if parameters["optimizer"] == "sgd":
        return optax.sgd(rate, momentum=0.9, nesterov=True)
    return optax.adamw(rate, weight_decay=parameters["decay"])


def _moved(pixels: Array, how: str, key: Array) -> Array:
    """A batch with every image mirrored by chance, shifted by chance, or both."""
    flips, shifts = jax.random.split(key)
    if how in ("flip", "both"):
        mirrored = jax.random.bernoulli(flips, shape=(pixels.shape[0], 1, 1, 1))
        pixels = jnp.where(mirrored, pixels[:, :, ::-1], pixels)
    if how in ("shift", "both"):
        room = ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT), (0, 0))
        at = jax.random.randint(shifts, (2,), 0, 2 * _SHIFT + 1)
        wide = jnp.pad(pixels, room, mode="edge")
        pixels = jax.lax.dynamic_slice(wide, (0, at[0], at[1], 0), pixels.shape)
    return pixels


def main() -> int:
    """Exit status 0 with the weights written."""
    candidate = json.loads(Path(os.environ["CONTROLROOM_CANDIDATE"]).read_text("utf-8"))
    produced = Path(os.environ["CONTROLROOM_PRODUCED"])
    parameters, begun_s = candidate["parameters"], time.perf_counter()
    images = int(os.environ.get("CNN_IMAGES") or IMAGES)
    weights, losses = trained(parameters, candidate["seed"], images)
    named = flatten_dict(weights["params"], sep="/")
    np.savez(produced / "weights.npz", **{name: np.asarray(each) for name, each in named.items()})
    took_s = round(time.perf_counter() - begun_s, 3)
    facts = {"train_s": took_s, "train_loss": losses[-1], "images": images}
    (produced / "facts.json").write_text(json.dumps(facts), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
