"""Ends as if it could not have been run, which would be the machine's fault."""

raise SystemExit(126)
