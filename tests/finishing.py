"""Runs that are brought to their end: candidates that are quick, fail or hang, as a file says."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.core.finish.times import unix_s
from tests.driving import QUICK, Driver, of_type, wait_for

LIVELY = (
    QUICK.replace('run: "true"', 'run: "sh pace.sh"')
    .replace("[0, 40]", "[0, 100000]")
    .replace("stop: {iterations: 12}", "stop: {iterations: 100000, failures: 100000}")
    .replace("deadline: 20s", "deadline: 120s")
)
"""A campaign without an end of its own; what its first check does stands in `pace.sh`."""

QUICKLY, FAILING, HANGING = "sleep 0.05", "exit 1", "sleep 100"


def waiting(name: str) -> str:
    """Candidates wait until there is such a file in the campaign's folder."""
    return f"until test -e {name}; do sleep 0.02; done"


class Lively(Driver):
    """A run of `LIVELY`."""

    def __init__(self, folder: Path, finish: str = "{report: false}", more: str = "") -> None:
        text = LIVELY.replace("{report: false}", finish) + more
        super().__init__(folder, text)
        self.pace(QUICKLY)

    def pace(self, script: str) -> None:
        """What candidates do from the next one on; a shell that runs keeps what it reads."""
        draft = self.folder / "pace.new"
        draft.write_text(script)
        draft.replace(self.folder / "pace.sh")

    @contextlib.contextmanager
    def running(self, *arguments: str, **env: str) -> Iterator["subprocess.Popen[str]"]:
        """An engine at work; gone afterwards, whatever happens."""
        engine = self.start(*arguments, **env)
        try:
            yield engine
        finally:
            engine.kill()
            engine.communicate()

    def hang_in_the_final_round(self, minutes: float) -> None:
        """Plan a finish while the baseline runs, which ends well; the iteration after it hangs."""
        self.heard("CheckStarted")
        self("finish", "--minutes-left", str(minutes))
        self.heard("FinishBegan")
        self.pace(HANGING)
        (self.folder / "go").touch()
        self.heard("FinalRoundStarted")

    def heard(self, kind: str, count: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """The events of a type, once there are so many of them."""

        def look() -> list[dict[str, Any]]:
            if not self.run_dir.joinpath("journal.sqlite").exists():
                return []
            found = [
                each
                for each in of_type(self.events(), kind)
                if all(each[name] == value for name, value in fields.items())
            ]
            return found if len(found) >= count else []

        return wait_for(look, 60)


def ended(engine: "subprocess.Popen[str]", status: int = 0) -> None:
    """The engine ends by itself."""
    told, _ = engine.communicate(timeout=120)
    assert engine.returncode == status, told[-3000:]


def kinds(events: Sequence[dict[str, Any]], *wanted: str) -> list[str]:
    """The types of events in their order, those that are wanted."""
    return [event["type"] for event in events if event["type"] in wanted]


def before_deadline(events: Sequence[dict[str, Any]]) -> bool:
    """Whether the run was over in time."""
    (began,), finished = of_type(events, "FinishBegan"), of_type(events, "RunFinished")[-1]
    return unix_s(finished["time"]) <= unix_s(began["deadline"])
