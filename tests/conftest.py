"""Fixtures that several rooms of tests share."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.driving import Driver

if TYPE_CHECKING:
    from tests.coding import Steps, Toy


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    """The quick campaign in a folder of its own."""
    return Driver(tmp_path)


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the engine does."""
    return "asyncio"


@pytest.fixture
def toy(tmp_path: Path) -> Iterator["Callable[..., Toy]"]:
    """Makes a person's repository with a campaign of code; in the end it must be unharmed."""
    from tests.coding import Toy

    made: list[Toy] = []

    def make(turns: "Mapping[int | str, Steps]", **settings: Any) -> Toy:
        made.append(Toy(tmp_path / f"toy-{len(made)}", turns, **settings))
        return made[-1]

    yield make
    for each in made:
        each.end()
