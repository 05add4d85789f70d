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
