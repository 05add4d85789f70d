"""Evolution against random search, replayed from a recorded table of a whole family.

Both are the engine's own proposer over the engine's own state; a table answers in place of the
checks, so that ten seeds take seconds. Random search is the same proposer with `explore: 1`. Both
begin with the campaign's baseline, which counts as their first evaluation.

    python scripts/replay_study.py TABLE.csv --campaign configs/NAME.yaml

The table has a column for every parameter of the space (empty where the parameter is not active),
one named after the metric, and one called `verdict`. A row counts as measured when its verdict is
promoted, rejected, inconclusive, ok or empty, and it has a value. A configuration that the table
lacks counts as a failed one; how many there were is printed.
"""

import argparse
import csv
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core import events as e
from engine.core.campaign.load import load_campaign
from engine.core.domains import Domain
from engine.core.fold import fold
from engine.core.ids import IterationNumber, RunId, TraceId, candidate_id
from engine.core.metric import Metric
from engine.core.search import Exhausted
from engine.core.space import Space
from engine.core.state import RunState
from engine.proposers.evolution import Evolution
from engine.proposers.protocol import Proposal, ProposalRequest

MEASURED = {"promoted", "rejected", "inconclusive", "ok", ""}


@dataclass(frozen=True)
class Problem:
    """What is searched."""

    space: Space
    baseline: Mapping[str, Any]
    metric: Metric


@dataclass
class Table:
    """Recorded values by key of the configuration; None where there is none to be had."""

    values: dict[str, float | None]
    outside: int = 0
    missed: int = 0

    def value(self, key: str) -> float | None:
        self.missed += key not in self.values
        return self.values.get(key)

    def measured(self) -> list[float]:
        return [value for value in self.values.values() if value is not None]


@dataclass(frozen=True)
class Study:
    """What is compared: searches by name, as the settings of the proposer."""

    searches: Mapping[str, Mapping[str, Any]]
    seeds: int
    budgets: Sequence[int]
    within: float


