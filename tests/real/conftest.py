"""Fixtures of the tests with real programs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_agents import Hiring


@pytest.fixture
def hiring(tmp_path: Path) -> Iterator[Hiring]:
    """Makes campaigns with real programs; in the end the person's repository must be unharmed."""
    hiring = Hiring(tmp_path)
    yield hiring
    hiring.close()
