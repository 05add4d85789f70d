"""What surrounds a run: closed terminals, odd folders, users without a name, readers, rivals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.driving import CONTROLROOM, QUICK, Driver, check_history, of_type, wait_for
from tests.terminal import Terminal

WRONG = 2
CONSOLE_SCRIPT = Path(sys.executable).with_name("controlroom")


def sleeping(seconds: float) -> str:
    """A campaign whose first check sleeps."""
    return QUICK.replace('run: "true"', f'run: "sleep {seconds}"').replace("20s", "60s")


def test_a_folder_that_is_gone(driver: Driver, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1"; rmdir "$1"; shift; "$@" status; test $? = 2 && "$@" --help'
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(gone), *CONTROLROOM],
        cwd=driver.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "does not exist any more" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Usage" in done.stdout


def test_text_in_a_locale_of_few_letters(driver: Driver) -> None:
    run = ("run", str(driver.config), "--no-ui", "--iterations", "2")
    for words in (run, ("events",), ("status",)):  # the interpreter reads it when it starts
        done = driver.really(*words, PYTHONIOENCODING="ascii")
        assert (done.returncode, done.stderr) == (0, "")
        assert words is not run or "works \\u2026" in done.stdout


def test_closed_streams(driver: Driver) -> None:
    """Their numbers must not be given to the journal or the lock."""
    command = [*CONTROLROOM, "run", str(driver.config), "--no-ui", "--iterations", "3"]
    for closing in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {closing}', "sh", *command, "--new"],
            cwd=driver.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        assert driver.status()["state"] == "done"
        check_history(driver.events())


def test_an_inbox_with_garbage(tmp_path: Path) -> None:
    driver = Driver(tmp_path, sleeping(0.2))
    engine = driver.start()
    inbox = driver.run_dir / "inbox"
    wait_for(lambda: driver.begun and driver.marked(), 60)
    (inbox / "empty.json").touch()
    (inbox / "folder.json").mkdir()
    (inbox / "folder.json" / "inside").touch()
    os.mkfifo(inbox / "pipe.json")
    (inbox / "noise.json").write_bytes(os.urandom(3000))
    (inbox / "huge.json").write_bytes(b"[" * 200_000)
    (inbox / "other.json").write_text(
        '{"id": "not-other", "by": "me", "command": {"type": "Stop"}}'
    )
    (inbox / "notes.txt").write_text("a note")
    wait_for(lambda: not list(inbox.glob("*.json")), 30)
    engine.communicate(timeout=120)
    assert engine.returncode == 0
    check_history(driver.events())
    reasons = sorted(path.name for path in (inbox / "refused").glob("*.reason"))
    assert len(reasons) == 7


def test_beside_packages_of_the_same_names(tmp_path: Path) -> None:
    """Somebody's own `engine` and `tui` are not ours; the engine in the background knows too."""
    driver = Driver(tmp_path)
    for name in ("engine", "tui", "kernels", "click", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    driver.run("--iterations", "2")
    for words in (["run", "campaign.yaml", "--detach", "--iterations", "4"], ["status"]):
        subprocess.run([CONSOLE_SCRIPT, *words], cwd=tmp_path, check=True, capture_output=True)
    wait_for(lambda: driver.status()["state"] == "done" and driver.status()["iteration"] == 4, 60)


def test_a_relative_path_from_another_folder(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "work").mkdir()
    at_root = QUICK.replace('run: "true"', 'run: "test -f campaign.yaml"')
    (tmp_path / "configs" / "campaign.yaml").write_text(at_root)
    for words in (["--no-ui"], ["--detach", "--new"]):
        driver = Driver(tmp_path / "work")
        driver.config.unlink()
        driver("run", "../configs/campaign.yaml", "--iterations", "2", *words)
        wait_for(lambda driver=driver: driver.status()["state"] == "done", 60)
        assert driver.status()["counts"].get("promoted")
    assert not (tmp_path / "configs" / ".controlroom").exists()


def test_a_campaign_file_that_goes_while_the_engine_runs(tmp_path: Path) -> None:
    driver = Driver(tmp_path, sleeping(0.1))
    text = driver.config.read_text()
    driver("run", "campaign.yaml", "--detach", "--iterations", "6")
    driver.config.unlink()
    wait_for(lambda: driver.status()["state"] == "done", 60)
    check_history(driver.events())
    assert driver.status()["iteration"] == 6
    assert (driver.run_dir / "campaign.yaml").read_text() == text


def test_following_ends_with_the_engine(tmp_path: Path) -> None:
    driver = Driver(tmp_path, sleeping(0.2))
    driver("run", "campaign.yaml", "--detach", "--iterations", "5")
    followers = [
        subprocess.Popen(
            [*CONTROLROOM, *words],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in (
            ["events", "--follow", "--json"],
            ["status", "--watch", "0.1", "--json"],
            ["status", "--watch"],
            ["logs", "--follow"],
        )
    ]
    said = [follower.communicate(timeout=90) for follower in followers]
    assert [follower.returncode for follower in followers] == [0] * 4, said
    events = [json.loads(line) for line in said[0][0].splitlines()]
    assert events == driver.events()
    states = [json.loads(line)["state"] for line in said[1][0].splitlines()]
    assert states[-1] == "done"
    assert "running" in states
    assert said[2][0].count("iteration ") >= 2


def test_ctrl_c_ends_a_follower_with_130(tmp_path: Path) -> None:
    driver = Driver(tmp_path, sleeping(30))
    driver("run", "campaign.yaml", "--detach")
    with subprocess.Popen(
        [*CONTROLROOM, "events", "--follow"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        assert follower.wait(60) == 130
    driver("stop", "--now", "--wait")
    assert driver.status()["state"] == "stopped"


def test_a_reader_that_goes_away(driver: Driver) -> None:
    driver.run("--iterations", "2")
    done = subprocess.run(
        ["sh", "-c", '"$@" events | head -1', "sh", *CONTROLROOM],
        cwd=driver.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_terminal_that_is_closed(tmp_path: Path) -> None:
    """SIGHUP drains; what the dead terminal does not take ends nothing."""
    driver = Driver(tmp_path, sleeping(0.3))
    terminal = Terminal(tmp_path)
    try:
        terminal.type(*CONTROLROOM, "run", "campaign.yaml", "--no-ui", "--iterations", "1000")
        terminal.wait_text("works passed")
        pid = driver.status()["engine"]["pid"]
        terminal.hang_up()
    finally:
        terminal.close()
    wait_for(lambda: not Path(f"/proc/{pid}/exe").exists(), 60)
    assert driver.status()["state"] == "stopped"
    assert "SIGHUP" in driver.status()["reason"]
    stopped = of_type(driver.events(), "EngineStopped")
    assert stopped[0]["exit_status"] == 130
    driver.run("--iterations", str(driver.status()["iteration"] + 1))
    check_history(driver.events())


def test_many_start_at_once_and_one_runs(tmp_path: Path) -> None:
    driver = Driver(tmp_path, sleeping(0.2))
    engines = [driver.start("--iterations", "4") for _ in range(4)]
    ends = sorted((engine.communicate(timeout=120)[0], engine.returncode) for engine in engines)
    assert sum("promoted" in said for said, _ in ends) == 1
    assert {status for _, status in ends} <= {0, WRONG}
    assert all("Traceback" not in said for said, _ in ends)
    check_history(driver.events())
    assert driver.status()["iteration"] == 4


def test_a_user_without_a_name(driver: Driver) -> None:
    """As in a container that is given any number for a user. It needs user namespaces."""
    names = {"PATH": os.environ["PATH"], "HOME": "/"}
    alone = ["unshare", "--user", "--map-user=54321"]
    done = subprocess.run(
        [*alone, *CONTROLROOM, "run", "campaign.yaml", "--no-ui", "--iterations", "2"],
        cwd=driver.folder,
        env=names,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert driver.status()["state"] == "done"
