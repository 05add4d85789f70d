"""Makes empty files without end."""

import contextlib
import itertools
import os

for number in itertools.count():
    with contextlib.suppress(OSError):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))
