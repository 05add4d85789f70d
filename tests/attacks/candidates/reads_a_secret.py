"""Asks for a key by its path."""

from pathlib import Path

KEY = Path("@FOLDER@/secret.txt").read_text()


def build(lines):
    """As honest as ever."""
    return [(low, low + 1) for end in range(lines - 1, 0, -1) for low in range(end)]
