"""`controlroom check`: a campaign file and what it needs, looked at before anything runs."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from engine.checks.preflight import missing
from engine.cli.exits import Exit, fail
from engine.cli.summary import summary
from engine.cli.told_texts import text_problems
from engine.core.campaign.foresight import warnings
from engine.core.campaign.load import LoadedCampaign, load_campaign, located
from engine.core.campaign.problems import CampaignError
from engine.core.campaign.schema import campaign_schema


def check(config: Path | None, *, overrides: Sequence[str], schema: bool, as_json: bool) -> None:
    """Print what is wrong, and what is no mistake but will not do; exits with 2 on mistakes."""
    if schema:
        click.echo(json.dumps(campaign_schema(), indent=2))
        return
    if config is None:
        fail("name the campaign file: controlroom check CONFIG")
    loaded = loaded_or_exit(config, overrides, as_json=as_json)
    from engine.cli.earlier import seen

    lacking = missing(loaded, os.environ)
    lacking += text_problems(loaded)
    found = warnings(loaded.campaign, seen(loaded.campaign.campaign, Path.cwd()))
    warned = [problem.render(str(config)) for problem in located(loaded, found)]
    if as_json:
        told = {"config": str(config), "problems": lacking, "warnings": warned}
        click.echo(json.dumps(told | {"ok": not lacking}))
    else:
        lines = [*([] if lacking else [summary(loaded)]), *(f"warning: {each}" for each in warned)]
        click.echo("\n".join(lines), nl=bool(lines))
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
