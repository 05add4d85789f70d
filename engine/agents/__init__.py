"""Coding-agent programs behind one interface."""
