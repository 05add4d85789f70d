"""SQLite: the append-only record of a run. All SQL of the project lives here."""
