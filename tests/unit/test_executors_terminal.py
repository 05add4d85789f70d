"""A program in the person's terminal: what ctrl+c and its end mean."""

import os
import signal
import subprocess
import sys

import pytest

from engine.executors.terminal import in_terminal

ASKED = """\
import os, sys
from engine.executors.terminal import in_terminal
print("status", in_terminal(["sh", "-c", sys.argv[1]], dict(os.environ)), flush=True)
"""


@pytest.mark.parametrize(("line", "status"), [("exit 3", 3), ("true", 0), ("kill -9 $$", -9)])
def test_its_status_is_returned(line: str, status: int) -> None:
    assert in_terminal(["sh", "-c", line], dict(os.environ)) == status


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="nothere"):
        in_terminal(["/nothere"], {})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("trap 'exit 7' INT; echo up; while :; do sleep 0.05; done", "status 7"),
        ("echo up; exec sleep 60", f"status -{signal.SIGINT.value}"),
    ],
)
def test_ctrl_c_is_the_programs(line: str, said: str) -> None:
    asked = subprocess.Popen(
        [sys.executable, "-c", ASKED, line],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert asked.stdout is not None
    assert asked.stdout.readline() == "up\n"
    os.killpg(asked.pid, signal.SIGINT)
    rest, _ = asked.communicate(timeout=30)
    assert rest == f"{said}\n"
    assert asked.returncode == 0
