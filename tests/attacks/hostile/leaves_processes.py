"""Leaves processes behind in all ways that there are, and ends well."""

import os
import signal
import time


def stay(name: str) -> None:
    """Live on, deaf."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    print("stays", name, flush=True)
    time.sleep(600)


for session in (False, True):
    if os.fork() == 0:
        if session:
            os.setsid()
        stay(f"child {session}")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sh", ["sh", "-c", "echo stays bare; while :; do sleep 600; done"], {})
    os._exit(0)
if (stopped := os.fork()) == 0:
    print("stays stopped", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(600)
os.waitpid(stopped, os.WUNTRACED)
time.sleep(0.3)
os._exit(0)
