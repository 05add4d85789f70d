"""A campaign file: its models, and how to read one."""
