"""What runs inside a sandbox, as its first process: the standard library only, loaded quickly."""
