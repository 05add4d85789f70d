"""The files of a run beside its journal: paths, lock, heartbeat, inbox, the PAUSE file."""
