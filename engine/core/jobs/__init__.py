"""Detached jobs: commands that outlive the engine. Pure."""
