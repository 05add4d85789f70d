"""`controlroom doctor --executor NAME`: the hosts of an executor, and what is wrong with them."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Final

import anyio
import click

from engine.cli.checking import loaded_or_exit
from engine.cli.doctor import LITTLE_SPACE_BYTES, MIB, Finding, print_findings
from engine.cli.exits import Exit, fail
from engine.cli.looking import open_run
from engine.cli.remote import settings_of
from engine.core.address import Address
from engine.core.campaign.executors import SshExecutor
from engine.executors.ssh.errors import HostError
from engine.executors.ssh.host import Facts, Host
from engine.executors.ssh.settings import SshSettings

_CLOCK_S: Final = 60.0
_LATENCY_ROUNDS: Final = 3


def doctor_hosts(executor: str, config: Path | None, *, as_json: bool) -> None:
    """Print what is found on each host; exits with 3 where none can be used."""
    settings = _settings(executor, config)
    found = anyio.run(_examined, settings)
    findings = [each for host in found for each in host]
    if as_json:
        click.echo(json.dumps({"findings": [asdict(each) for each in findings]}))
    else:
        print_findings(findings)
    if not any(host[0].ok for host in found):
        raise SystemExit(Exit.FAILED)


def _settings(executor: str, config: Path | None) -> SshSettings:
    if "://" in executor:
        try:
            host = str(Address.parse(executor))
        except ValueError as error:
            fail(f"--executor: {error}; write ssh://user@host:port")
        return SshSettings(name=executor, hosts=(host,))
    if config is None:
        state = open_run(None).state
        if state is None:
            fail("the newest run here has not begun; name the campaign file: --config CONFIG")
        config = Path(state.campaign_path)
    loaded = loaded_or_exit(config, ())
    spec = loaded.campaign.executors.get(executor)
    if spec is None:
        known = ", ".join(loaded.campaign.executors)
        fail(f"--executor {executor}: {config} has no such executor, but {known}")
    if not isinstance(spec, SshExecutor):
        fail(f"--executor {executor}: that is this machine; controlroom doctor tells of it")
    return settings_of(executor, spec, loaded.path.parent)


async def _examined(settings: SshSettings) -> list[list[Finding]]:
    """What is found on each host, all of them at once; first whether it can be used."""
    found: dict[str, list[Finding]] = {}

    async def one(name: str) -> None:
        host = Host(name, settings)
        try:
            found[name] = await _host(host)
        finally:
            with anyio.CancelScope(shield=True):
                await host.close()

    async with anyio.create_task_group() as tasks:
        for name in settings.hosts:
            tasks.start_soon(one, name)
    return [found[name] for name in settings.hosts]


async def _host(host: Host) -> list[Finding]:
    begun_s = time.monotonic()
    try:
        facts = await host.facts()
        reached_s = time.monotonic() - begun_s
        rounds: list[float] = []
        for _ in range(_LATENCY_ROUNDS):
            begun_s = time.monotonic()
            await host.call("has", {"path": facts.folder})
            rounds.append(time.monotonic() - begun_s)
    except HostError as error:
        return [Finding(host.name, ok=False, found=error.kind, advice=error.reason)]
    found = f"reached as {facts.user} in {reached_s * 1000:.0f} ms, a command in "
    found += f"{min(rounds) * 1000:.0f} ms"
    return [Finding(host.name, ok=True, found=found), *_facts(host, facts)]


def _facts(host: Host, facts: Facts) -> list[Finding]:
    def finding(name: str, ok: bool, found: str, advice: str = "") -> Finding:  # noqa: FBT001
        return Finding(f"{host.name} {name}", ok, found, advice)

    version = ".".join(map(str, facts.version))
    free = facts.free_bytes
    space = f"{free // MIB:,} MiB free for {facts.folder}"
    clock = f"{abs(facts.clock_s):.1f} s {'ahead' if facts.clock_s > 0 else 'behind'}"
    return [
        finding("device", ok=True, found=facts.device),
        finding("python", ok=True, found=f"{version}, {facts.python}"),
        finding(
            "disk", free > LITTLE_SPACE_BYTES, space, "make room, or set `folder` of the executor"
        ),
        finding(
            "clock",
            abs(facts.clock_s) < _CLOCK_S,
            clock,
            "set it (chrony, ntp); times in logs and certificates are wrong until then",
        ),
        finding(
            "processes",
            facts.proc,
            "/proc is there" if facts.proc else "no /proc",
            "processes that leave their session cannot be found again there",
        ),
    ]
