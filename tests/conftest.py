"""Fixtures that several rooms of tests share."""

from pathlib import Path

import pytest

from tests.driving import Driver


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    """The quick campaign in a folder of its own."""
    return Driver(tmp_path)


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the engine does."""
    return "asyncio"
