"""The checks of a campaign, as iterations use them."""

from functools import partial

from engine.checks.boxes import Ground
from engine.checks.jobs import Wanted
from engine.checks.runner import CheckRunner
from engine.core.campaign.checks import CheckSpec
from engine.core.campaign.environment import EnvSpec
from engine.core.campaign.models import Campaign
from engine.core.events import CheckFinished, LogSpan
from engine.core.ids import IterationNumber
from engine.core.state import Candidate
from engine.executors.jobs.protocol import News
from engine.executors.protocol import Interrupted
from engine.loop.control import CutOff
from engine.loop.iteration import CheckJob
from engine.loop.jobs import event_of


class CampaignChecks:
    """Runs the checks that a campaign declares."""

    def __init__(self, campaign: Campaign, runner: CheckRunner) -> None:
        self._specs = {spec.name: spec for spec in campaign.every_check}
        self._runner = runner
        # A plain check runs what an agent wrote with the person's rights: nothing stands beside it.
        ahead = all(check.sealed for check in campaign.every_check)
        always = (
            check
            for check in campaign.checks
            if ahead and check.when == "always" and check.produced_by is None
        )
        self._stands_by = next(always, None)

    async def attend(self) -> None:
        """Keep what stands by for checks, until this is cancelled."""
        await self._runner.attend()

    def stand_by(self, iteration: IterationNumber, ground: Ground) -> None:
        """Have the first sealed check made ready for a candidate that is still in the making."""
        if self._stands_by is not None:
            self._runner.stand_by(self._stands_by, iteration, ground)

    def next_log(self, candidate: Candidate) -> LogSpan:
        """Where the output of the candidate's next check will lie."""
        return self._runner.log_span(candidate)

    async def run(self, job: CheckJob) -> CheckFinished | CutOff:
        """Run a check to its end, or until it is cut off through no fault of the candidate."""
        spec = self._specs[job.check]
        if job.env:
            more = EnvSpec.model_validate({"set": job.env})
            spec = spec.model_copy(update={"env": spec.env.with_more(more)})
        report = await self._runner.run(
            spec,
            job.candidate,
            attempt=job.attempt,
            trace_id=job.turn.trace_id,
            ground=job.ground,
            beside=job.half is not None and job.half.role == "champion",
            product=_product(spec, job),
            secret_seed=job.secret_seed,
            job=None if job.job is None else Wanted(id=job.job, tell=partial(_tell, job)),
        )
        if isinstance(report, Interrupted):
            return CutOff(report.reason, let_down=not report.waited)
        return report.to_event()

    def clear(self, iteration: IterationNumber) -> None:
        """Give up what stands by for an iteration that is over; remove its scratch files."""
        self._runner.clear(iteration)


async def _tell(job: CheckJob, news: News) -> None:
    """Pass on what becomes of a job, as an event."""
    if job.job is not None:
        await job.tell(event_of(job.job, news))


def _product(spec: CheckSpec, job: CheckJob) -> str:
    """The digest of what the check judges, where an earlier one has left that."""
    champions = job.half is not None and job.half.role == "champion"
    of = job.half.of if job.half is not None else job.candidate.id
    made = [each for each in job.turn.halves if each.half is not None and each.half.of == of]
    for report in reversed(made if champions else job.turn.finished):
        if report.check == spec.produced_by and report.outcome == "passed":
            return report.product
    return ""
