"""Groups of commands, and options in groups."""

from typing import Any

import click


class WithDefault(click.Group):
    """A group that stands for one of its commands when none of them is named.

    Args:
        default: the name of that command.
    """

    def __init__(self, *arguments: Any, default: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What is left of the words, the default command in front where no command is."""
        helps = set(ctx.help_option_names)
        if not args or (args[0] not in self.commands and args[0] not in helps):
            args = [self._default, *args]
        return super().parse_args(ctx, args)


class InGroup(click.Option):
    """An option that the help lists under a heading.

    Args:
        group: the heading.
    """

    def __init__(self, *arguments: Any, group: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.group = group


class WithGroups(click.Command):
    """A command whose help lists options under their headings, those without one first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            if not isinstance(parameter, click.Option):
                continue
            record = parameter.get_help_record(ctx)
            heading = parameter.group if isinstance(parameter, InGroup) else "Options"
            if record is not None:
                groups.setdefault(heading, []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)
