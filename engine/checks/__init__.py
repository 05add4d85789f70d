"""Running checks, reading what they report, naming how they fail."""
