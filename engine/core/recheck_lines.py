"""What is said of measuring again outside of iterations, in a line each."""

from typing import assert_never

from engine.core import events as e
from engine.core.confidence import confirmation, declared, is_demoted
from engine.core.ids import CandidateId
from engine.core.metric import Metric
from engine.core.parts import Half
from engine.core.rechecked import Drift, Rechecked
from engine.core.state import Candidate, RunState

RecheckEvent = (
    e.RecheckBegun
    | e.RecheckStarted
    | e.RecheckChecked
    | e.RecheckInterrupted
    | e.RecheckEnded
    | e.ChampionDemoted
)


def recheck_text(event: RecheckEvent, metric: Metric | None) -> str:
    """What happened, without the iteration's number."""
    match event:
        case e.RecheckBegun():
            return f"{event.candidate} is measured again {_what_for(event)}"
        case e.RecheckStarted():
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            return f"{event.check}{_half_text(event.half)} again …{again}"
        case e.RecheckChecked(report=report):
            detail = f": {report.detail}" if report.detail else ""
            figures = "".join(f" {name}={value:g}" for name, value in report.metrics.items())
            what = f"{report.check}{_half_text(report.half)} again {report.outcome}"
            return f"{what} in {report.duration_s:.1f} s{figures}{detail}"
        case e.RecheckInterrupted():
            return f"{event.check} interrupted, to be done again: {event.reason}"
        case e.RecheckEnded():
            return ended_text(event, metric)
        case e.ChampionDemoted():
            return demoted_text(event)
        case _:
            assert_never(event)


def _what_for(event: e.RecheckBegun) -> str:
    match event.purpose:
        case "confirm":
            return f"to confirm it, under {event.variant}"
        case "end":
            return "before the run ends"
        case "final":
            return "by the final checks"
        case "baseline":
            alone = event.candidate == event.against
            return "for the baseline's drift" if alone else f"beside the baseline, {event.against}"
        case _:
            assert_never(event.purpose)


def _half_text(half: Half | None) -> str:
    if half is None:
        return ""
    who = f"the baseline {half.of}" if half.role == "champion" else f"{half.of}"
    return f" (making ready {who})" if half.prepares else f" (pair {half.pair}, {who})"


def ended_text(event: e.RecheckEnded, metric: Metric | None) -> str:
    """What measuring again came to."""
    match event.purpose:
        case "confirm":
            return f"{event.candidate} {_confirmed(event)} under {event.variant}: {event.reason}"
        case "end":
            figure = _figure(event.value, metric)
            again = f"measured again at the end: {figure}" if figure else "measured at the end"
            return f"{event.candidate} {again}, {_held(event)}: {event.reason}"
        case "baseline":
            now = _figure(event.reference, metric) or "no value"
            told = f"the baseline {event.against} measured again: {now}"
            return f"{told}; {event.candidate} {_held(event)}: {event.reason}"
        case "final":
            return f"{event.candidate} {_tested(event)}: {event.reason}"
        case _:
            assert_never(event.purpose)


def _tested(event: e.RecheckEnded) -> str:
    match event.outcome:
        case "held":
            return "by the final checks"
        case "failed":
            return "fails its final checks"
        case "inconclusive" | "infra" | "moot":
            return "could not be tested by the final checks"
        case _:
            assert_never(event.outcome)


def _confirmed(event: e.RecheckEnded) -> str:
    match event.outcome:
        case "held":
            return "is confirmed"
        case "failed":
            return "is not confirmed"
        case "inconclusive" | "infra" | "moot":
            return "could not be confirmed"
        case _:
            assert_never(event.outcome)


def _held(event: e.RecheckEnded) -> str:
    match event.outcome:
        case "held":
            return "it holds"
        case "failed":
            return "it does not hold"
        case "inconclusive" | "infra" | "moot":
            return "nothing can be said"
        case _:
            assert_never(event.outcome)


def _figure(value: float | None, metric: Metric | None) -> str:
    unit = f" {metric.unit}" if metric is not None and metric.unit else ""
    return "" if value is None else f"{value:.6g}{unit}"


def demoted_text(event: e.ChampionDemoted) -> str:
    """Who is champion instead, and who was judged against the one that is no more."""
    now = f"{event.champion} is champion" if event.champion else "there is no champion"
    told = f"{event.candidate} is demoted, {now}: {event.reason}"
    if event.judged:
        told += f"; judged against it, and left so: {_listed(event.judged)}"
    if event.better:
        told += (
            f". {event.better} has a better value than {event.champion}: "
            f"controlroom champion accept {event.better} makes it champion"
        )
    return told


def _listed(names: list[CandidateId]) -> str:
    return ", ".join(names) if len(names) < 6 else f"{names[0]} to {names[-1]} ({len(names)})"


def at_end_text(found: Rechecked, metric: Metric) -> str:
    """What a leader's value was at the end: "measured again at the end: 0.648 ms"."""
    if found.value is None:
        return f"not measured again at the end: {found.reason}"
    told = f"measured again at the end: {_figure(found.value, metric)}"
    match found.outcome:
        case "held":
            return told
        case "failed":
            return f"{told}, it does not hold: {found.reason}"
        case "inconclusive" | "infra" | "moot":
            return f"{told}, not told apart from the baseline: {found.reason}"
        case _:
            assert_never(found.outcome)


def closing_text(state: RunState, champion: Candidate) -> str:
    """What is to be said of a champion where a run is at its end, or was stopped before."""
    found = state.rechecks.of(champion.id).at_end
    if found is not None:
        late = "" if found.at == state.last_iteration else f" (after iteration {found.at})"
        return at_end_text(found, state.metric) + late
    if champion.id == state.baseline or state.stopped is None:
        return ""
    if state.finished is None:
        return "not measured again: the run was stopped and can go on"
    leaders = state.document.get("referee", {}).get("leaders", 1)
    return "not measured again at the end" if leaders else ""


def drift_text(drift: Drift, metric: Metric | None) -> str:
    """How the baseline drifted: "100.1 ms -> 105.2 ms, +5.1 %, more than noise"."""
    if drift.now is None:
        return ""
    share = f", {100 * drift.share:+.2g} %" if drift.share is not None else ""
    told = f"{_figure(drift.first, metric)} -> {_figure(drift.now, metric)}{share}"
    return f"{told}, {'more than noise' if drift.changed else 'no more than noise'}"


def evidence_lines(state: RunState, candidate: Candidate, *, others: bool = True) -> list[str]:
    """What is known of a candidate beyond its iteration, a line each; then which others fell."""
    evidence = state.rechecks.of(candidate.id)
    told: list[str] = []
    for variant in declared(state):
        found = confirmation(evidence, variant)
        what = f"{found.outcome}: {found.reason}" if found else "not measured yet"
        told.append(f"under {variant[0]}: {what}")
    if evidence.repeated:
        times = "once" if evidence.repeated == 1 else f"{evidence.repeated} times"
        told.append(f"shown again {times}")
    if evidence.lost:
        told.append(f"does not hold: {evidence.lost}")
    if evidence.at_end is not None:
        told.append(at_end_text(evidence.at_end, state.metric))
    if evidence.final is not None:
        told.append(f"final checks: {evidence.final.reason}")
    demoted = [each for each in state.candidates.values() if others and is_demoted(each)]
    return told + [f"{each.id} was {each.ruled}" for each in demoted if each is not candidate]
