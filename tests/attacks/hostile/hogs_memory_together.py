"""Takes memory in many processes, each of them modest."""

import os
import time

for _ in range(40):
    if os.fork() == 0:
        kept = bytearray(b"x") * (24 << 20)
        time.sleep(600)
        del kept
time.sleep(600)
