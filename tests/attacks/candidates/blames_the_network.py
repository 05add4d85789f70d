"""Fails in the words of a machine that has trouble, to be tried again for nothing."""

raise SystemExit("ConnectionResetError: Connection reset by peer")
