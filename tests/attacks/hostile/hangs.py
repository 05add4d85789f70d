"""Never ends, and does not listen."""

import signal
import time

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
print("hangs", flush=True)
while True:
    time.sleep(600)
