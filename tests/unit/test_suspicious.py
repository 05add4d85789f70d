"""What is named of a change, and that honest code is not."""

from pathlib import Path

import pytest

from engine.core.claims import better_than_measured, said_in_lines, said_in_result
from engine.core.metric import Metric
from engine.knowledge.suspicious import Suspicious, suspicious_in

REPOSITORY = Path(__file__).parents[2]
MS = Metric(name="ms", direction="min", unit="ms")


def found(path: str, text: str, *, new: bool = True) -> Suspicious:
    added = [path] if new else []
    return suspicious_in({path: text}, added, campaign="campaign.yaml", metric="ms")


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("a.py", "import time\ntime.time = lambda: 0", "in the place of time.time"),
        ("a.py", "x = timeit.default_timer = f", "in the place of timeit.default_timer"),
        ("a.py", "    setattr(time, 'perf_counter_ns', f)", "in the place of time.perf_counter_ns"),
        ("a.py", "builtins.open = f  # ours", "in the place of builtins.open"),
        ("a.py", "Path.home() / '.ssh' / 'id_rsa'", "names id_rsa"),
        ("run.sh", "cat ~/.ssh/config", "names /.ssh/"),
        ("lib/sitecustomize.py", "", "adds lib/sitecustomize.py, which Python runs"),
        ("lib/x.pth", "import os", "adds lib/x.pth, which Python runs"),
        ("time.py", "", "adds time.py, by the name of a module"),
        ("tests/conftest.py", "def pytest_collection_modifyitems(items): ...", "leaves tests out"),
        ("campaign.yaml", "", "changes campaign.yaml"),
    ],
)
def test_it_is_named(path: str, text: str, words: str) -> None:
    (notice,) = found(path, text).noticed
    assert words in notice


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "start = time.time()\nbegun = time.perf_counter"),
        ("a.py", "if time.time == clock: pass"),
        ("a.py", "self.time.time = 3\ntime.zone = 'UTC'\nmy_time.time = f"),
        ("a.py", "f(clock=time.time)\nnumber: int = builtins.len(x)"),
        ("a.py", "# time.time = fake is what others do"),
        ("a.py", "rid_rsa = valid_rsa"),
        ("lib/time.py", ""),
        ("tests/conftest.py", "@pytest.fixture\ndef tree(): ..."),
        ("other/campaign.yaml", "campaign: x"),
    ],
)
def test_it_is_not_named(path: str, text: str) -> None:
    assert found(path, text) == Suspicious()


def test_what_was_there_before_is_not_added() -> None:
    assert found("random.py", "", new=False) == Suspicious()
    assert found("sitecustomize.py", "", new=False) == Suspicious()


def test_nothing_of_this_repository_is_named() -> None:
    """Some hundreds of honest files, each taken as one that a change brings."""
    folders = ("engine", "kernels", "tui", "configs", "scripts")
    paths = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]
    rest = {
        str(path.relative_to(REPOSITORY)): path.read_text()
        for path in paths
        if path.name != "suspicious.py"
    }
    assert len(rest) > 400
    assert suspicious_in(rest, rest, campaign="campaign.yaml", metric="ms").noticed == ()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["ms: 3", "  MS = 2.5e-1 ms "], 0.25),
        (['{"metrics": {"ms": 4}}', "done"], 4.0),
        (["train ms: 3", "ms: 3 of 8", "ms: 1, 2", "ms/op: 3", "mms: 2", "ms: nan"], None),
        (['{"ms": 3}', '{"metrics": {"ms": true}}', '{"metrics": {"ms": "3"}}', "{" * 9000], None),
        (["ms: 1" + "0" * 400], None),
    ],
)
def test_what_an_output_says_of_the_metric(lines: list[str], said: float | None) -> None:
    assert said_in_lines(lines, MS) == said


def test_what_a_result_says_of_the_metric() -> None:
    assert said_in_result(b'{"metrics": {"ms": 1}, "token": ""}', "ms") == 1
    assert said_in_result(b'{"metrics": {"ms": Infinity}}', "ms") is None
    assert said_in_result(b'{"metrics": [1]}', "ms") is None
    assert said_in_result(b"[1]", "ms") is None
    assert said_in_result(b"\xff\xfe", "ms") is None


@pytest.mark.parametrize(
    ("said", "measured", "exact", "noisy"),
    [
        (0.1, 2.9, True, True),
        (2.0, 2.9, True, False),
        (2.89, 2.9, False, False),
        (3.1, 2.9, False, False),
        (-1.0, 0.0, True, True),
        (0.0, 0.0, False, False),
    ],
)
def test_only_a_better_figure_than_the_measured_is_named(
    said: float, measured: float, *, exact: bool, noisy: bool
) -> None:
    assert better_than_measured(MS, said, measured, noisy=False) is exact
    assert better_than_measured(MS, said, measured, noisy=True) is noisy


@pytest.mark.parametrize("tail", ["x", " ms x", "e"])
def test_a_line_that_was_made_to_be_slow_is_read_at_once(tail: str) -> None:
    line = f"{MS.name}: {'1' * 1365}{' ' * 2700}{tail}"
    assert said_in_lines([line] * 16, MS) is None
