"""`controlroom check`: a campaign file and what it needs, looked at before anything runs."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from engine.checks.preflight import missing
from engine.cli.exits import Exit, fail
from engine.cli.summary import summary
from engine.core.campaign.load import LoadedCampaign, load_campaign
from engine.core.campaign.problems import CampaignError
from engine.core.campaign.schema import campaign_schema


def check(config: Path | None, *, overrides: Sequence[str], schema: bool, as_json: bool) -> None:
    """Print what is wrong; exits with 2 when anything is."""
    if schema:
        click.echo(json.dumps(campaign_schema(), indent=2))
        return
    if config is None:
        fail("name the campaign file: controlroom check CONFIG")
    loaded = loaded_or_exit(config, overrides, as_json=as_json)
    lacking = missing(loaded, os.environ)
    if as_json:
        click.echo(json.dumps({"config": str(config), "problems": lacking, "ok": not lacking}))
    elif not lacking:
        click.echo(summary(loaded))
    if lacking:
        refuse_missing(config, lacking, quiet=as_json)


def loaded_or_exit(
    config: Path, overrides: Sequence[str], *, as_json: bool = False
) -> LoadedCampaign:
    """The campaign; exits with 2 and every mistake when it cannot be used."""
    try:
        return load_campaign(config, overrides)
    except CampaignError as error:
        problems = str(error).splitlines()
        if as_json:
            click.echo(json.dumps({"config": str(config), "problems": problems, "ok": False}))
            raise SystemExit(Exit.WRONG) from error
        fail("the campaign cannot be used:\n" + "\n".join(problems))


def refuse_missing(config: Path, lacking: Sequence[str], *, quiet: bool = False) -> None:
    """Exit with 2, and a line for everything that the campaign needs and does not find."""
    if quiet:
        raise SystemExit(Exit.WRONG)
    listed = "\n".join(f"  {problem}" for problem in lacking)
    fail(f"{config} needs what is not here:\n{listed}")
