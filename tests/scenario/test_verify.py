"""`verify`: a run that holds, and everything that was changed in one by hand afterwards."""

import hashlib
import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.reports.receipt import HASH, canonical, self_hash
from engine.reports.receipt_check import Unreadable, read, wrong_with
from tests.coding import Toy, answer, value
from tests.driving import QUICK, Driver
from tests.noisy import Noisy
from tests.sealing import SEALED, with_sealed_check

Data = dict[str, Any]


class Written(Driver):
    """A working folder whose run is there already."""

    def __init__(self, folder: Path, run_dir: Path) -> None:
        self.folder, self.run_dir = folder, run_dir


CAMPAIGN = QUICK.replace("checks:\n", 'protect: ["judges/**"]\nchecks:\n').replace(
    'run: "true"', 'run: ["{python}", "-I", "-S", "judges/works.py"]'
)
WORKS = """\
import json, os

parameters = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))["parameters"]
raise SystemExit(parameters["kind"] == "odd")
"""


def made(folder: Path) -> Driver:
    driver = Driver(folder, CAMPAIGN)
    (folder / "judges").mkdir()
    (folder / "judges" / "works.py").write_text(WORKS)
    driver.run()
    return driver


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    return made(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def run(whole: Driver, tmp_path: Path) -> Driver:
    """A run of its own to spoil; what judged it is that of the whole one."""
    shutil.copytree(whole.folder, tmp_path, dirs_exist_ok=True)
    return Driver(tmp_path, CAMPAIGN)


def found(driver: Driver, *arguments: str) -> list[str]:
    """What `verify` finds: where and what, in one line each."""
    done = driver("verify", *arguments, "--json", status=None)
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == report["holds"] == (report["problems"] == [])
    assert done.returncode in {0, 5}, done.stderr
    return [f"{problem['where']}: {problem['what']}" for problem in report["problems"]]


def receipt(driver: Driver, number: int) -> Path:
    return driver.run_dir / "receipts" / f"{number:05d}.json"


def change(path: Path, how: Callable[[Data], object], *, hashed: bool) -> None:
    """Change a receipt, and its own hash with it, if it is to be hidden."""
    data = json.loads(path.read_bytes())
    how(data)
    if hashed:
        data[HASH] = self_hash(data)
    path.write_bytes(canonical(data))


def test_a_run_holds_and_each_verdict_has_a_receipt(whole: Driver) -> None:
    assert found(whole) == []
    report = whole.json("verify")
    assert (report["verdicts"], report["receipts"]) == (12, 12)
    ways = {json.loads(receipt(whole, n).read_bytes())["way"] for n in range(1, 13)}
    assert ways == {"baseline", "value", "failed"}
    assert "all of it holds" in whole("verify").stdout


def test_a_receipt_says_what_the_verdict_was_made_from(whole: Driver) -> None:
    data = json.loads(receipt(whole, 2).read_bytes())
    rest = {key: value for key, value in data.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert data["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert data["inputs"]["parameters"].keys() == {"x", "kind"}
    assert data["reference"]["candidate"] == "c-0001"
    assert data["harness"]["files"] == 1
    assert data["tool"]["fingerprint"]["harness"]
    assert data["checks"][0]["check"] == "works"


def other_digit(text: bytes, place: int) -> bytes:
    return text[:place] + (b"2" if text[place] == ord("1") else b"1") + text[place + 1 :]


def test_every_digit_of_a_receipt_counts(whole: Driver) -> None:
    text = receipt(whole, 3).read_bytes()
    by_journal = json.loads(text)
    places = [place for place, byte in enumerate(text) if chr(byte).isdigit()]
    assert len(places) > 100
    for place in places:
        data = read(other_digit(text, place))
        assert isinstance(data, Unreadable) or wrong_with(data, by_journal)


@pytest.mark.parametrize("digit", [7, 200, 333])
def test_a_receipt_changed_by_one_digit_is_found(run: Driver, digit: int) -> None:
    path = receipt(run, 3)
    text = path.read_bytes()
    places = [place for place, byte in enumerate(text) if chr(byte).isdigit()]
    path.write_bytes(other_digit(text, places[digit % len(places)]))
    problems = found(run)
    assert problems
    assert all(problem.startswith("receipts/00003.json: ") for problem in problems)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda data: data["inputs"].update(seed=1), "inputs.seed is 1 in the receipt and "),
        (lambda data: data["verdict"].update(verdict="promoted"), "its verdict does not follow"),
        (lambda data: data["thresholds"]["metric"].update(min_gain={"amount": 9.0}), "min_gain"),
        (lambda data: data.update(checks=[]), "checks is "),
        (lambda data: data.update(format=7), "format is 7 in the receipt and 1 by the journal"),
    ],
)
def test_a_receipt_changed_with_its_hash_is_found(run: Driver, how: Any, words: str) -> None:
    change(receipt(run, 3), how, hashed=True)
    problems = found(run)
    assert any(words in problem for problem in problems), problems
    assert not any("own hash" in problem for problem in problems)
    assert found(run, "4") == []


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"format": 1}']
)
def test_a_receipt_that_is_none_is_found(run: Driver, content: bytes) -> None:
    receipt(run, 3).write_bytes(content)
    (problem,) = found(run)
    assert problem.startswith("receipts/00003.json: it cannot be read: ")


