"""Driving campaigns of code: a person's repository, a script for the agent, runs, and all traces.

The toy's code is two numbers, and their sum is its score: less is better, zero and less is wrong.
"""

import atexit
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from engine.client import RunHandle, flat, status_json
from engine.core.commands import AnyCommand
from engine.core.ids import CommandId
from engine.runfolder import RunPaths, heartbeat
from tests.driving import marked, of_type, wait_for
from tests.warm import WARM, Running
from tests.workspaces import ENVIRON, Person, differences, git

Steps = list[dict[str, Any]]
Json = dict[str, Any]

CODE: Final = {
    "work.py": "VALUE = 10\n",
    "aside.py": "ASIDE = 0\n",
    "check.py": """\
import json, os, aside, work
score = work.VALUE + aside.ASIDE
assert score > 0, "not positive"
json.dump({"metrics": {"score": score}}, open(os.environ["CONTROLROOM_RESULT"], "w"))
""",
}
SCORE: Final[Json] = {
    "name": "score",
    "run": "{python} -S check.py",
    "deadline": "30s",
    "reports": ["score"],
}
AGENT: Final[Json] = {
    "kind": "agent",
    "agent": "scripted",
    "script": "../script.yaml",
    "retries": 0,
    "backoff": "100ms",
}
CAMPAIGN: Final[Json] = {
    "campaign": "toy",
    "finish": {"report": False},
    "environment": {"interpreter": "own"},
    "workspace": {"repo": "."},
    "sandbox": {"read": ["../../gates"]},
    "metric": {"name": "score", "direction": "min"},
}
RUN: Final = "toy-s0"
BRANCH: Final = f"refs/heads/controlroom/toy/{RUN}"
PRIVATE: Final = f"refs/controlroom/{RUN}/"
REMARK: Final = "  # "
SECRET: Final = "hunter2-is-not-a-password"


def value(number: int) -> Json:
    """The step that changes the toy's number, which is 10 at first; not that constant alone."""
    new = f"VALUE = {number}{REMARK}v{number}"
    return {"substitute": {"file": "work.py", "pattern": "VALUE = .*", "new": new}}


def constant(number: int) -> Json:
    """The step that changes the number of the base and nothing else."""
    pattern = r"VALUE = [-\d]+"
    return {"substitute": {"file": "work.py", "pattern": pattern, "new": f"VALUE = {number}"}}


def aside(number: int) -> Json:
    """The step that changes the number in the toy's other file, which is 0 at first."""
    new = f"ASIDE = {number}{REMARK}a{number}"
    return {"substitute": {"file": "aside.py", "pattern": "ASIDE = .*", "new": new}}


def spend(tokens: int, usd: float | None = None) -> Json:
    """The step that tells a model call."""
    used: Json = {"input": tokens - 10, "output": 10}
    return {"spend": used if usd is None else used | {"usd": usd}}


def answer(**changed: Any) -> Json:
    """The step that answers as the prompt demands, but for what is changed."""
    ideas = [
        {"idea": f"idea {n}", "upside": "10 %", "risk": "none", "structural": n == 1}
        for n in (1, 2, 3)
    ]
    given: Json = {
        "shortlist": ideas,
        "choice": 1,
        "hypothesis": "a smaller number is a smaller score",
        "change_class": "structural",
        "prediction": {"metric": "score", "gain_pct": 10, "why": "it is one less"},
        "hypotheses_tested": ["a smaller number is a smaller score"],
        "summary": "One less.",
        "claims": [],
        "next_idea": "two less",
        "follows": [],
        "housekeeping": {
            "todo_new": [],
            "notes_update": "",
            "data_exploration_update": "",
            "resolve_shared_todo_ids": [],
        },
    }
    return {"answer": given | changed}


