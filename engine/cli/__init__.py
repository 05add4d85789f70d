"""The commands, and the one place where configuration names concrete classes."""