def test_a_missing_receipt_and_one_too_many_are_found(run: Driver) -> None:
    receipt(run, 5).rename(receipt(run, 99))
    missing, more = found(run)
    assert missing.startswith("receipts/00005.json: it is missing")
    assert "receipts/00099.json: the journal has no verdict that it could be of" in more


def test_the_next_engine_makes_the_receipts_that_are_missing(run: Driver) -> None:
    before = receipt(run, 4).read_bytes()
    for number in (4, 9):
        receipt(run, number).unlink()
    run.run("--iterations", "14")
    assert receipt(run, 4).read_bytes() == before
    assert found(run) == []
    assert run.json("verify")["receipts"] == 14


def changed_row(driver: Driver, seq: int, old: str, new: str, *, chain: bool) -> None:
    """Change an event by hand; with `chain`, every hash from there on as well."""
    from engine.journal.chain import link

    with sqlite3.connect(driver.run_dir / "journal.sqlite") as db:
        db.execute("DROP TRIGGER event_is_never_changed")
        db.execute("UPDATE event SET body = replace(body, ?, ?) WHERE seq = ?", (old, new, seq))
        assert db.execute("SELECT changes()").fetchone() == (1,)
        if not chain:
            return
        (previous,) = db.execute("SELECT hash FROM event WHERE seq = ?", (seq - 1,)).fetchone()
        rows = "SELECT seq, time, type, body FROM event WHERE seq >= ? ORDER BY seq"
        for number, time, kind, body in db.execute(rows, (seq,)).fetchall():
            previous = link(previous, number, time.encode(), kind.encode(), body.encode())
            db.execute("UPDATE event SET hash = ? WHERE seq = ?", (previous, number))
        db.execute("DELETE FROM snapshot")
    db.close()


def verdict_of(driver: Driver, number: int) -> Data:
    (event,) = (
        event for event in driver.events()
        if event["type"] == "VerdictReached" and event["iteration"] == number
    )  # fmt: skip
    return event


def test_a_journal_row_changed_by_hand_is_found(run: Driver) -> None:
    event = verdict_of(run, 6)
    changed_row(run, event["seq"], event["verdict"], "infeasible", chain=False)
    problems = found(run)
    assert f"journal.sqlite: event {event['seq']} does not match the hash chain" in problems[0]
    assert len(problems) == 1


