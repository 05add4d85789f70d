"""The engine: runs campaigns, keeps the record, knows no screen."""
