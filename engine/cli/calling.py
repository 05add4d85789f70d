"""From an agent that a campaign calls for answers to what calls it: concrete classes are named."""

import os

import msgspec

from engine.agents import table
from engine.agents.walls import walls_of
from engine.checks.variables import variables
from engine.cli.coding import Surroundings, home_of, prices_of
from engine.cli.request import Request
from engine.cli.walls import confinement
from engine.core.campaign.budget import BudgetPart
from engine.core.campaign.proposers import AgentSpec
from engine.loop.calls import Calls, CallSetup
from engine.loop.writer import Writer


def called(request: Request, program: AgentSpec, budget: BudgetPart) -> CallSetup:
    """Who is called, and what one call may use.

    Raises:
        ScriptError: its script cannot be played.
        AgentMissingError: its agent is not on this machine.
    """
    campaign, folder = request.loaded.campaign.effective(), request.loaded.path.parent
    found, walls = variables(program.env, os.environ), walls_of(program)
    shown = confinement(request, campaign, program, walls)
    return CallSetup(
        agent=table.make(
            program.agent,
            table.Setup(folder=folder, command=program.words(), script=program.script),
        ),
        spec=program,
        budget=budget,
        price_of=prices_of(campaign).cost_usd,
        home=home_of(request, program),
        env=found.values,
        secrets=tuple(found.secrets),
        # It changes nothing, whatever the campaign lets those who work change.
        confinement=shown and msgspec.structs.replace(shown, write=()),
        unconfined=walls.why,
    )


def calls_of(request: Request, around: Surroundings, writer: Writer, who: CallSetup) -> Calls:
    """What calls it."""
    return Calls(
        who,
        writer,
        request.paths,
        executor=around.executor,
        room=around.room,
        clock=around.clock,
        purse=around.purse,
    )
