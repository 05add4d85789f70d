"""One run, as a screen or a script sees it."""

import time
from pathlib import Path
from typing import Final

from engine.client import logs
from engine.client.errors import ClientError, NoSuchRun
from engine.core.commands import AnyCommand, Envelope, Pause, Resume, StopJob
from engine.core.events import Record
from engine.core.fold import FoldError, fold
from engine.core.ids import CommandId, JobId
from engine.core.state import Answer, RunState
from engine.executors.jobs import record as job_files
from engine.journal import Damaged, JournalReader
from engine.reports.jobs import JobLook
from engine.reports.leaderboard import Leaderboard, leaderboard
from engine.reports.status import Status, View, status_of
from engine.runfolder import Liveness, RunPaths, inbox, lock, look, pause

_POLL_S: Final = 0.02


class RunHandle:
    """An open run: its state, followed as it grows, and the commands that steer it.

    It works alike for runs that are live, ended, killed or damaged, and holds nothing between two
    calls. Use it from one thread at a time: `refresh` changes `state` in place.
    """

    def __init__(self, paths: RunPaths, by: str) -> None:
        self.paths = paths
        self._by = by
        self._reader = JournalReader.open(paths.journal, is_live=self._is_live)
        self._damage: Damaged | None = None
        self._state = self._reader.load_state()
        self._note_damage()

    @classmethod
    def open(cls, path: Path, *, by: str = "client") -> "RunHandle":
        """The run in the folder `path`; its journal need not be there yet.

        Args:
            path: the run's folder.
            by: who gives the commands, as the journal will say.

        Raises:
            NoSuchRun: there is no such folder.
        """
        if not path.is_dir():
            raise NoSuchRun(f"no run in {path}: there is no such folder")
        return cls(RunPaths(path.absolute()), by)

    def _is_live(self) -> bool:
        return lock.holder(self.paths.lock) is not None

    @property
    def state(self) -> RunState | None:
        """What the events add up to, as of the last `refresh`; None before the first event."""
        return self._state

    @property
    def damage(self) -> Damaged | None:
        """What is wrong with the journal, when something is."""
        return self._damage

    def refresh(self) -> list[Record]:
        """The events since the last call, or since the run was opened; `state` holds them now."""
        found: list[Record] = []
        while records := self._reader.read_from(self._state.seq + 1 if self._state else 1):
            for record in records:
                try:
                    self._state = fold(self._state, record)
                except FoldError as error:
                    self._damage = self._damaged(str(error))
                    return found
                found.append(record)
        self._note_damage()
        return found

    def _note_damage(self) -> None:
        self._damage = self._damaged(self._reader.damage.what) if self._reader.damage else None

    def _damaged(self, what: str) -> Damaged:
        state = self._state
        return Damaged(
            path=str(self.paths.journal),
            what=what,
            last_good_seq=state.seq if state else 0,
            state=state,
        )

    def damage_of_journal(self) -> str | None:
        """Why the last read of records ended where it did, or that the end of the journal is lost.

        None where it ended with the journal.
        """
        if self._reader.damage is not None:
            return self._reader.damage.what
        damage = self._damage_seen_with(self.liveness())
        return damage.what if damage else None

    def records_from(self, seq: int, limit: int = 5_000) -> list[Record]:
        """Up to `limit` records from number `seq` on, apart from what `refresh` follows."""
        return self._reader.read_from(seq, limit)

    def liveness(self) -> Liveness:
        """What lock, heartbeat and PAUSE file say now."""
        return look(self.paths)

    def status(self, now: float | None = None) -> Status:
        """The status now, from the state as of the last `refresh`."""
        liveness = self.liveness()
        damage = self._damage_seen_with(liveness)
        journal = damage.message if damage else "ok"
        view = View(self.paths.name, str(self.paths.root), journal, self._looks())
        return status_of(self._state, liveness, time.time() if now is None else now, view)

    def _looks(self) -> dict[JobId, JobLook]:
        """What the folders of the jobs say that are under way."""
        jobs = self._state.jobs.open if self._state else {}
        return {job: _look(self.paths.job(job)) for job in jobs}

    def _damage_seen_with(self, liveness: Liveness) -> Damaged | None:
        """What is wrong with the journal, in the light of lock and heartbeat."""
        if liveness.held:
            # An engine that has just taken a new run has not made the journal yet.
            return self._damage if self.paths.journal.exists() else None
        seq = self._state.seq if self._state else 0
        known = liveness.heartbeat.seq if liveness.heartbeat else 0
        if self._damage or known <= seq or self._reader.read_from(seq + 1, 1):
            return self._damage
        return self._damaged(f"it ends at event {seq}, and the heartbeat speaks of event {known}")

    def leaderboard(self, top: int | None = None) -> Leaderboard | None:
        """The leaderboard, from the state as of the last `refresh`; None before the first event."""
        return leaderboard(self._state, top) if self._state else None

    def send(self, command: AnyCommand) -> CommandId:
        """The id of the command, which waits for an engine now.

        A pause is in force, and a resume lifts it, whether or not an engine runs.

        Raises:
            ClientError: the run's folder cannot be written.
        """
        command_id = inbox.new_id()
        try:
            self._set_pause(command)
            self._stop_job(command)
            inbox.put(self.paths.inbox, Envelope(id=command_id, by=self._by, command=command))
        except OSError as error:
            raise ClientError(
                f"{self.paths.root}: the command cannot be put into the inbox: {error.strerror}"
            ) from error
        return command_id

    def _set_pause(self, command: AnyCommand) -> None:
        match command:
            case Pause():
                if not pause.exists(self.paths.pause):
                    pause.write(self.paths.pause, command.reason)
            case Resume():
                pause.remove(self.paths.pause)
            case _:
                pass

    def _stop_job(self, command: AnyCommand) -> None:
        """Have a job ended that no engine could end: its supervisor looks for this file."""
        if not isinstance(command, StopJob) or self._state is None or self._is_live():
            return
        if command.job in self._state.jobs.open:
            wish = job_files.Stop(how="stopped", by=self._by, reason=command.reason)
            job_files.ask(self.paths.job(command.job), wish)

    def unanswered(self) -> list[Envelope]:
        """The commands in the inbox that nobody has answered yet, in their order."""
        answers = self._state.answers if self._state else {}
        return [each for each in inbox.peek(self.paths.inbox) if each.id not in answers]

    def answer(self, command: CommandId) -> Answer | None:
        """What became of a command, as of the last `refresh`; None when nothing yet."""
        return self._state.answers.get(command) if self._state else None

    def wait_answer(self, command: CommandId, deadline_s: float) -> Answer | None:
        """What became of a command; None when nobody said within the time.

        It follows the run as `refresh` does. Without an engine it does not wait.
        """
        end = time.monotonic() + deadline_s
        while True:
            live = self._is_live()
            self.refresh()
            found = self.answer(command)
            if found or not live or time.monotonic() > end:
                return found
            time.sleep(_POLL_S)

    def log_path(self, iteration: int) -> Path:
        """Where the output of an iteration's checks lies."""
        return self.paths.log(iteration)

    def read_log(self, path: str | Path, offset: int, limit_bytes: int) -> tuple[bytes, int]:
        """Up to `limit_bytes` of a log from `offset` on, and the offset that comes next.

        Args:
            path: as an event gives it, relative to the run's folder; or absolute.
            offset: in bytes; a negative one counts from the end.
            limit_bytes: how much at most.

        Raises:
            ClientError: the path leads out of the run's folder.
        """
        return logs.read(self.paths.root, path, offset, limit_bytes)

    def close(self) -> None:
        """Let go of everything."""
        self._reader.close()


def _look(folder: Path) -> JobLook:
    began = job_files.started(folder) is not None
    # In this order: what has ended meanwhile is over then, and not lost.
    held = job_files.is_locked(folder)
    ended = job_files.ended(folder) is not None
    return JobLook(began, held, ended, job_files.pulse(folder))
