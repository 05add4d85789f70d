"""The finish-up of a run, planned backwards from its deadline: pure."""
