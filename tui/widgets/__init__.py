"""The panes' widgets: each paints lines and nothing else."""
