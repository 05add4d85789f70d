"""The network: blocks of convolutions, halved each time, and a mean over what is left."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

EMPTY = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
"""What an image is to the network, where only shapes are asked for."""


class Network(nn.Module):
    """A small convolutional network for images of one channel.

    Shapes: images [N, 28, 28, 1] in, logits [N, 10] out.
    """

    width: int
    blocks: int
    kernel: int
    pool: str
    dropout: float
    classes: int = 10

    @nn.compact
    def __call__(self, images: Array, *, train: bool = False) -> Array:
        """The logits; with `train` some of the features are dropped."""
        x = images
        for block in range(self.blocks):
            x = nn.Conv(self.width << block, (self.kernel, self.kernel))(x)
            x = _halved(nn.relu(x), self.pool)
        x = x.reshape(x.shape[0], -1)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = nn.relu(nn.Dense(4 * self.width)(x))
        return nn.Dense(self.classes)(x)


def _halved(x: Array, pool: str) -> Array:
    """The largest or the mean of every two by two; a last odd row or column is left out.

    On a CPU the gradient of this is several times quicker than that of a window which moves.
    """
    n, height, width, channels = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    parts = even.reshape(n, height // 2, 2, width // 2, 2, channels)
    return parts.max((2, 4)) if pool == "max" else parts.mean((2, 4))


def network(parameters: dict[str, Any]) -> Network:
    """The network that a candidate's parameters describe."""
    return Network(
        width=parameters["width"],
        blocks=parameters["blocks"],
        kernel=parameters["kernel"],
        pool=parameters["pool"],
        dropout=parameters["dropout"],
    )
