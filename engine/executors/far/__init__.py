"""The program that is sent to a host and works for the engine there. Standard library alone."""
