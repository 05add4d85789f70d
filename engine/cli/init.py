"""`controlroom init`: look at a repository and write a campaign to start from."""

import json
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from engine.cli.exits import fail
from engine.cli.tunables import LEARNING_RATE, Tunable, tunables_of

TRAINING_NAMES: Final = ("train.py", "main.py", "run.py", "scripts/train.py", "src/train.py")
TRAINING_WORDS: Final = re.compile(
    r"\b(epochs?|optimizer|learning_rate|dataloader|lr)\b", re.IGNORECASE
)
READ_AT_MOST: Final = 200_000

YAML_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "nan", "inf"})

HEADER: Final = """\
# A controlroom campaign. Validate it:  controlroom check {name}
#                         Run it:       controlroom run {name}
# Every key is explained in docs/campaign.md of controlroom.
campaign: {campaign}
about: {about}
root: {root}                # where commands run, relative to this file
seed: 0                # the same seed gives the same candidates
"""

PARAMETERS_NOTE: Final = """\
# A check is any command. It finds the candidate as JSON in the file $CONTROLROOM_CANDIDATE
# (and {param.NAME} in its line), and may write {"metrics": {...}} to $CONTROLROOM_RESULT. Here the
# metric is read from what it prints.
"""


@dataclass(frozen=True)
class Findings:
    """What a repository looks like."""

    folder: Path
    training: Path | None
    options: tuple[Tunable, ...]
    tests: bool
    package: bool


def init(folder: Path, output: Path | None) -> None:
    """Write a commented campaign for `folder`.

    Exits with 2 when the folder is none, or when the file exists: nothing is overwritten.
    """
    if not folder.is_dir():
        fail(f"{folder} is not a folder; name the repository to look at")
    found = look(folder)
    path = output or folder / "campaign.yaml"
    text = campaign_text(found, path)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{path} exists and is left as it is; choose another file: --output FILE")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")
    click.echo(f"{kind_of(found)}; wrote {path}")
    name = shlex.quote(str(path))
    click.echo(f"next: read it, then  controlroom check {name}  and  controlroom run {name}")


def look(folder: Path) -> Findings:
    """What kind of repository this is, from file names and the text of likely programs."""
    training = next((p for n in TRAINING_NAMES if _trains(p := folder / n)), None)
    options = tunables_of(_text(training)) if training else ()
    tests = any(folder.glob("tests/**/test_*.py")) or any(folder.glob("test_*.py"))
    package = (folder / "pyproject.toml").exists() or (folder / "setup.py").exists()
    return Findings(folder, training, options, tests, package)


def kind_of(found: Findings) -> str:
    """The kind of repository, for people."""
    if found.training is not None:
        return f"a training repository ({found.training.relative_to(found.folder)})"
    if found.package or found.tests:
        return "a Python package" + (" with tests" if found.tests else "")
    return "no program to tune was found; the campaign climbs a small example"


def campaign_text(found: Findings, path: Path) -> str:
    """The campaign as YAML with comments."""
    slug = _slug(found.folder.resolve().name)
    root = os.path.relpath(found.folder.resolve(), path.resolve().parent)
    about = "what you climb, in a sentence"
    name = shlex.quote(path.name).replace("\n", " ")
    head = HEADER.format(name=name, campaign=slug, about=about, root=_quoted(root))
    body = _training(found) if found.training is not None else _example()
    return head + body + _ending(tests=found.tests)


def _slug(name: str) -> str:
    """A name like the folder's that a campaign can have."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-._")[:64]
    return _quoted(plain or "campaign")


def _quoted(text: str) -> str:
    """The text as YAML; in quotes unless it is plainly a word."""
    plain = re.fullmatch(r"\.|[a-z][a-z0-9_-]*[a-z]", text) and text not in YAML_WORDS
    return text if plain else json.dumps(text)


def _training(found: Findings) -> str:
    assert found.training is not None  # noqa: S101  (the caller looked)
    program = found.training.relative_to(found.folder)
    options = found.options or (LEARNING_RATE,)
    arguments = " ".join(f"--{o.name} {{param.{o.key}}}" for o in options)
    baseline = ", ".join(f"{o.key}: {o.default}" for o in options)
    space = "\n".join(f"  {o.key}: {o.domain}" for o in options)
    return f"""
# Iteration 1: what everything is compared with.
baseline: {{{baseline}}}

# What is measured. This version compares metrics without noise: fix the seed of your training.
metric: {{name: val_loss, unit: "", direction: min, noise: none, min_gain: 0.1%}}

# What a candidate may choose.
space:
{space}

proposers:
  - {{kind: evolution, slots: 1, explore: 0.5, parents: 5}}

{PARAMETERS_NOTE}checks:
{_tests_check() if found.tests else ""}\
  - name: train
    run: "{{python}} {program} {arguments}"
    deadline: 2h
    idle: 30m                # silent for longer: killed
    metrics:
      val_loss: {{regex: 'val_loss[=: ]+([-+.0-9eE]+)', pick: last}}
"""


def _example() -> str:
    program = (
        "import json, os; p = json.load(open(os.environ['CONTROLROOM_CANDIDATE']))['parameters'];"
        " print('score', (p['x'] - 1.5) ** 2 + abs(p['steps'] - 8))"
    )
    return f"""
# Iteration 1: what everything is compared with.
baseline: {{x: 0.0, steps: 1}}

# What is measured; direction: min or max.
metric: {{name: score, unit: "", direction: min, noise: none, min_gain: 0.1%}}

# What a candidate may choose: choices, int (step: power2 or a number), float (scale: log).
space:
  x: {{float: [-4.0, 4.0], digits: 3}}
  steps: {{int: [1, 64], step: power2}}

proposers:
  - {{kind: evolution, slots: 1, explore: 0.4, parents: 5}}

{PARAMETERS_NOTE}# Replace this example by the command that measures your program.
checks:
  - name: measure
    run: ["{{python}}", "-c", "{program}"]
    deadline: 60s
    metrics:
      score: {{regex: 'score ([-+.0-9eE]+)'}}
"""


def _tests_check() -> str:
    return """\
  - name: tests              # a candidate that breaks them is worth nothing
    run: "{python} -m pytest -q"
    deadline: 15m
"""


def _ending(*, tests: bool) -> str:
    hint = ""
    if tests:
        hint = (
            "\n# Tests were found; as a first check:  {name: tests, run: '{python} -m pytest -q'}\n"
        )
    return f"""{hint}
# When to stop by itself. Without any of these the run goes on until you stop it.
stop: {{iterations: 50, plateau: 25}}
"""


def _trains(path: Path) -> bool:
    return path.is_file() and TRAINING_WORDS.search(_text(path)) is not None


def _text(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(READ_AT_MOST)