def main() -> None:
    options = _arguments()
    campaign = load_campaign(options.campaign).campaign
    space = Space.from_spec(campaign.space)
    problem = Problem(space, campaign.baseline, campaign.metric.to_metric())
    with options.table.open(newline="", encoding="utf-8") as lines:
        table = read(csv.DictReader(lines), problem)
    evolution = {"explore": options.explore, "parents": options.parents}
    searches = {"evolution": evolution, "random": {"explore": 1.0}}
    budgets = [int(number) for number in options.budgets.split(",")]
    study = Study(searches, options.seeds, budgets, options.within)
    print(compare(problem, table, study))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="CSV file with the whole family")
    parser.add_argument("--campaign", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budgets", default="12,25,50,100,200", help="evaluations")
    parser.add_argument("--within", type=float, default=0.01, help="share of the optimum")
    parser.add_argument("--explore", type=float, default=0.5)
    parser.add_argument("--parents", type=int, default=10)
    return parser.parse_args()


def read(rows: Iterable[Mapping[str, str]], problem: Problem) -> Table:
    """The table of the rows; those that are no points of the space are only counted."""
    table = Table({})
    space = problem.space
    for row in rows:
        cells = {name: row[name] for name in space.names if row.get(name)}
        point = {name: _parsed(cell, space.domain(name)) for name, cell in cells.items()}
        if space.check(point):
            table.outside += 1
        else:
            table.values[space.key(point)] = _value(row, problem.metric)
    return table


def _parsed(cell: str, domain: Domain) -> Any:
    """The cell as a value of the domain: a text, or else what it means as JSON."""
    if not domain.problem(cell):
        return cell
    try:
        return json.loads(cell.lower() if cell in ("True", "False") else cell)
    except json.JSONDecodeError:
        return cell


def _value(row: Mapping[str, str], metric: Metric) -> float | None:
    value = row.get(metric.name)
    if not value or row.get("verdict", "") not in MEASURED or not math.isfinite(float(value)):
        return None
    return float(value)


class Replay:
    """A run whose checks are answered by the table, one iteration at a time."""

    def __init__(self, problem: Problem, seed: int, settings: Mapping[str, Any]) -> None:
        self._proposer = Evolution(problem.space, problem.baseline, **settings)
        self._seed = seed
        self._state: RunState | None = None
        self._tell(
            e.RunCreated(
                run=RunId("replay"),
                campaign="replay",
                campaign_sha256="",
                campaign_path="",
                document={},
                seed=seed,
                slots=1,
                metric=problem.metric,
                limits=e.Limits(),
            )
        )

    def step(self, table: Table) -> float | Exhausted | None:
        """The value of the next configuration; None if it has none."""
        assert self._state is not None
        number = IterationNumber(self._state.last_iteration + 1)
        request = ProposalRequest(state=self._state, iteration=number, seed=self._seed)
        proposal = self._proposer.propose(request)
        if isinstance(proposal, Exhausted):
            return proposal
        value = table.value(proposal.key)
        self._record(number, proposal, value)
        return value

    def _record(self, number: IterationNumber, proposal: Proposal, value: float | None) -> None:
        candidate = candidate_id(number)
        self._tell(e.IterationStarted(iteration=number, slot=0, trace_id=TraceId("")))
        self._tell(
            e.CandidateProposed(
                iteration=number,
                candidate=candidate,
                parameters=proposal.parameters,
                key=proposal.key,
                seed=proposal.seed,
                parents=proposal.parents,
                tags=proposal.tags,
                proposer=proposal.proposer,
            )
        )
        self._tell(
            e.VerdictReached(
                iteration=number,
                candidate=candidate,
                verdict="compile" if value is None else "rejected",
                reason="",
                value=value,
            )
        )

    def _tell(self, event: e.AnyEvent) -> None:
        seq = 1 + (self._state.seq if self._state else 0)
        self._state = fold(self._state, e.Record(seq=seq, time="", event=event, hash=b""))


def climb(replay: Replay, table: Table, metric: Metric, evaluations: int) -> list[float]:
    """The sort key of the best value after each evaluation; infinite before the first value.

    After the space is exhausted the best stays what it is.
    """
    best = [math.inf]
    for _ in range(evaluations):
        outcome = replay.step(table)
        if isinstance(outcome, Exhausted):
            break
        best.append(min(best[-1], math.inf if outcome is None else metric.sort_key(outcome)))
    return best[1:] + best[-1:] * (evaluations - len(best) + 1)


def compare(problem: Problem, table: Table, study: Study) -> str:
    """The study as Markdown: what was searched, best values by budget, evaluations needed."""
    longest = max(study.budgets)
    climbs = {
        name: [
            climb(Replay(problem, seed, settings), table, problem.metric, longest)
            for seed in range(study.seeds)
        ]
        for name, settings in study.searches.items()
    }
    return "\n\n".join(
        [
            _about(problem, table),
            _best_table(climbs, problem.metric, study.budgets),
            _needed_table(climbs, _goal(table, problem.metric, study.within), study),
        ]
    )


def _about(problem: Problem, table: Table) -> str:
    measured = table.measured()
    metric = problem.metric
    best = min(measured, key=metric.sort_key)
    return (
        f"{len(table.values)} configurations, {len(measured)} of them measured; "
        f"{metric.name} from {best:.6g} (best) over {statistics.median(measured):.6g} (median) "
        f"to {max(measured, key=metric.sort_key):.6g} {metric.unit}".rstrip()
        + f". Rows outside the space: {table.outside}; proposals that the table lacks: "
        f"{table.missed}."
    )


def _best_table(
    climbs: Mapping[str, list[list[float]]], metric: Metric, budgets: Sequence[int]
) -> str:
    """Median and quartiles of the best value, a line for each budget."""
    lines = [_line("evaluations", *(f"best {metric.name}, {name}" for name in climbs))]
    lines.append(_line(*["---"] * (1 + len(climbs))))
    for budget in budgets:
        ends = ([climb[budget - 1] for climb in of_all] for of_all in climbs.values())
        lines.append(_line(str(budget), *(_spread(_values(end, metric)) for end in ends)))
    return "\n".join(lines)


def _needed_table(climbs: Mapping[str, list[list[float]]], goal: float, study: Study) -> str:
    """Evaluations until the best is within a share of the optimum."""
    longest = max(study.budgets)
    lines = [
        _line(
            "search", f"evaluations to within {100 * study.within:.3g} % of the optimum", "reached"
        ),
        _line("---", "---", "---"),
    ]
    for name, of_all in climbs.items():
        needed = [_first(climb, goal) for climb in of_all]
        reached = sum(number <= longest for number in needed)
        lines.append(_line(name, _spread(needed, longest), f"{reached} of {len(needed)}"))
    return "\n".join(lines)


def _goal(table: Table, metric: Metric, within: float) -> float:
    optimum = min(map(metric.sort_key, table.measured()))
    return optimum + abs(optimum) * within


def _first(climb: list[float], goal: float) -> float:
    return next((number for number, best in enumerate(climb, 1) if best <= goal), math.inf)


def _values(keys: Iterable[float], metric: Metric) -> list[float]:
    """Sort keys back as values; the order of better and worse stays."""
    return [key if metric.direction == "min" else -key for key in keys]


def _spread(values: Sequence[float], longest: float = math.inf) -> str:
    """Median and quartiles: `3 (2 to 5)`; beyond `longest`, only that it was more."""
    quartiles = [_quantile(sorted(values), share) for share in (0.5, 0.25, 0.75)]
    shown = [f"{q:.6g}" if q <= longest else f"> {longest:.6g}" for q in quartiles]
    return "{} ({} to {})".format(*shown)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """By linear interpolation, which infinite values must not enter with weight 0."""
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low if low == high else low + (high - low) * (place - math.floor(place))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
