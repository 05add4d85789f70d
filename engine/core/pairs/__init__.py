"""The referee's statistics for noisy metrics: measured pairs in, a decision out."""
