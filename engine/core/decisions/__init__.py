"""A worker's decisions over runs: when it is asked, and what comes of its word: pure."""
