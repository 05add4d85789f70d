"""The program for hosts, packed: the modules of this very version that need the library alone."""

import functools
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Final

import engine

MODULES: Final = (
    "__init__",
    "core/__init__",
    "core/secrets",
    "executors/__init__",
    "executors/clock",
    "executors/far/__init__",
    "executors/far/files",
    "executors/far/jobs",
    "executors/far/looking",
    "executors/far/main",
    "executors/far/wire",
    "executors/jobs/__init__",
    "executors/jobs/keeping",
    "executors/jobs/record",
    "executors/jobs/supervisor",
    "executors/jobs/tree",
    "executors/markers",
    "executors/procfs",
    "executors/programs",
    "executors/signalling",
)
OLDEST: Final = (3, 10)
"""The oldest Python that runs it."""

_MAIN: Final = "import sys\nfrom engine.executors.far.main import main\n\nsys.exit(main())\n"
_NEW: Final = (1980, 1, 1, 0, 0, 0)

FIRST: Final = (
    "import sys,os,io,runpy,zipfile\n"
    "v=sys.version_info[:2]\n"
    "if v<(3,10): sys.exit('controlroom needs Python 3.10 or later, and this is %d.%d'%v)\n"
    "p=sys.argv[1]; n=int(sys.argv[2]); b=sys.stdin.buffer.read(n)\n"
    "if not os.path.exists(p):\n"
    "  os.umask(63); t='%s.%d'%(p,os.getpid())\n"
    "  zipfile.ZipFile(io.BytesIO(b)).extractall(t)\n"
    "  os.path.exists(p) or os.rename(t,p)\n"
    "sys.argv=[p,'look']; sys.path.insert(0,p); runpy.run_path(p,run_name='__main__')\n"
)
"""Puts the program in place, if it is not there yet, and has it look at the host."""


@functools.cache
def parcel() -> tuple[str, bytes]:
    """A name that no other content has, and the content."""
    root = Path(engine.__file__ or "").parent
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        file.writestr(zipfile.ZipInfo("__main__.py", _NEW), _MAIN)
        for name in MODULES:
            text = (root / f"{name}.py").read_bytes()
            file.writestr(zipfile.ZipInfo(f"engine/{name}.py", _NEW), text)
    content = packed.getvalue()
    return f"{hashlib.sha256(content).hexdigest()[:20]}", content