@cache
def _like() -> Path:
    """A repository with the toy's code and a person's work of every kind, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="toy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    person = Person(folder / "repo")
    person.write(CODE)
    git(person.top, "add", "-A")
    git(person.top, "commit", "-qm", "The toy")
    person.make_dirty()
    return person.top


class Toy:
    """A person's repository with a campaign in it, and the command run there.

    What lies in the folder `gates` beside its own is seen by the agent, too: it may wait for it.

    Args:
        folder: an empty folder.
        turns: what the scripted agent does, by iteration (`3`) or by iteration and attempt (`3/1`).
        agent: more keys of the proposer.
        campaign: more sections of the campaign.
    """

    def __init__(
        self,
        folder: Path,
        turns: Mapping[int | str, Steps],
        *,
        agent: Json | None = None,
        **campaign: Any,
    ) -> None:
        self.folder = folder
        (folder.parent / "gates").mkdir(exist_ok=True)
        self.repo = folder / "repo"
        shutil.copytree(_like(), self.repo, symlinks=True)
        self.person = Person.of(self.repo)
        self.write_campaign(agent=agent, **campaign)
        git(self.repo, "add", "campaign.yaml")
        git(self.repo, "commit", "-qm", "The campaign", "--", "campaign.yaml")
        self.base = self.person.head
        self.run_dir = self.repo / ".controlroom" / "runs" / RUN
        self.paths = RunPaths(self.run_dir)
        self.started: list[Running] = []
        played = {str(key): steps for key, steps in turns.items()}
        (folder / "script.yaml").write_text(yaml.safe_dump({"iterations": played}))
        self.before = self.person.state()

    def write_campaign(self, *, agent: Json | None = None, **campaign: Any) -> None:
        """Let this be the campaign."""
        sections: Json = CAMPAIGN | {"proposers": [AGENT | (agent or {})], "checks": [SCORE]}
        (self.repo / "campaign.yaml").write_text(yaml.safe_dump(sections | campaign))

    @contextmanager
    def person_at_work(self) -> Iterator[Person]:
        """The person changes something meanwhile: what is there afterwards has to stay."""
        assert self.harm() == {}
        yield self.person
        self.before = self.person.state()

    def start(self, *arguments: str, **env: str) -> Running:
        """`run CONFIG --no-ui` in the background."""
        return self.call("run", "campaign.yaml", "--no-ui", *arguments, **env)

    def call(self, *arguments: str, **env: str) -> Running:
        """Any command in the background."""
        output = self.folder / f"output-{len(self.started)}.txt"
        surroundings = ENVIRON | {"CONTROLROOM_HOME": str(self.folder / "home")}
        running = WARM.start(arguments, self.repo, surroundings | env, output)
        self.started.append(running)
        return running

    def run(self, iterations: int, *arguments: str, status: int | None = 0, **env: str) -> str:
        """What `run CONFIG --no-ui` prints, to its end; fails when it ends otherwise."""
        running = self.start("--iterations", str(iterations), *arguments, **env)
        ended = running.wait()
        assert status in (None, ended), f"{ended}\n{running.output[-4000:]}"
        return running.output

    def killed_at(self, failpoint: str, hit: int = 1, iterations: int = 9) -> None:
        """Run until the failpoint kills the engine; fails when it does not get there."""
        armed = f"{failpoint}:{hit}"
        self.run(iterations, status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=armed)

    def events(self, *types: str) -> list[Json]:
        """The run's events, all or those of some types, as `events --json` has them."""
        if not self.paths.journal.exists():
            return []
        handle = RunHandle.open(self.run_dir)
        try:
            found = [flat(record) for record in handle.records_from(1)]
        finally:
            handle.close()
        return of_type(found, *types) if types else found

    def status(self) -> Json:
        """`status --json`."""
        handle = RunHandle.open(self.run_dir)
        try:
            return status_json(handle.status())
        finally:
            handle.close()

    def send(self, command: AnyCommand, by: str = "ada") -> CommandId:
        """Put a command into the inbox as a screen does, by somebody."""
        handle = RunHandle.open(self.run_dir, by=by)
        try:
            return handle.send(command)
        finally:
            handle.close()

    def answered(self, command: CommandId) -> Json:
        """The event that answers a command, as soon as it is there."""
        return wait_for(lambda: self._answers(command))[0]

    def _answers(self, command: CommandId) -> list[Json]:
        answers = self.events("CommandAccepted", "CommandRefused")
        return [event for event in answers if event["command_id"] == command]

    def wait_event(self, kind: str, **fields: Any) -> Json:
        """The first event of a type with these fields, as soon as it is there."""

        seen = -1

        def found() -> list[Json]:
            nonlocal seen
            if seen == (now := self.recorded()):
                return []  # reading all events costs much more than looking whether there are more
            seen = now
            return [e for e in self.events(kind) if fields.items() <= e.items()]

        return wait_for(found)[0]

    def recorded(self) -> int:
        """The number of the last event, as the engine's heartbeat says."""
        beat = heartbeat.read(self.paths.heartbeat)
        return beat.seq if beat else 0

    def verdicts(self) -> dict[int, str]:
        """The verdicts, by iteration."""
        return {e["iteration"]: e["verdict"] for e in self.events("VerdictReached")}

    def verdict(self, iteration: int) -> Json:
        """The event that ended an iteration."""
        (event,) = (e for e in self.events("VerdictReached") if e["iteration"] == iteration)
        return event

    def of_iteration(self, iteration: int, *types: str) -> list[Json]:
        """The events of an iteration, in their order."""
        return [event for event in self.events(*types) if event["iteration"] == iteration]

    def champion(self) -> Json:
        """The candidate that was promoted last, as it was proposed."""
        last = [e for e in self.events("VerdictReached") if e["verdict"] == "promoted"][-1]
        (proposed,) = self.of_iteration(last["iteration"], "CandidateProposed")
        return proposed

    def champion_commit(self) -> str:
        """The commit of the candidate that was promoted last."""
        number = self.champion()["iteration"]
        made = self.of_iteration(number, "ChangeCollected", "ChangeCarriedOver")
        return made[-1]["commit"] if made else self.champion()["commit"]

    def branch(self) -> str:
        """Where the run's branch is; empty when there is none."""
        return git(self.repo, "rev-parse", "--verify", "-q", BRANCH, check=False)

    def kept(self) -> dict[str, str]:
        """The private refs of the run, by the rest of their name."""
        out = git(self.repo, "for-each-ref", "--format=%(refname) %(objectname)", PRIVATE)
        rows = (line.split() for line in out.splitlines())
        return {name.removeprefix(PRIVATE): commit for name, commit in rows}

    def shown(self, commit: str, file: str = "work.py") -> str:
        """A file as a commit has it, up to the first remark."""
        return git(self.repo, "show", f"{commit}:{file}").partition(REMARK)[0]

    def parents(self, commit: str) -> list[str]:
        """The parents of a commit."""
        return git(self.repo, "rev-parse", f"{commit}^@").split()

    def prompt(self, iteration: int, attempt: int = 1) -> str:
        """What the agent was told."""
        return (self.paths.attempt(iteration, attempt) / "prompt.md").read_text()

    def transcript(self, iteration: int, attempt: int = 1) -> str:
        """All that the agent printed."""
        return (self.paths.attempt(iteration, attempt) / "transcript.jsonl").read_text()

    def wait_said(self, text: str, iteration: int, attempt: int = 1) -> None:
        """Wait until the agent has printed a text."""
        path = self.paths.attempt(iteration, attempt) / "transcript.jsonl"
        wait_for(lambda: path.exists() and text in path.read_text())

    def log(self, iteration: int) -> str:
        """What a person reads of an iteration."""
        return self.paths.log(iteration).read_text()

    def trees(self) -> dict[int, str]:
        """What agents made, by iteration: equal names are equal code."""
        made = self.events("ChangeCollected", "ChangeCarriedOver")
        return {event["iteration"]: event["tree"] for event in made}

    def processes(self) -> list[int]:
        """The processes that carry the run's marker."""
        return list(marked(self.run_dir))

    def harm(self) -> Json:
        """What is otherwise than before in the person's checkout and repository."""
        return differences(self.before, self.person.state())

    def end(self) -> None:
        """Kill what still runs; fails where anything of the person's was touched or is left."""
        for running in self.started:
            running.kill()
            running.wait()
        if self.started and self.started[-1].returncode != -signal.SIGKILL:
            wait_for(lambda: not self.processes())
        check_turns(self.events())
        assert self.harm() == {}


