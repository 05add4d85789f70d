"""Running commands on hosts that are reached by ssh."""
