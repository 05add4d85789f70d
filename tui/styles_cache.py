"""A leak of Textual 8.2.8, closed in one place.

`StylesCache.get_inner_outer` keeps up to 1,024 dead caches, and each keeps the screen it belonged
to: 0.2 MB for every dialogue that is opened and closed
(https://github.com/Textualize/textual/issues/6665). What it computes is cheap. Remove this when
the pinned Textual has the fix; `tests/screens/test_leak.py` tells.
"""

from typing import Any

from textual._styles_cache import StylesCache  # pyright: ignore[reportPrivateUsage]


def close_leak() -> None:
    """Takes the cache off the method; asking twice does no harm."""
    method: Any = StylesCache.get_inner_outer
    uncached = getattr(method, "__wrapped__", None)
    if uncached is not None:
        StylesCache.get_inner_outer = uncached
