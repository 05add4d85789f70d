"""Repairing what a check failed for: what is missing, what may be done about it, what was done."""
