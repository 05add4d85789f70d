"""`python -P -m tui RUN_FOLDER`: the screen of a run, until the person leaves it."""

import os
import sys
from pathlib import Path

from tui import hints
from tui.app import RoomApp
from tui.bridge import RunFeed
from tui.styles_cache import close_leak

USAGE = """\
usage: python -P -m tui RUN_FOLDER

The screen of a run; `controlroom attach` finds the folder by the run's name.
"""
WRONG = 2


def main(arguments: list[str]) -> int:
    """Shows the screen; returns the exit status."""
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(USAGE)
        return 0
    wrong = refusal(arguments)
    if wrong:
        sys.stderr.write(f"controlroom: {wrong}\n")
        return WRONG
    return _show(Path(arguments[0]))


def refusal(arguments: list[str]) -> str:
    """Why no screen can be shown, and what to do instead; empty when one can."""
    if len(arguments) != 1:
        return f"expected one run folder, got {len(arguments)} arguments\n{USAGE}"
    if not Path(arguments[0]).is_dir():
        return f"{arguments[0]}: there is no such run folder; `controlroom attach` lists runs"
    instead = "use `controlroom status`, or `controlroom run CONFIG --no-ui` to follow a run"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return f"the screen needs a terminal; without one {instead}"
    if os.environ.get("TERM", "") in {"", "dumb"}:
        return f"the screen needs a terminal that can move its cursor; {instead}"
    return ""


def _show(run_dir: Path) -> int:
    close_leak()
    folder = Path.cwd()
    feed = RunFeed(run_dir, folder)
    app = RoomApp(feed)
    app.run()
    condition = feed.room().condition
    status = app.return_code or 0
    if status == 0:
        attach = condition.attach_command or hints.attach_command(run_dir, folder)
        text = hints.farewell(
            live=condition.live,
            word=condition.word,
            attach=attach,
            resume=condition.resume_command,
        )
        sys.stdout.write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
