"""Starts threads without end in one process."""

import threading
import time

threading.stack_size(65536)
while True:
    try:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    except RuntimeError:
        time.sleep(0.01)
