"""Draw the room of a run as an SVG: `python scripts/picture.py RUN_FOLDER OUT.svg`."""

import asyncio
import sys
from pathlib import Path

from tui.app import RoomApp
from tui.bridge import RunFeed

SIZE = (120, 36)
SETTLE_S = 2.0
"""The room fills its panes a few times a second."""


async def draw(run: Path, out: Path) -> None:
    """Write the picture of the room as it is now."""
    app = RoomApp(RunFeed(run, run.parent))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(SETTLE_S)
        out.write_text(app.export_screenshot(title="controlroom"))


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]), Path(sys.argv[2])))
