"""One check of one candidate, by real processes: what it is handed, and what is made of it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.checks.step import clear_step
from engine.core import events
from engine.core.events import CheckFinished, Tests
from engine.executors.procfs import carrying
from engine.executors.protocol import RUN_VARIABLE, Command, Ended, Interrupted, LogSink
from engine.runfolder import lock
from tests.checking import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.anyio
async def test_the_contract(bench: Bench) -> None:
    """Everything that a check is promised, seen from inside."""
    bench.environ |= {
        "LC_ALL": "C",
        "TZ": "UTC",
        "OTHER": "hidden",
        "HANDED": "on",
        "TOKEN": "s3cr3t-value",
        "CONTROLROOM_RUN": "/an/outer/run",
    }
    report = await bench.python(
        "candidate = json.loads(Path(os.environ['CONTROLROOM_CANDIDATE']).read_text())\n"
        "seen = {'env': dict(os.environ), 'candidate': candidate, 'cwd': os.getcwd(),"
        " 'there': result.exists()}\n"
        "Path('seen.json').write_text(json.dumps(seen))\n"
        "report(metrics={'x': 1.5}, tests={'passed': 3})\n",
        env={"set": {"MINE": "1", "TZ": "CET"}, "pass": ["HANDED"], "secret": ["TOKEN"]},
        reports=["x"],
        tests={"passed": 3},
    )
    seen = json.loads((bench.root / "seen.json").read_text())
    assert report.outcome == "passed"
    assert report.metrics == {"x": 1.5}
    assert report.tests == Tests(passed=3)
    assert seen["cwd"] == str(bench.root.resolve())
    assert seen["there"] is False
    assert seen["candidate"] == {
        "id": "c-0007",
        "parameters": bench.candidate.parameters,
        "seed": 99,
        "commit": None,
        "parents": ["c-0001"],
        "iteration": 7,
    }
    step = bench.paths.root / "steps/00007"
    marker = str(bench.paths.root.resolve())
    env = {name: value for name, value in seen["env"].items() if name != "LC_CTYPE"}
    assert env == {
        "PATH": bench.environ["PATH"],
        "HOME": bench.environ["HOME"],
        "LC_ALL": "C",
        "TZ": "CET",
        "MINE": "1",
        "HANDED": "on",
        "TOKEN": "s3cr3t-value",
        "CONTROLROOM_RUN": marker,
        "CONTROLROOM_STEP": f"{marker}#7/check/1",
        "CONTROLROOM_CANDIDATE": str(step / "candidate.json"),
        "CONTROLROOM_RESULT": str(step / "result-check.json"),
        "CONTROLROOM_STEP_DIR": str(step),
        "CONTROLROOM_TRACE_ID": "0123456789abcdef",
    }
    clear_step(bench.paths, 7)
    clear_step(bench.paths, 7)
    assert not step.exists()


@pytest.mark.anyio
@pytest.mark.parametrize("shell", [False, True], ids=["words", "shell"])
async def test_placeholders(bench: Bench, *, shell: bool) -> None:
    run = (
        "printf '%s\\n' {param.a} {param.name} {param.on} {param.rate} {seed} {iteration} "
        "{candidate} {result} {step_dir} x{param.a}y {{seed}} {nothing here}"
    )
    report = await bench.report({"run": run, "shell": shell})
    step = bench.paths.root / "steps/00007"
    words = [
        "2",
        "it's $HOME",
        "true",
        "1e-05",
        "99",
        "7",
        str(step / "candidate.json"),
        str(step / "result-check.json"),
        str(step),
        "x2y",
        "{seed}",
        "{nothing",
        "here}",
    ]
    assert bench.log(report).splitlines()[1:] == words


@pytest.mark.anyio
async def test_a_placeholder_without_a_value(bench: Bench) -> None:
    report = await bench.report({"run": "echo {param.block}"})
    assert (report.verdict, report.exit_code) == ("infra", None)
    assert "{param.block}" in report.detail
    assert "not started" in bench.log(report)


@pytest.mark.anyio
async def test_a_variable_that_is_not_set(bench: Bench) -> None:
    report = await bench.report({"run": "true", "env": {"secret": ["NO_SUCH_TOKEN"]}})
    assert report.verdict == "infra"
    assert "NO_SUCH_TOKEN" in report.detail


FAILURES: list[tuple[str, dict[str, Any], str | None, str]] = [
    ("report(failure={'class': 'refused', 'detail': 'no'})", {}, "refused", "no"),
    ("report(failure={'detail': 'no'}); sys.exit(3)", {}, "incorrect", "no"),
    ("print('boom'); sys.exit(3)", {}, "incorrect", "exit status 3: boom"),
    ("print('boom'); sys.exit(3)", {"exit": [3]}, None, ""),
    ("raise ValueError('deep')", {}, "incorrect", "exit status 1: ValueError: deep"),
    (
        "print('CUDA out of memory'); sys.exit(1)",
        {"failures": [{"pattern": "out of memory", "class": "infra"}]},
        "infra",
        "exit status 1",
    ),
    ("report(metrics={'x': float('nan')})", {}, "incorrect", "metric x is nan"),
    ("result.write_text('{')", {}, "incorrect", "it is not JSON"),
    ("os.mkfifo(result)", {}, "incorrect", "not an ordinary file"),
    ("result.mkdir(); (result / 'x').touch()", {}, "incorrect", "not an ordinary file"),
    ("result.symlink_to('/dev/zero')", {}, "incorrect", "symbolic link"),
    ("os.truncate(os.open(result, 66), 100 << 20)", {}, "incorrect", "at most"),
    ("report(metrics={'y': 1})", {"reports": ["x"]}, "incorrect", "metric x: it is not in the"),
    ("report(tests={'passed': 49, 'skipped': 40})", {"tests": {"passed": 49}}, "incorrect", "40"),
    ("print('49 passed, 40 skipped in 1.0s')", {"tests": {"passed": 49}}, "incorrect", "40"),
    ("print('=== 49 passed in 1.0s ===')", {"tests": {"passed": 49}}, None, ""),
    ("print('loss 3')", {"metrics": {"x": {"regex": "gain (.*)"}}}, "incorrect", "no line"),
    ("os.kill(os.getpid(), 11)", {}, "incorrect", "SIGSEGV"),
    ("os.kill(os.getpid(), 9)", {}, "infra", "SIGKILL"),
    ("import time; time.sleep(600)", {"deadline": "0.3s"}, "timeout", "deadline of 0.3 s"),
    ("print('up', flush=True); import time; time.sleep(600)", {"idle": "0.3s"}, "timeout", "up"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("program", "check", "verdict", "detail"), FAILURES)
async def test_how_checks_fail(
    bench: Bench, program: str, check: dict[str, Any], verdict: str | None, detail: str
) -> None:
    report = await bench.python(program, **check)
    assert (report.verdict, report.outcome) == (verdict, "failed" if verdict else "passed")
    assert detail in report.detail
    assert isinstance(report.to_event(), CheckFinished)


@pytest.mark.anyio
async def test_a_result_of_an_earlier_attempt_is_gone(bench: Bench) -> None:
    await bench.python("report(metrics={'x': 1})")
    assert (await bench.python("pass", reports=["x"])).verdict == "incorrect"
    await bench.python("result.mkdir(); (result / 'x').touch()")
    assert (await bench.python("report(metrics={'x': 2})")).metrics == {"x": 2}


@pytest.mark.anyio
async def test_a_json_file_of_an_earlier_candidate_is_not_read(bench: Bench) -> None:
    metric = {"x": {"json": "out.json", "path": "x"}}
    write = "Path('out.json').write_text(json.dumps({'x': 4}))"
    assert (await bench.python(write, metrics=metric)).metrics == {"x": 4}
    stale = await bench.python("pass", metrics=metric)
    assert stale.verdict == "incorrect"
    assert "was not written by it" in stale.detail
    assert (await bench.python(write, metrics=metric)).outcome == "passed"
    there = {"x": {"json": "{step_dir}/out.json", "path": "x"}}
    write = "Path(os.environ['CONTROLROOM_STEP_DIR'], 'out.json').write_text('{\"x\": 5}')"
    assert (await bench.python(write, metrics=there)).metrics == {"x": 5}


@pytest.mark.anyio
async def test_a_metric_from_long_output(bench: Bench) -> None:
    """Printed early, so that it is in no tail in memory, and long after by ordinary output."""
    metric = {"x": {"regex": "loss: (.*)", "pick": "min"}}
    report = await bench.python("print('loss: 7'); print('filler\\n' * 50_000)", metrics=metric)
    assert report.metrics == {"x": 7}


@pytest.mark.anyio
async def test_secrets_appear_nowhere(bench: Bench) -> None:
    bench.environ["TOKEN"] = "s3cr3t-value"
    report = await bench.python(
        "token = os.environ['TOKEN']\n"
        "sys.stdout.write(token[:5]); sys.stdout.flush(); print(token[5:], flush=True)\n"
        "report(failure={'detail': 'rejected ' + token})\n"
        "sys.exit(token)",
        env={"secret": ["TOKEN"]},
    )
    assert "[secret TOKEN]" in report.detail
    assert bench.log(report).count("[secret TOKEN]") == 2
    step = bench.paths.step(7)
    (step / "result-check.json").unlink()  # the check's own doing
    files = [path for path in bench.paths.root.rglob("*") if path.is_file()]
    assert files
    assert not any(b"s3cr3t-value" in path.read_bytes() for path in files)
    assert "s3cr3t-value" not in repr(report)


@pytest.mark.anyio
async def test_background_processes_are_killed_and_counted(bench: Bench) -> None:
    report = await bench.report({"run": "sleep 600 & setsid sleep 600 & exit 0", "shell": True})
    assert (report.outcome, report.background) == ("passed", 2)
    assert "2 processes behind" in bench.log(report)


@pytest.mark.anyio
async def test_artifacts_are_kept(bench: Bench) -> None:
    report = await bench.python(
        "step = Path(os.environ['CONTROLROOM_STEP_DIR'])\n"
        "(step / 'sub').mkdir(); (step / 'sub/trace.json').write_text('trace')\n"
        "Path('root.txt').write_text('root')\n"
        "report(artifacts=['sub/trace.json', 'root.txt', str(step / 'sub/trace.json')])"
    )
    assert report.detail == ""
    kept = ["artifacts/00007/check/sub/trace.json", "artifacts/00007/check/root.txt"]
    assert report.artifacts == [*kept, kept[0]]
    assert [(bench.paths.root / path).read_text() for path in kept] == ["trace", "root"]


@pytest.mark.anyio
async def test_the_files_of_the_run_itself_are_no_artifacts(bench: Bench) -> None:
    held = lock.take(bench.paths.lock)
    assert isinstance(held, lock.RunLock)
    report = await bench.python(
        "report(artifacts=['.controlroom/runs/bench/engine.lock', '../../engine.lock'])"
    )
    assert (report.outcome, report.artifacts) == ("passed", [])
    assert "belongs to the run itself" in report.detail
    taken = "from engine.runfolder import lock; import sys; from pathlib import Path;"
    taken += "sys.exit(lock.holder(Path(sys.argv[1])) is None)"
    asked = await anyio.run_process(
        [sys.executable, "-c", taken, str(bench.paths.lock)], check=False
    )
    assert asked.returncode == 0, "the lock was lost"
    held.release()


@pytest.mark.anyio
async def test_an_artifact_with_a_name_that_is_not_utf_8_is_refused(bench: Bench) -> None:
    report = await bench.python(
        "(result.parent / os.fsdecode(b'caf\\xe9')).touch()\n"
        "report(artifacts=[os.fsdecode(b'caf\\xe9')])"
    )
    assert (report.outcome, report.artifacts) == ("passed", []), report.detail
    assert "cannot be shown" in report.detail
    events.encode(report.to_event())


@pytest.mark.anyio
async def test_artifacts_from_elsewhere_are_not(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("x")
    inside = Bench(tmp_path / "inside")
    report = await inside.python(
        "Path('link').symlink_to('../outside/secret'); os.mkfifo('fifo')\n"
        "os.truncate(os.open('big', 66), 1 << 40)\n"
        "report(artifacts=['../outside/secret', '/etc/passwd', 'link', 'fifo', 'gone', 'big',"
        " '.', 'a\\0b'])"
    )
    assert (report.outcome, report.artifacts) == ("passed", [])
    assert report.detail.count("lies outside") == 3
    for reason in (
        "'fifo' not kept: it is not an ordinary",
        "'gone' not kept: it is not there",
        "'big' not kept: a check may keep",
        "'.' not kept: it is not an ordinary",
        "embedded null",
    ):
        assert reason in report.detail
    assert list((inside.paths.root / "artifacts").rglob("*")) == []


@pytest.mark.anyio
async def test_a_cancellation_kills_and_leaves_the_log_readable(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.run, {"run": "echo begun; sleep 600", "shell": True})
        path = bench.paths.log(7)
        with anyio.fail_after(20):
            while not (path.exists() and b"begun" in path.read_bytes()):
                await anyio.sleep(0.005)
        tasks.cancel_scope.cancel()
    assert carrying(RUN_VARIABLE, bench.paths.run_marker) == []


@pytest.mark.anyio
async def test_a_log_of_its_own_for_each_iteration(bench: Bench) -> None:
    first = await bench.report({"run": "echo one"})
    second = await bench.report({"run": "echo two"})
    assert (first.log.path, first.log.start) == ("logs/00007.log", 0)
    assert second.log.start == first.log.end
    header, line = bench.log(second).splitlines()
    assert header.startswith("=== 0123456789abcdef iteration 7 check check attempt 1 2")
    assert line == "two"


class Cut:
    """An executor whose commands are always cut off."""

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> Ended:
        return Interrupted("the machine was taken away")


@pytest.mark.anyio
async def test_what_was_cut_off_is_no_report(bench: Bench) -> None:
    bench.executor = Cut()
    assert await bench.run({"run": "true"}) == Interrupted("the machine was taken away")


@pytest.mark.anyio
async def test_a_result_may_be_large_numbers_and_names(bench: Bench) -> None:
    report = await bench.python("report(metrics={'é/x': 1e308, 'n': -0.0, 'i': 2**53})")
    assert report.metrics == {"é/x": 1e308, "n": 0.0, "i": float(2**53)}
    assert os.path.exists(bench.paths.step(7))  # noqa: PTH110
