"""`run --on`: the checks of a campaign elsewhere, without a change to its file."""

from collections.abc import Iterator
from typing import Final

from engine.cli.exits import fail
from engine.cli.flags import quoted
from engine.core.address import Address
from engine.core.campaign.models import Campaign

EXECUTOR: Final = "on"
"""What an executor is called that only the command line knows."""


def elsewhere(campaign: Campaign, place: str) -> Iterator[str]:
    """The overrides that bring every check to a host or an executor; exits with 2 without any."""
    checks = {
        "checks": campaign.checks,
        "post_checks": campaign.post_checks,
        "finish.checks": campaign.final_checks,
    }
    plain = [
        f"{key}.{check.name}" for key, each in checks.items() for check in each if not check.sealed
    ]
    if not plain:
        fail(f"--on {place}: all checks are sealed, and those run on this machine")
    name = place
    if "://" in place:
        name = EXECUTOR
        yield f"executors.{EXECUTOR}={{kind: ssh, hosts: [{quoted(_host(place))}]}}"
    elif place not in campaign.executors:
        known = ", ".join(campaign.executors)
        fail(
            f"--on {place}: there is no such executor, but {known}; for a host write ssh://{place}"
        )
    for path in plain:
        yield f"{path}.executor={name}"


def _host(place: str) -> str:
    scheme = place.partition("://")[0]
    if scheme != "ssh":
        fail(f"--on {place}: this version knows ssh://HOST, not {scheme}")
    try:
        return str(Address.parse(place))
    except ValueError as error:
        fail(f"--on: {error}; write ssh://user@host:port")
