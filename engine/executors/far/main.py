"""The commands of the program on a host: `python3 PROGRAM COMMAND`. Standard library alone."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from engine.executors.far import files, jobs, looking, wire
from engine.executors.jobs import supervisor

Request = dict[str, Any]
_COMMANDS: Final[dict[str, Callable[[Request], Request]]] = {
    "look": looking.look,
    "begin": jobs.begin,
    "follow": jobs.follow,
    "stop": jobs.stop,
    "kill": jobs.kill,
    "put": files.put,
    "get": files.get,
    "has": files.has,
    "remove": files.remove,
}


def main() -> int:
    """Do what the first word says; the exit status. Failures are answers, too."""
    command = sys.argv[1]
    os.umask(0o077)
    if command == "supervise":
        return supervisor.main()
    out = sys.stdout.buffer
    out.write(wire.HELLO)
    out.flush()
    try:
        request: Request = json.loads(sys.stdin.buffer.readline())
        told = _COMMANDS[command](request)
    except BrokenPipeError:
        return 1
    except (OSError, ValueError) as error:
        lacking = isinstance(error, OSError)
        told = {"failed": f"{error}", "errno": error.errno if isinstance(error, OSError) else None}
        told["class"] = type(error).__name__ if lacking else "ValueError"
    out.write(wire.answer(told))
    out.flush()
    return 0
