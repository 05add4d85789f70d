"""All that a screen or a script may use: open a run, follow it, send it a command."""
