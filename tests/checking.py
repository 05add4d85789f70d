"""What tests of checks share: a campaign of given checks, a run folder, a candidate."""

import os
import sys
from pathlib import Path
from typing import Any

from engine.checks.interpreter import Interpreter
from engine.checks.report import CheckReport
from engine.checks.runner import CheckRunner
from engine.core.campaign.models import Campaign
from engine.core.ids import CandidateId, IterationNumber, TraceId
from engine.core.state import Candidate
from engine.executors.local import Local
from engine.executors.procfs import carrying
from engine.executors.protocol import RUN_VARIABLE, Executor, Interrupted
from engine.runfolder.paths import create_run_folder
from engine.runfolder.room import Room


def campaign_of(*checks: dict[str, Any], **more: Any) -> Campaign:
    """A campaign with these checks; those without a name are called `check`."""
    return Campaign.model_validate(
        {
            "campaign": "test",
            "metric": {"name": "x", "direction": "min"},
            "space": {"a": {"choices": [1, 2]}},
            "checks": [{"name": "check", **check} for check in checks],
            **more,
        }
    )


class Bench:
    """Runs single checks of iteration 7 in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = create_run_folder(root / ".controlroom/runs/bench")
        self.room = Room()
        self.executor: Executor = Local(grace_s=0.2)
        self.environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.candidate = Candidate(
            id=CandidateId("c-0007"),
            iteration=IterationNumber(7),
            parameters={"a": 2, "name": "it's $HOME", "on": True, "rate": 1e-5},
            seed=99,
            parents=[CandidateId("c-0001")],
            tags=[],
            proposer="evolution",
        )

    async def run(self, check: dict[str, Any], **campaign: Any) -> CheckReport | Interrupted:
        made = campaign_of(check, **campaign)
        runner = CheckRunner(
            made,
            self.root,
            self.paths,
            executor=self.executor,
            interpreter=Interpreter(sys.executable),
            room=self.room,
            environ=self.environ,
        )
        return await runner.run(
            made.checks[0], self.candidate, attempt=1, trace_id=TraceId("0123456789abcdef")
        )

    async def report(self, check: dict[str, Any], **campaign: Any) -> CheckReport:
        report = await self.run(check, **campaign)
        assert isinstance(report, CheckReport)
        assert carrying(RUN_VARIABLE, self.paths.run_marker) == []
        return report

    async def python(self, program: str, **check: Any) -> CheckReport:
        """The report on a check that runs a Python program."""
        run = ["{python}", "-I", "-S", "-c", PRELUDE + program]
        return await self.report({"run": run, **check})

    def log(self, report: CheckReport) -> str:
        content = (self.paths.root / report.log.path).read_bytes()
        return content[report.log.start : report.log.end].decode()


PRELUDE = """
import json, os, sys
from pathlib import Path
result = Path(os.environ["CONTROLROOM_RESULT"])
def report(**document): result.write_text(json.dumps(document))
"""
