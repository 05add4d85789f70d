"""How many trials circle packing needs to reach its target: evolution against random search.

Both are the engine's own search moves over the campaign's own space and baseline; random search is
the same with `explore: 1`. A trial is the candidate's program and the judge, called in this
process, one after another, so that trials are counted without the cost of starting programs; what
a trial costs as two commands is timed at the end, and times to the target follow from both.

    nice python scripts/circle_seeds.py --seeds 10 --out circle_seeds.jsonl

A line of the output file is a finished search; what is there already is not run again.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from engine.core import draws
from engine.core.campaign.load import load_campaign
from engine.core.history import History, Parent
from engine.core.ids import CandidateId
from engine.core.search import Exhausted, propose
from engine.core.space import Space

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
CAMPAIGN = CONFIGS / "circle-packing.yaml"
PROGRAMS = CONFIGS / "circle_packing"
sys.path.insert(0, str(PROGRAMS))  # programs run by path, not a package

import pack  # noqa: E402
import verify  # noqa: E402

SEARCHES = ("evolution", "random")
SLOTS = 2


@dataclass(frozen=True)
class Finished:
    """One search of one seed. `hit` is the number of the first trial at the target."""

    search: str
    seed: int
    trials: int
    hit: int | None
    best: float


def main() -> None:
    options = _arguments()
    done = {(one.search, one.seed): one for one in _recorded(options.out)}
    asked = [(search, seed) for seed in range(options.seeds) for search in SEARCHES]
    left = [pair for pair in asked if pair not in done]
    with ProcessPoolExecutor(options.processes) as pool, options.out.open("a") as file:
        for one in pool.map(partial(_searched, trials=options.trials), left):
            file.write(json.dumps(asdict(one)) + "\n")
            file.flush()
            done[one.search, one.seed] = one
    trial_s = _seconds_a_trial(options.timed)
    print(f"a trial as two commands: {trial_s:.3f} s (median of {options.timed})")
    for search in SEARCHES:
        _show([done[search, seed] for seed in range(options.seeds)], trial_s)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=2000, help="of a search, at most")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--timed", type=int, default=10, help="trials run as commands, for time")
    parser.add_argument("--out", type=Path, default=Path("circle_seeds.jsonl"))
    return parser.parse_args()


def _recorded(path: Path) -> Iterator[Finished]:
    if path.exists():
        yield from (Finished(**json.loads(line)) for line in path.read_text().splitlines())


def _searched(asked: tuple[str, int], *, trials: int) -> Finished:
    """One search, until the target or the last trial."""
    search, seed = asked
    campaign = load_campaign(CAMPAIGN).campaign
    proposer = campaign.proposers[0]
    explore = 1.0 if search == "random" else proposer.explore
    space, target, best = Space.from_spec(campaign.space), campaign.metric.target, 0.0
    keys: set[str] = set()
    history = History(space, keys, proposer.parents)
    point: dict[str, Any] = space.active(campaign.baseline)
    for number in range(1, trials + 1):
        if number > 1:
            move = propose(history, draws.stream("evolution", seed, number), explore=explore)
            if isinstance(move, Exhausted):
                return Finished(search, seed, number - 1, None, best)
            point = move.point
        value = _value(point)
        keys.add(space.key(point))
        history.proposed(point)
        history.scored(Parent((0.0, -value), number, CandidateId(str(number)), point))
        best = max(best, value)
        if best >= target:
            return Finished(search, seed, number, number, best)
    return Finished(search, seed, trials, None, best)


def _value(point: dict[str, Any]) -> float:
    """What the judge finds in the file that the candidate's program would leave."""
    with tempfile.TemporaryDirectory() as folder:
        left = Path(folder, "circles.json")
        left.write_text(pack.written(pack.build(point)), "utf-8")
        return verify.judged(left)


def _seconds_a_trial(count: int) -> float:
    campaign = load_campaign(CAMPAIGN).campaign
    space = Space.from_spec(campaign.space)
    took = []
    for number in range(count):
        point = space.random(draws.stream("timed", number))
        began_s = time.perf_counter()
        _run_as_commands(point)
        took.append(time.perf_counter() - began_s)
    return statistics.median(took)


def _run_as_commands(point: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        candidate = Path(folder, "candidate.json")
        candidate.write_text(json.dumps({"parameters": point}), "utf-8")
        contract = {
            "CONTROLROOM_CANDIDATE": str(candidate),
            "CONTROLROOM_RESULT": str(Path(folder, "result.json")),
            "CONTROLROOM_STEP_DIR": folder,
        }
        for program in ("pack.py", "verify.py"):
            command = [sys.executable, str(PROGRAMS / program)]
            subprocess.run(command, env=os.environ | contract, check=True, stdout=subprocess.PIPE)


def _show(results: list[Finished], trial_s: float) -> None:
    print(f"\n{results[0].search}: seed, best, trials to the target, minutes on {SLOTS} cores")
    for one in results:
        minutes = f"{one.hit * trial_s / SLOTS / 60:6.2f}" if one.hit else "     -"
        print(f"{one.seed:4d}  {one.best:.9f}  {one.hit or '-':>5}  {minutes}")
    hits = [one.hit for one in results if one.hit]
    median = statistics.median([one.hit or one.trials for one in results])
    print(f"reached in {len(hits)} of {len(results)}; median {median:g} trials")


if __name__ == "__main__":
    main()
