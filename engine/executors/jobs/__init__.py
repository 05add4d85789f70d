"""Commands that outlive the engine: a supervisor runs each, and writes down how it ended."""
