"""The terminal application: looks at runs and sends them commands, and nothing else."""
