"""What a host is and has. Standard library alone."""

import os
import platform
import pwd
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from engine.executors.jobs import record


def look(request: dict[str, Any]) -> dict[str, Any]:
    """Facts about the host, and the variables that are `wanted`, with those that begin with LC_."""
    wanted: list[str] = request["wanted"]
    python: str = request["python"]
    folder = Path(request["folder"])
    return {
        "host": platform.node(),
        "user": _user(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cpus": os.cpu_count() or 0,
        "boot_id": record.boot_id(),
        "time": time.time(),
        "free_bytes": shutil.disk_usage(folder).free,
        "folder": str(folder.resolve()),
        "version": list(sys.version_info[:3]),
        "python": shutil.which(python) or "",
        "git": shutil.which("git") or "",
        "proc": Path("/proc/self/environ").exists(),
        "environ": {
            name: value
            for name, value in os.environ.items()
            if name in wanted or name.startswith("LC_")
        },
    }


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
