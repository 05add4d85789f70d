"""What must be equal for two measurements to be compared."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from engine.checks.harness import Harness
from engine.core.campaign.environment import InterpreterEnvironment, UvEnvironment
from engine.core.campaign.executors import SshExecutor
from engine.core.campaign.models import Campaign


def fingerprint(campaign: Campaign, root: Path, python: str) -> dict[str, str]:
    """Workload, environment, device and harness of a campaign's measurements.

    Args:
        campaign: what is measured.
        root: the folder in which commands run.
        python: the interpreter that `{python}` stands for, or is made from.
    """
    protected = () if campaign.workspace else campaign.protect
    commands = [_command(check.model_dump(mode="json")) for check in campaign.all_checks]
    return {
        "workload": _digest(
            [campaign.metric.name, campaign.metric.unit, campaign.metric.direction]
        ),
        "harness": _digest([commands, Harness(root, protected).sha256] if protected else commands),
        "environment": _environment(campaign, root, python),
        "device": _device(campaign),
    }


def _device(campaign: Campaign) -> str:
    """This machine, and the hosts that checks run on, where there are any."""
    here = f"{platform.system()} {platform.machine()}"
    used = dict.fromkeys(check.executor for check in campaign.every_check)
    far = (
        f"{name}: {', '.join(spec.hosts)} ({spec.python})"
        for name in used
        if isinstance(spec := campaign.executors[name], SshExecutor)
    )
    return "; ".join((here, *far))


def _command(check: Mapping[str, Any]) -> list[Any]:
    """What of a check can change a measured value; deadlines and expectations cannot."""
    told = ["seeded"] if check["seeded"] else []  # none, so that older fingerprints stay
    return [check[key] for key in _JUDGING if check[key] is not None] + told


_JUDGING: Final = ("name", "run", "produce", "judge", "shell", "metrics", "executor")


def _environment(campaign: Campaign, root: Path, python: str) -> str:
    settings = [campaign.env_of(check).set for check in campaign.all_checks]
    match campaign.environment:
        case InterpreterEnvironment():
            made_of: object = None
        case UvEnvironment(uv=spec):
            made_of = [spec.python, _content(root / spec.requirements)]
        case other:
            made_of = _content(root / other.venv.requirements)
    name = Path(os.path.realpath(python)).name
    return f"{name} {_digest([settings, made_of])}"


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"


def _digest(data: object) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
