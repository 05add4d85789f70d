"""Puts the files of a report into a folder."""

from pathlib import Path

from engine.reports.final.parts import Page


def write(page: Page, folder: Path) -> Path:
    """Where the page lies now; whoever reads meanwhile sees the old one or the new one.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / page.name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(page.content)
    part.replace(path)
    return path
