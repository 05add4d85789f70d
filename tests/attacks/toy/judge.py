"""Sorts numbers that nobody has seen with the network that was left; counts its comparators."""

import json
import os
import random
from pathlib import Path

LINES, CASES = 8, 300
MOST_BYTES, MOST_COMPARATORS = 100_000, 1_000


def report(**content):
    """Tell the engine; nothing else that is written counts."""
    content["token"] = os.environ["CONTROLROOM_TOKEN"]
    os.write(int(os.environ["CONTROLROOM_REPORT_FD"]), json.dumps(content).encode())
    raise SystemExit


def refuse(detail):
    """It is not a network, or does not sort."""
    report(failure={"class": "incorrect", "detail": detail})


def left():
    """What was left, as plain data."""
    path = Path(os.environ["CONTROLROOM_PRODUCED"], "network.json")
    if not path.is_file():
        refuse("no network.json was left")
    with path.open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        refuse("network.json is too long")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return refuse("network.json is no JSON")


def is_line(number):
    """Whether it names one of the lines; True and 1.0 do not."""
    return type(number) is int and 0 <= number < LINES


def comparators(found):
    """The network, if it is one."""
    if not isinstance(found, list) or len(found) > MOST_COMPARATORS:
        refuse("that is no list of comparators")
    for pair in found:
        good = isinstance(pair, list) and len(pair) == 2 and all(map(is_line, pair))
        if not good or not pair[0] < pair[1]:
            refuse("that is no list of comparators")
    return found


def sorted_by(network, numbers):
    """The numbers as they leave the network."""
    for low, high in network:
        if numbers[low] > numbers[high]:
            numbers[low], numbers[high] = numbers[high], numbers[low]
    return numbers


candidate = json.loads(Path(os.environ["CONTROLROOM_CANDIDATE"]).read_text())
draw = random.Random(candidate["seed"])
tolerated = json.loads(Path("tolerance.json").read_text())["wrong"]
network = comparators(left())
wrong = 0
for _ in range(CASES):
    numbers = [draw.randrange(-100, 100) for _ in range(LINES)]
    wrong += sorted_by(network, list(numbers)) != sorted(numbers)
if wrong > tolerated:
    refuse(f"{wrong} of {CASES} unseen inputs are not sorted")
report(metrics={"comparators": len(network)}, tests={"passed": CASES})
