"""`controlroom doctor`: what this machine has, and what is missing for what."""

import importlib.metadata
import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from engine.agents.walls import FILES, KINDS, NETWORK, policy
from engine.checks.variables import ALLOWED
from engine.executors.protocol import Box
from engine.executors.trial import available

MIB: Final = 1024 * 1024
LITTLE_SPACE_BYTES: Final = 500 * MIB


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, and what to do when it is not well."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def doctor(*, as_json: bool) -> None:
    """Print what was found; exits with 0: a missing optional part is no failure."""
    findings = examine(Path.cwd())
    if as_json:
        click.echo(json.dumps({"findings": [asdict(f) for f in findings]}))
        return
    print_findings(findings)


def print_findings(findings: list[Finding]) -> None:
    """Print them, a line each, and what is to be done."""
    width = max(len(f.name) for f in findings)
    for finding in findings:
        mark = "ok" if finding.ok else "--"
        click.echo(f"{mark}  {finding.name:<{width}}  {finding.found}")
        if not finding.ok and finding.advice:
            click.echo(f"    {'':<{width}}  {finding.advice}")


def examine(folder: Path) -> list[Finding]:
    """Look at everything that a campaign may need."""
    return [
        _python(),
        _package("jax", "the kernel campaigns need it: make setup"),
        _package("libtpu", "no static TPU cost without it: pip install -r requirements-tpu.txt"),
        _package("textual", "no screen without it: make setup; --no-ui works"),
        _program("git", "campaigns that edit code need it"),
        _program("setpriv", "a killed engine leaves checks running until its next start"),
        _program("tmux", "only the end-to-end test needs it"),
        _processes(),
        *_sandbox(),
        *_agents(),
        _space("run folders", folder),
        _space("temporary files", Path(os.environ.get("TMPDIR", "/tmp"))),  # noqa: S108
        _writable(folder),
        _terminal(),
    ]


def _python() -> Finding:
    version = platform.python_version()
    return Finding("python", sys.version_info >= (3, 11), f"{version} on {platform.platform()}")


def _package(name: str, advice: str) -> Finding:
    try:
        return Finding(name, ok=True, found=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, ok=False, found="not installed", advice=advice)


def _program(name: str, advice: str) -> Finding:
    path = shutil.which(name)
    return Finding(name, ok=path is not None, found=path or "not on PATH", advice=advice)


def _processes() -> Finding:
    readable = Path("/proc/self/environ").exists()
    found = "/proc is there" if readable else "no /proc"
    advice = "processes that leave their session cannot be found again"
    return Finding("process marker", ok=readable, found=found, advice=advice)


def _sandbox() -> list[Finding]:
    """Whether there is one, and what a command in it sees and may take unless its box says more."""
    sandbox = available()
    if not sandbox.works:
        advice = "sealed checks need it: install bubblewrap 0.7 or later, allow user namespaces"
        return [Finding("sandbox", ok=False, found=sandbox.why, advice=advice)]
    box = Box()
    seen = "the system's programs, read-only, and what the check names; an empty home; no network"
    limits = (
        f"memory {box.memory_bytes // MIB:,} MiB, {box.processes} processes, scratch "
        f"{box.scratch_bytes // MIB:,} MiB, output {box.output_bytes // MIB:,} MiB, "
        f"files handed out {box.produced_bytes // MIB:,} MiB"
    )
    return [
        Finding("sandbox", ok=True, found=f"it works: bubblewrap {sandbox.version}"),
        Finding("sandbox shows", ok=True, found=seen),
        Finding("sandbox limits", ok=True, found=limits),
    ]


def _agents() -> list[Finding]:
    """What the program of each kind of agent sees and reaches here."""
    advice = "it needs bubblewrap, and user namespaces also within one another; claude also socat"
    path = os.environ.get("PATH", os.defpath)
    kinds = {kind: policy(kind, path) for kind in KINDS}
    known = ", ".join(sorted(ALLOWED))
    common = {
        "agents' files": FILES,
        "agents' variables": f"{known}, LC_*, and those that the campaign names",
        "agents' network": NETWORK,
    }
    return [
        *(Finding(f"agent {kind}", *found, advice) for kind, found in kinds.items()),
        *(Finding(name, ok=True, found=words) for name, words in common.items()),
    ]


def _space(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    advice = "a run waits when the disk is full; it loses nothing, and does nothing"
    return Finding(name, free > LITTLE_SPACE_BYTES, f"{free // MIB:,} MiB free", advice)


def _writable(folder: Path) -> Finding:
    ok = os.access(folder, os.W_OK)
    found = "writable" if ok else "read-only"
    return Finding("this folder", ok, found, "give another one: run --run-dir DIR")


def _terminal() -> Finding:
    term = os.environ.get("TERM", "")
    ok = sys.stdout.isatty() and term not in ("", "dumb")
    found = term or "no TERM"
    return Finding("terminal", ok, found, "the screen needs one; run --no-ui does not")
