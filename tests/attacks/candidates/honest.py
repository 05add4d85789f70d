"""Batcher's odd-even merge sort: a better network, honestly built."""


def build(lines):
    """Its comparators."""
    return merged_halves(0, lines)


def merged_halves(low, lines):
    """Sort both halves, then merge."""
    if lines < 2:
        return []
    half = lines // 2
    return merged_halves(low, half) + merged_halves(low + half, half) + merge(low, lines, 1)


def merge(low, lines, step):
    """Merge two sorted halves."""
    if 2 * step >= lines:
        return [(low, low + step)]
    inner = [(at, at + step) for at in range(low + step, low + lines - step, 2 * step)]
    return merge(low, lines, 2 * step) + merge(low + step, lines, 2 * step) + inner
