"""What a training of configs/cnn.yaml takes, and how far two seeds of one candidate lie apart.

Runs the campaign's own programs as its checks do, one after the other, without a sandbox. Run it
on a quiet machine: python scripts/measure_cnn.py [--seeds 10] [--images 16000] [--set rate=0.003]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from engine.core.campaign.load import load_campaign
from engine.core.pairs.power import visible_gain

CAMPAIGN = Path(__file__).parents[1] / "configs" / "cnn.yaml"


def processor_s() -> float:
    """Seconds of a processor that ended children took: no other program's load is in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def trained(parameters: dict[str, Any], seed: int, env: dict[str, str], folder: Path) -> float:
    """Seconds that a training took; what it left lies in the folder."""
    candidate = folder / "candidate.json"
    candidate.write_text(json.dumps({"id": "c", "parameters": parameters, "seed": seed}), "utf-8")
    told = {"CONTROLROOM_CANDIDATE": str(candidate), "CONTROLROOM_PRODUCED": str(folder)}
    begun_s = time.perf_counter()
    subprocess.run(
        [sys.executable, "cnn/train.py"],
        cwd=CAMPAIGN.parent,
        env=env | told,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun_s


def judged(env: dict[str, str], folder: Path) -> tuple[float, float]:
    """The error in per cent, and the seconds that the judge took."""
    reading, writing = os.pipe()
    told = {
        "CONTROLROOM_CANDIDATE": str(folder / "candidate.json"),
        "CONTROLROOM_PRODUCED": str(folder),
        "CONTROLROOM_REPORT_FD": str(writing),
        "CONTROLROOM_TOKEN": "measured",
    }
    begun_s = time.perf_counter()
    subprocess.run(
        [sys.executable, "cnn/judge.py", "validation"],
        cwd=CAMPAIGN.parent,
        env=env | told,
        stdout=subprocess.DEVNULL,
        pass_fds=[writing],
        check=True,
    )
    took_s = time.perf_counter() - begun_s
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return json.load(pipe)["metrics"]["val_error"], took_s


def main() -> None:
    """Print a line for each seed, and what they say together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--images", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    campaign = load_campaign(CAMPAIGN).campaign
    changed = dict(each.split("=", 1) for each in given.set)
    parameters = campaign.baseline | {k: yaml.safe_load(v) for k, v in changed.items()}
    env = os.environ | dict(campaign.env.set)
    if given.images:
        env["CNN_IMAGES"] = str(given.images)
    errors, training_s, judging_s, processors_s = [], [], [], []
    for seed in range(given.seeds):
        before_s = processor_s()
        with tempfile.TemporaryDirectory(prefix="cnn-") as name:
            training_s.append(trained(parameters, seed, env, Path(name)))
            error, took_s = judged(env, Path(name))
        errors.append(error)
        judging_s.append(took_s)
        processors_s.append(processor_s() - before_s)
        print(f"seed {seed}: {error:.2f} %, {training_s[-1]:.1f} s and {took_s:.1f} s", flush=True)
    mean, spread = statistics.mean(errors), statistics.stdev(errors)
    visible = visible_gain(spread / mean, campaign.referee.design())
    print(f"{parameters}")
    print(f"val_error {mean:.2f} %, {spread:.2f} between seeds: {spread / mean:.2%} of it")
    print(f"{campaign.referee.most_pairs} pairs show a gain of {visible:.2%} four times in five")
    print(f"a training {statistics.median(training_s):.1f} s, its judge "
          f"{statistics.median(judging_s):.1f} s, medians of {given.seeds}; "
          f"{statistics.median(processors_s):.1f} s of a processor together")  # fmt: skip


if __name__ == "__main__":
    main()
