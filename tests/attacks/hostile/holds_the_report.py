"""Hands the descriptor for its report to a process that never closes it, and ends."""

import os
import signal
import time

descriptor = int(os.environ["REPORT"])
os.write(descriptor, b'{"half": ')
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
os._exit(0)