def check_climb(climb: Toy, reference: Toy) -> None:
    """Fails unless a run that was killed came to what the reference came to, and lost nothing.

    Where the champion's commit has to be is left to the caller.
    """
    assert climb.verdicts() == reference.verdicts()
    assert climb.trees() == reference.trees()
    assert climb.champion()["candidate"] == reference.champion()["candidate"]
    tip = climb.champion_commit()
    for event in climb.events("VerdictReached"):
        made = climb.of_iteration(event["iteration"], "ChangeCollected", "ChangeCarriedOver")
        if event["verdict"] == "promoted" and made:
            git(climb.repo, "merge-base", "--is-ancestor", made[-1]["commit"], tip)
    for event in climb.events("AgentStarted"):
        assert climb.prompt(event["iteration"], event["attempt"])
    for event in climb.events("AgentFinished"):
        assert climb.transcript(event["iteration"], event["attempt"])
    assert climb.status()["state"] == "done"
    assert climb.processes() == []
    assert list(climb.paths.steps.iterdir()) == []
    assert list(climb.paths.inbox.glob("*.json")) == []


def check_turns(events: Sequence[Json]) -> None:
    """Fails unless numbers have no holes and every iteration that ended has exactly one verdict."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    begun = [event["iteration"] for event in of_type(events, "IterationStarted")]
    assert begun == list(range(1, len(begun) + 1))
    judged = [event["iteration"] for event in of_type(events, "VerdictReached")]
    assert len(judged) == len(set(judged))
    assert set(judged) <= set(begun)
    attempts = [(e["iteration"], e["attempt"]) for e in of_type(events, "AgentStarted")]
    assert len(attempts) == len(set(attempts)), "an attempt was numbered twice"
