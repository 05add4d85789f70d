"""The mentor's part: what it is asked, and what its answer means."""
