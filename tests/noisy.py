"""A campaign whose metric is noisy, for tests: its noise is drawn, so that runs can be repeated."""

from pathlib import Path

from tests.driving import Driver

BENCH = """\
import json, os, random

candidate = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))
folder = os.environ["CONTROLROOM_STEP_DIR"]
part = "champion" if folder.endswith("champion") else "candidate"
noise = random.Random(f"{candidate['seed']} {part}").gauss(0, 1)
gain = GAIN
slower = SLOWER
value = 100 * (1 - gain) * (1 + CV * noise) * slower
json.dump({"metrics": {"ms": value}}, open(os.environ["CONTROLROOM_RESULT"], "w"))
"""

NOISY = """\
campaign: noisy
seed: 3
environment: {interpreter: own}
baseline: {x: 0}
metric: {name: ms, unit: ms, direction: min, noise: measured}
referee: {first_pairs: 6, most_pairs: 24, calibrate: 4}
space: {x: {int: [0, 400]}}
proposers: [{kind: evolution, slots: 1}]
checks:
  - {name: works, run: "true", deadline: 20s}
  - name: measure
    run: "{python} -I -S bench.py"
    deadline: 20s
    reports: [ms]
stop: {iterations: 4}
finish: {report: false}
"""


class Noisy(Driver):
    """A working folder with a noisy campaign.

    Args:
        folder: where it lies.
        gain: how much better a candidate is than the baseline, as an expression of `candidate`.
        slower: a factor that everything takes, as an expression.
        cv: the coefficient of variation of one measurement.
        changed: texts of the campaign and what they become.
    """

    def __init__(
        self,
        folder: Path,
        *,
        gain: str = "0.0",
        slower: str = "1.0",
        cv: float = 0.01,
        **changed: str,
    ) -> None:
        campaign = NOISY
        for old, new in changed.items():
            campaign = _line(campaign, old, new)
        # The noise is drawn from the seeds of pairs: these are to be the same ones each time.
        campaign = campaign.replace("referee: {", "referee: {chance: seed, ")
        super().__init__(folder, campaign, name="noisy-s3")
        self.bench(gain=gain, slower=slower, cv=cv)

    def bench(self, *, gain: str = "0.0", slower: str = "1.0", cv: float = 0.01) -> None:
        """Write the program that measures."""
        text = BENCH.replace("GAIN", gain).replace("SLOWER", slower).replace("CV", str(cv))
        (self.folder / "bench.py").write_text(text)


def _line(campaign: str, key: str, value: str) -> str:
    """The campaign with a key of its first level that fits into a line, or with another value."""
    lines = campaign.splitlines()
    places = [index for index, line in enumerate(lines) if line.startswith(f"{key}:")]
    new = f"{key}: {value}"
    for place in places:
        lines[place] = new
    return "\n".join(lines if places else [*lines, new]) + "\n"
