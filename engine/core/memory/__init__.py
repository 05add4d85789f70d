"""What a run remembers beside its measurements: open work (TODO) and notes. Pure."""
