"""The candidate's code: builds a sorting network, a list of pairs of lines to be compared."""


def build(lines):
    """Bubble sort: correct, and long."""
    return [(low, low + 1) for end in range(lines - 1, 0, -1) for low in range(end)]