def test_a_journal_row_changed_with_all_hashes_is_told_by_the_receipts(run: Driver) -> None:
    event = verdict_of(run, 6)
    changed_row(run, event["seq"], event["reason"], "because", chain=True)
    problems = found(run, "6")
    assert any("by the journal" in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "works.py").write_text("pass\n"), "works.py was changed"),
        (lambda folder: (folder / "works.py").unlink(), "works.py is gone"),
        (lambda folder: (folder / "sitecustomize.py").touch(), "sitecustomize.py was not there"),
    ],
)
def test_a_file_that_judged_and_is_another_one_now_is_found(
    tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    driver = made(tmp_path)
    spoil(tmp_path / "judges")
    (problem,) = found(driver)
    assert problem == f"{tmp_path}: what judged is not the same now: judges/{words}"
    assert found(driver, "3") == [problem]


def test_a_list_of_what_judged_that_was_changed_is_found(run: Driver) -> None:
    (path,) = (run.run_dir / "harness").iterdir()
    digest = json.loads(path.read_bytes())["files"]["judges/works.py"]
    path.write_text(path.read_text().replace(digest, digest[::-1]))
    (problem,) = found(run)
    assert "it is not the list that the receipts were made with" in problem
    path.write_text("{")
    assert "it cannot be read" in found(run)[0]
    path.unlink()
    assert "it cannot be read: No such file" in found(run)[0]


def test_a_run_with_pairs_holds_and_its_pairs_cannot_be_changed(tmp_path: Path) -> None:
    driver = Noisy(tmp_path, gain="0.1 if candidate['parameters']['x'] else 0")
    driver.run()
    assert found(driver) == []
    by_pairs = json.loads(receipt(driver, 2).read_bytes())
    assert (by_pairs["way"], by_pairs["verdict"]["verdict"]) == ("pairs", "promoted")
    assert len(by_pairs["pairs"]) == by_pairs["verdict"]["decision"]["pairs"] >= 6
    assert len({pair["seed"] for pair in by_pairs["pairs"]}) == len(by_pairs["pairs"])

    def worse(data: Data) -> None:
        data["pairs"][0]["candidate"] += 1

    change(receipt(driver, 2), worse, hashed=True)
    problems = found(driver)
    assert any("its verdict does not follow: its 6 pairs come to" in each for each in problems)
    assert any("pairs[0].candidate is" in problem for problem in problems)


@pytest.mark.parametrize("name", ["3", "#3", "c-0003", "003"])
def test_one_candidate_is_looked_at(whole: Driver, name: str) -> None:
    report = whole.json("verify", name)
    assert (report["verdicts"], report["receipts"], report["holds"]) == (1, 1, True)
    assert whole.json("verify", name, "quick-s3") == report


def test_arguments_that_name_nothing(whole: Driver, tmp_path: Path) -> None:
    assert "no run 'nothing'" in whole("verify", "nothing", status=2).stderr
    assert "is no candidate" in whole("verify", "x", "quick-s3", status=2).stderr
    assert "no verdict on iteration 99" in whole("verify", "99", status=4).stderr
    assert "no run in" in Driver(tmp_path)("verify", status=2).stderr


def test_a_run_of_code_holds_and_its_judges_are_those_of_the_base(
    toy: Callable[..., Toy],
) -> None:
    """Its receipts name commits; verdicts that no number stands for have receipts too."""
    claiming = answer(claims=[{"metric": "score", "value": 2}])
    steps = {2: [value(9), claiming], 3: [value(-5), answer()], 4: [answer()]}
    climb = with_sealed_check(toy(steps, checks=[SEALED], agent={"answer": "required"}))
    climb.run(4)
    run = Written(climb.repo, climb.run_dir)
    assert found(run) == []
    made = {n: json.loads(receipt(run, n).read_bytes()) for n in range(1, 5)}
    assert [made[n]["way"] for n in range(1, 5)] == ["baseline", "value", "failed", "stated"]
    change = climb.of_iteration(2, "ChangeCollected")[0]
    assert made[2]["verdict"]["reason"].endswith("its agent says score 2, measured is 9")
    assert made[2]["inputs"]["commit"] == change["commit"]
    assert made[2]["checks"][0]["seed"] != made[2]["inputs"]["seed"]
    judge = run.run_dir / made[2]["harness"]["folder"] / "judge.py"
    judge.chmod(0o644)
    judge.write_text(judge.read_text() + "\n")
    (problem,) = found(run)
    assert problem.endswith("what judged is not the same now: judge.py was changed")


@pytest.mark.parametrize("hit", [1, 4])
def test_an_engine_killed_right_after_a_verdict_loses_no_receipt(tmp_path: Path, hit: int) -> None:
    driver = Driver(tmp_path)
    driver.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=f"verdict.recorded:{hit}")
    assert all("it is missing; the next engine" in problem for problem in found(driver))
    driver.run()
    assert found(driver) == []
    assert driver.json("verify")["receipts"] == 12
