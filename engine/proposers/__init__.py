"""Makers of candidates."""
